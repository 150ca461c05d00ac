"""A flood of rows that ask for a person fills its own tenant's quota and nobody else's, in every process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipworthy import Guard
from shipworthy.errors import Unreachable
from shipworthy.runtime.desk import expire_reviews
from tests.flows.tiny import Tiny
from tests.runtime.batch.test_same_as_one_by_one import both, told, windows
from tests.runtime.many import Many
from tests.runtime.served import Served, ask, claim

pytestmark = pytest.mark.slow
DOUBT = {"speed": 10, "age": 50}
QUEUE = "review_queue: {capacity: 6, per_tenant: 4, answer_within: 2h, overflow: fallback}\n"


@pytest.fixture(scope="module", name="_full")
def _made(_kept: Callable[[str, Callable[[Path], Tiny]], Tiny], _written: Tiny) -> Tiny:
    """A site with a small queue whose candidate doubts far more than its baseline."""

    def make(at: Path) -> Tiny:
        tiny = _written.copy(at)
        tiny.edit("shipworthy.yaml", "\nfallback: human_review\n", f"\nfallback: baseline\n{QUEUE}")
        tiny.prepare()
        tiny.ship()
        tiny.clock.advance(3600)
        tiny.edit("shipworthy.yaml", "denied: 0.08, approved: 0.08", "denied: 0.03, approved: 0.03")
        tiny.release("2", slope=0.51)
        tiny.ship()
        tiny.start("2")
        return tiny

    return _kept("small-queue", make)


@pytest.fixture(name="small")
def _small(_full: Tiny, tmp_path: Path) -> Tiny:
    return _full.copy(tmp_path / "small")


def decide(served: Served, **row: Any) -> tuple[int, dict[str, Any]]:
    return served.post("/decide", {"row": claim(**row)})


def route(status: int, body: dict[str, Any]) -> str:
    """Who took a request."""
    assert status in (200, 503)
    return str(body["route"]) if status == 200 else "nobody"


def test_one_tenants_flood_leaves_room_for_the_others_and_says_so(small: Tiny) -> None:
    with Served(small) as served:
        served.until_served("2")
        got = Counter(route(*decide(served, visit=f"v-{k}", **DOUBT)) for k in range(20))
        assert got == {"person": 4, "nobody": 16}
        others = [decide(served, visit=f"b-{k}", tenant="birch", **DOUBT) for k in range(3)]
        assert [route(*one) for one in others] == ["person", "person", "nobody"]
        assert others[2][1]["why"][-1] == "review_overflow"
        assert route(*decide(served, tenant="birch")) == "machine"
        reviews = served.get("/status")[1]["reviews"]
        assert (reviews["open"], reviews["overflow"]) == ({"acme": 4, "birch": 2}, {"acme": 16, "birch": 1})
        family = next(one for one in served.site.metrics() if one.name == "shipworthy_review_overflow_total")
        assert family.samples == (((), 17.0),)
        served.keep_up(121)
        served.keep_up()
        expire_reviews(served.site.store, served.site.authority.note, small.workspace.now())
        assert small.kinds().count("respond.review_expired") == 1
        assert served.get(f"/reviews/{others[0][1]['receipt']}")[1]["status"] == "expired"
        assert route(*decide(served, **DOUBT)) == "person", "there is room again"


def test_where_only_the_candidate_doubts_the_baseline_answers_for_the_full_queue(small: Tiny) -> None:
    with Served(small) as served:
        served.until_served("2")
        for k in range(4):
            assert route(*decide(served, visit=f"v-{k}", **DOUBT)) == "person"
        speeds = [(speed, age) for speed in range(0, 21, 2) for age in (30, 50)]
        grid = [{"speed": speed, "age": age, "visit": f"{speed}/{age}"} for speed, age in speeds]
        left = [decide(served, **row) for row in grid]
        fallen = [body for status, body in left if status == 200 and "review_overflow" in body["why"]]
        assert fallen, "the candidate doubts where the baseline does not"
        assert {(one["version"], one["arm"], one["route"]) for one in fallen} == {("1", "baseline", "machine")}
        served.keep_up(1)
        served.keep_up()
        assert served.site.telemetry.totals.by["1", "baseline"].replayed >= len(fallen), "they count as rescued"


def one_by_one(guard: Guard, rows: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    made: list[dict[str, Any] | None] = []
    for row in rows:
        try:
            made.append(told(guard.decide(row)))
        except Unreachable:
            made.append(None)
    return made


@pytest.mark.parametrize("chunk", [1000, 7])
def test_a_table_over_a_full_queue_is_answered_as_its_rows_are(small: Tiny, tmp_path: Path, chunk: int) -> None:
    rows = [
        claim(visit=f"v-{k}", tenant=("acme", "birch", "acme")[k % 3], speed=k % 21, age=30 + k % 40) for k in range(60)
    ]
    (here, alone), (there, together) = both(small, tmp_path)
    with alone, together:
        expected = one_by_one(alone, rows)
        made = together.batch(rows, chunk=chunk)
        for row, one, other in zip(rows, expected, made, strict=True):
            assert one is None or told(other) == one, row
            assert one is not None or other.route == "refused"
        assert any(one is not None and "review_overflow" in one["why"] for one in expected)
        assert windows(together, there) == windows(alone, here)
        depths = [guard._site.store.queue_depth(small.workspace.now()) for guard in (alone, together)]
        assert depths[0] == depths[1]
        assert sum(depths[0].open.values()) == 6


def test_four_workers_together_keep_the_capacity(small: Tiny) -> None:
    with Many(small, workers=4) as many:
        got = Counter[str]()
        for k in range(40):
            row = claim(visit=f"v-{k}", tenant=("acme", "birch")[k % 2], **DOUBT)
            got[route(*ask(many.port, "POST", "/decide", {"row": row}))] += 1
        store = small.workspace.store()
        depth = store.queue_depth(small.workspace.now())
        store.close()
        assert sum(depth.open.values()) == got["person"] == 6
        assert max(depth.open.values()) <= 4
        assert sum(depth.overflow.values()) == got["nobody"] + got["machine"] == 34


def test_a_store_that_is_gone_refuses_though_it_may_fall_back_and_is_counted_when_it_is_back(small: Tiny) -> None:
    with Served(small) as served:
        commits = served.site.enqueue._commits
        served.site.enqueue._commits = _Dead()  # type: ignore[assignment]
        status, body = decide(served, tenant="birch", **DOUBT)
        assert (status, body["why"][-1]) == (503, "queue_failed")
        served.site.enqueue._commits = commits
        assert route(*decide(served, tenant="birch", **DOUBT)) == "person"
        assert route(*decide(served, tenant="birch", **DOUBT)) == "person"
        assert served.get("/status")[1]["reviews"]["overflow"] == {"birch": 1}


class _Dead:
    def submit(self, write: object) -> object:
        raise Unreachable("the store did not answer", "store")
