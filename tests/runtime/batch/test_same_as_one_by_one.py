"""A table decided at once is answered, counted and acted on as its rows one after the other."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from msgspec.structs import asdict, replace

from shipworthy import Guard
from shipworthy.deploy.receipt import unseal
from shipworthy.errors import Unreachable, UsageError
from shipworthy.facts import HEARTBEAT, AbuseKind, WindowSummary
from shipworthy.models.spec import Cell
from shipworthy.runtime.reply import Decision
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import claim
from tests.runtime.test_guard import logistic

pytestmark = pytest.mark.slow
OWN = ("receipt", "request", "at")


def odd_rows(seed: int, n: int) -> list[dict[str, Any]]:
    """Rows of two tenants, most of them ordinary, with every kind of cell that a caller may send."""
    drawn = random.Random(seed)
    rows = []
    for at in range(n):
        row = claim(
            visit=f"v-{at // 2}",
            tenant=drawn.choice(["acme", "birch"]),
            supplier=drawn.choice(["S1", "S2", "S3"]),
            speed=drawn.randint(0, 20),
            age=drawn.randint(20, 90),
        )
        if drawn.random() < 0.2:
            name = drawn.choice(["supplier", "speed", "age", "visit"])
            row[name] = drawn.choice(
                [None, "", math.nan, math.inf, "12", True, 1e301, -5, 3.5, "S9", "<script>", 2**70]
            )
        rows.append(row)
    return rows


def tolerant(rows: list[dict[str, Cell]]) -> list[float | None]:
    """Score as version 1, where the cells are numbers; else give none."""

    def one(row: Mapping[str, Cell]) -> float | None:
        try:
            return logistic([dict(row)])[0]
        except (ValueError, OverflowError):
            return None

    return [one(row) for row in rows]


def told(decision: Decision) -> dict[str, Any]:
    return {name: value for name, value in asdict(decision).items() if name not in OWN}


def one_by_one(guard: Guard, rows: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """None where nobody could take a row."""
    made: list[dict[str, Any] | None] = []
    for row in rows:
        try:
            made.append(told(guard.decide(row)))
        except Unreachable:
            made.append(None)
    return made


def windows(guard: Guard, tiny: Tiny) -> list[WindowSummary]:
    """Everything counted, without times."""
    minute = int(tiny.clock().timestamp() // 60) + 1
    guard._run(_later(guard._site.flush), 10.0)  # the last rows may still wait to be counted
    closed = guard._run(_later(lambda: guard._site.telemetry._collector.roll(minute)), 10.0)
    return [replace(one, latency=()) for one in closed if one.arm != HEARTBEAT]


async def _later(work: Callable[[], Any]) -> Any:
    return work()


def both(tiny: Tiny, tmp_path: Any, **given: Any) -> tuple[tuple[Tiny, Guard], tuple[Tiny, Guard]]:
    other = tiny.copy(tmp_path / "other")
    made = [(one, Guard(one.root, one.workspace.home, clock=one.clock, **given)) for one in (tiny, other)]
    return made[0], made[1]


def abuse(guard: Guard) -> dict[AbuseKind, int]:
    """Counts of what rows are by themselves: a table has no caller who could repeat or probe."""
    kinds = (AbuseKind.NEVER_ATTEMPT, AbuseKind.PAYLOAD)
    return {kind: guard._site.abuse._events[kind] for kind in kinds}


@pytest.mark.parametrize(("seed", "chunk"), [(1, 1000), (2, 64), (3, 7), (4, 1), (5, 300)])
def test_a_table_is_decided_as_its_rows_are(shipped: Tiny, tmp_path: Any, seed: int, chunk: int) -> None:
    rows = odd_rows(seed, 240)
    (here, alone), (there, together) = both(shipped, tmp_path, model=tolerant)
    with alone, together:
        expected = one_by_one(alone, rows)
        made = together.batch(rows, chunk=chunk)
        for row, one, other in zip(rows, expected, made, strict=True):
            assert one is None or told(other) == one, row
            assert one is not None or other.route == "refused"
        assert windows(together, there) == windows(alone, here)
        assert abuse(together) == abuse(alone)
        mine, theirs = together._site.controller.repeats, alone._site.controller.repeats
        assert [replace(one, at="") for one in mine.alarms()] == [replace(one, at="") for one in theirs.alarms()]
        assert {key: one.state for key, one in mine.streams.items()} == {
            key: one.state for key, one in theirs.streams.items()
        }
        waiting = [guard._site.store.items() for guard in (alone, together)]
        assert (
            len(waiting[1]) == len(waiting[0]) == sum(one is not None and one["route"] == "person" for one in expected)
        )
    assert [order.order.scope for order in there.state().orders] == [order.order.scope for order in here.state().orders]


def test_a_rollout_with_never_events_acts_at_the_row(rolling: Tiny, tmp_path: Any) -> None:
    """The candidate's model, in a process of its own, denies fast claims of one age: the first such row closes it."""
    rows = odd_rows(9, 60)
    for row in rows:
        row["speed"], row["age"] = row["speed"] if isinstance(row["speed"], int) else 5, 40
    rows[30] = claim(age=FAULTY_AGE, speed=15, tenant="acme")
    rows[45] = claim(age=FAULTY_AGE, speed=16, tenant="acme")
    (here, alone), (there, together) = both(rolling, tmp_path)
    with alone, together:
        expected = one_by_one(alone, rows)
        made = together.batch(rows)
        assert [told(one) for one in made] == expected
        assert made.version[29] == "2" or rows[29]["tenant"] == "birch"
        assert made[30].why[-1] == "never:never_deny_fast"
        assert set(made.version[31:]) == {"1"}
        assert windows(together, there) == windows(alone, here)
    assert there.kinds().count("respond.ordered") == here.kinds().count("respond.ordered") == 1


