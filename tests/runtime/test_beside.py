"""The evidence of a stage is the fold of its windows: the same after a restart, and nothing of the stage before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import RolloutState, WindowSummary
from shipworthy.observe.minutes import minute_of, start_of
from shipworthy.observe.windows import RESCUED, SHADOW
from shipworthy.respond.moments import moment
from shipworthy.runtime.beside import Beside, first_minute
from shipworthy.store.sqlite import SqliteStore

MINUTE = minute_of(moment("2027-01-04T12:00:00.000000Z"))
DIGEST = "sha256:" + "0" * 64


def rollout(stage: int = 0, since: str = "2027-01-04T12:00:00.000000Z", status: str = "running") -> RolloutState:
    return RolloutState(
        id="ROL-2027-0001", version="2", baseline="1", stage=stage, status=status, share_bp=1000, tenants=("*",),
        salt="s", started_at="2027-01-04T12:00:00.000000Z", stage_since=since,
    )  # fmt: skip


def window(version: str, arm: str, minute: int, n: int, failed: int = 0, **more: object) -> WindowSummary:
    latency = (0,) * 60 + (n,) + (0,) * 67
    made = WindowSummary(
        version=version, arm=arm, tenant="*", segment="*", minute=minute, reference=DIGEST, n=n, n_failed=failed,
        latency=latency,
    )  # fmt: skip
    return (
        made
        if not more
        else WindowSummary(**{**{name: getattr(made, name) for name in made.__struct_fields__}, **more})
    )


def stage_of(minutes: int) -> list[WindowSummary]:
    made = []
    for at in range(minutes):
        made += [
            window("2", "candidate", MINUTE + at, 20 + at % 3, 1),
            window("1", "baseline", MINUTE + at, 180),
            window("1", RESCUED, MINUTE + at, at % 2),
            window("2", SHADOW, MINUTE + at, 5, n_disagreed=at % 2),
        ]
    return made


def seen(windows: list[WindowSummary], of: RolloutState | None = None) -> Beside:
    beside = Beside()
    beside.follow(of or rollout(), MINUTE)
    beside.take(windows)
    beside.look()
    return beside


def test_minute_by_minute_or_all_at_once_is_the_same_evidence() -> None:
    windows = stage_of(30)
    live = Beside()
    live.follow(rollout(), MINUTE)
    for at in range(30):
        live.take(one for one in windows if one.minute == MINUTE + at)
        live.look()
    assert live.compared == seen(windows).compared
    counts = live.compared.counts
    assert (counts.candidate.answered, counts.candidate.n, counts.candidate.failed) == (630, 645, 45)
    assert (counts.baseline.n, counts.shadowed, counts.disagreed) == (5400, 150, 15)
    assert live.compared.errors.log_worse > 10


def test_what_the_store_gives_back_after_a_restart_is_the_same_evidence(tmp_path: Path) -> None:
    windows = stage_of(90)
    store = SqliteStore(tmp_path / "store.db")
    for at in range(90):
        store.add_windows([one for one in windows if one.minute == MINUTE + at], "run", at + 1)
    back = [
        one for version in ("1", "2") for one in store.windows(version, MINUTE, MINUTE + 90, tenant=None, segment=None)
    ]
    assert seen(back).compared == seen(windows).compared
    store.close()


def test_what_the_store_has_summed_is_counted_in_full_and_proves_nearly_as_much(tmp_path: Path) -> None:
    windows = stage_of(90)
    store = SqliteStore(tmp_path / "store.db")
    store.add_windows(windows, "run", 1)
    store.roll_up(MINUTE + 90 + 3 * 60, (MINUTE,), 31 * 24 * 60)
    back = [
        one for version in ("1", "2") for one in store.windows(version, MINUTE, MINUTE + 90, tenant=None, segment=None)
    ]
    assert len(back) < len(windows)
    before, after = seen(windows).compared, seen(back).compared
    assert after.counts == before.counts
    assert after.errors.log_worse == pytest.approx(before.errors.log_worse, rel=0.2)
    store.close()


@given(st.integers(0, 59), st.booleans())
def test_a_later_stage_counts_from_the_first_minute_that_is_all_its_own(second: int, part: bool) -> None:
    since = f"2027-01-04T12:00:{second:02}.{500_000 if part else 0:06}Z"
    first = first_minute(rollout(1, since), MINUTE + 7)
    assert first == MINUTE + (0 if second == 0 and not part else 1)
    assert first_minute(rollout(0, since), MINUTE + 7) == MINUTE


def test_an_entry_of_before_stages_were_dated_counts_from_its_start_or_from_now() -> None:
    assert first_minute(rollout(0, ""), MINUTE + 7) == MINUTE
    assert first_minute(rollout(1, ""), MINUTE + 7) == MINUTE + 7
    undated = RolloutState(
        id="R", version="2", baseline="1", stage=0, status="running", share_bp=1, tenants=("*",), salt=""
    )
    assert first_minute(undated, MINUTE + 7) == MINUTE + 7


def test_nothing_of_another_stage_version_segment_or_time_is_taken() -> None:
    foreign = [
        window("2", "candidate", MINUTE - 1, 9),
        window("3", "candidate", MINUTE, 9),
        window("2", "probe", MINUTE, 9),
        window("2", "candidate", MINUTE, 9, segment="supplier=P1"),
        window("2", "candidate", MINUTE, 9, tenant="acme"),
    ]
    assert seen(foreign).compared.counts.candidate.n == 0
    beside = seen(stage_of(3))
    beside.take(stage_of(1))
    beside.follow(rollout(1, start_of(MINUTE + 3)), MINUTE + 3)
    assert beside.look().counts.candidate.n == 0
    beside.take(stage_of(5))
    assert beside.look().counts.candidate.answered == sum(20 + at % 3 for at in (3, 4))


@pytest.mark.parametrize("status", ["aborted", "completed"])
def test_when_it_is_over_nothing_more_is_kept(status: str) -> None:
    beside = seen(stage_of(3))
    beside.follow(rollout(status=status), MINUTE)
    beside.take(stage_of(3))
    assert beside.look().counts.candidate.n == 0
    beside.follow(None, MINUTE)
    assert beside.look().counts.candidate.n == 0


def test_a_hold_goes_on_with_the_same_evidence() -> None:
    beside = seen(stage_of(3))
    before = beside.compared
    beside.follow(rollout(status="held"), MINUTE + 3)
    assert beside.look() == before