def test_receipts_open_with_the_key_of_the_site_and_take_labels(shipped: Tiny) -> None:
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as guard:
        made = guard.batch([claim(speed=speed) for speed in range(0, 20, 2)])
        key = shipped.workspace.host_key()
        for one, receipt in zip(made, made.receipts.all(), strict=True):
            found = unseal(key, receipt)
            assert (found.request, found.route, found.version) == (one.request, one.route, one.version)
            assert one.receipt == receipt
        shipped.clock.advance(7200)
        assert [guard.label(made.receipts[at], 1) for at in (0, 0, 9)] == ["accepted", "used", "accepted"]


def test_columns_and_rows_are_one_table(shipped: Tiny) -> None:
    def by_columns(columns: Mapping[str, Any]) -> Any:
        known = np.array([{"S1": -0.4, "S3": 0.5}.get(word, 0.0) for word in columns["supplier"]])
        return 1.0 / (1.0 + np.exp(-(0.5 * (columns["speed"] - 10) + 0.04 * (columns["age"] - 50) + known)))

    rows = [claim(speed=speed, supplier=f"S{1 + speed % 3}") for speed in range(20)]
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as guard:
        expected = guard.batch(rows).columns()
    with Guard(shipped.root, shipped.workspace.home, model=by_columns, columns=True, clock=shipped.clock) as guard:
        made = guard.batch({name: np.array([row[name] for row in rows]) for name in rows[0]}).columns()
        assert guard.decide(rows[3]).score == pytest.approx(expected["score"][3])
    assert made["score"] == pytest.approx(expected["score"])
    for name in ("decision", "route", "why", "version"):
        assert list(made[name]) == list(expected[name])


def test_a_model_that_fails_on_a_chunk_leaves_its_rows_to_people(shipped: Tiny) -> None:
    def broken(rows: list[dict[str, Cell]]) -> list[float | None]:
        if len(rows) <= 2 and any(row["speed"] == 13 for row in rows):
            raise RuntimeError("no model today")
        return logistic(rows)

    with Guard(shipped.root, shipped.workspace.home, model=broken, clock=shipped.clock) as guard:
        made = guard.batch([claim(speed=speed) for speed in (18, 18, 13, 18)], chunk=2)
    assert list(made.route) == ["machine", "machine", "person", "person"]
    assert made.failed.tolist() == [False, False, True, True]
    assert made.counts() == {"machine": 2, "person": 2}


def test_a_candidate_that_fails_is_replayed_on_the_baseline(rolling: Tiny) -> None:
    asked: list[int] = []

    def once(columns: Mapping[str, Any]) -> Any:
        asked.append(len(columns["speed"]))
        if len(asked) == broken_at:
            raise RuntimeError("not this one")
        return 1.0 / (1.0 + np.exp(-0.5 * (columns["speed"] - 10)))

    broken_at = -1
    with Guard(rolling.root, rolling.workspace.home, model=once, columns=True, clock=rolling.clock) as guard:
        broken_at = len(asked) + 1
        made = guard.batch([claim(speed=18), claim(speed=18, tenant="birch")])
        assert [(one.version, one.arm, one.route) for one in made] == [("1", "baseline", "machine")] * 2
        (window,) = (one for one in windows(guard, rolling) if (one.tenant, one.segment) == ("acme", "*"))
        assert (window.arm, window.n, window.n_replayed) == ("rescued", 1, 1)


def test_a_queue_that_takes_nothing_refuses_what_a_person_would_decide(
    shipped: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as guard:

        def full(item: object) -> None:
            raise OSError("disk full")

        monkeypatch.setattr(guard._site.store, "enqueue", full)
        made = guard.batch([claim(speed=18), claim(speed=10)])
        assert list(made.route) == ["machine", "refused"]
        assert made[1].why[-1] == "queue_failed"
        assert made[1].decision is None
        assert np.isnan(made.score[1])


def test_a_table_without_its_tenants_is_refused_before_anything_is_decided(shipped: Tiny) -> None:
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as guard:
        with pytest.raises(UsageError, match="row 1"):
            guard.batch([claim(), claim(tenant=None), claim()])
        with pytest.raises(UsageError, match="chunk"):
            guard.batch([claim()], chunk=0)
        assert windows(guard, shipped) == []
        assert len(guard.batch([])) == 0
