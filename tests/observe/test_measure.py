"""Windows become measurements; a gap or no traffic never becomes a good number."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.decide import Place, judge
from shipworthy.facts import HEARTBEAT, Action, Clause, Measurement, Outcome, Slo, Target, WindowSummary
from shipworthy.observe.measure import count, from_alarms, from_windows, rate
from shipworthy.observe.minutes import minute_of, minutes_in, start_of
from shipworthy.observe.repeats import Alarm
from shipworthy.stats.bounds import rate_bounds
from tests.observe.made import SCOPE, T0, collector, event


def served(n: int, minutes: int = 5, **more: object) -> list[WindowSummary]:
    one = collector()
    for k in range(n):
        one.add(event(T0 + k % minutes, **more))
    return one.roll(T0 + minutes)


def named(windows: list[WindowSummary], end: int = T0 + 5) -> dict[str, Measurement]:
    return {one.indicator: one for one in from_windows(windows, SCOPE, T0, end)}


def test_rates_and_their_bounds() -> None:
    windows = [*served(90), *served(10, ood_flag=True, route="person", failed=True, unknown=("n",))]
    windows = [one for one in windows if one.arm != HEARTBEAT] + [one for one in served(0) if one.arm == HEARTBEAT]
    got = named(windows)
    for indicator in ("ood_rate", "review_rate", "request_error_rate", "never_event_unknown"):
        one = got[indicator]
        assert (one.n, one.hits, one.value) == (100, 10, 0.1)
        assert (one.lo, one.hi) == rate_bounds(10, 100)
        assert (one.source, one.start, one.end) == ("online", start_of(T0), start_of(T0 + 5))


def test_never_events_are_attempts_and_leaks() -> None:
    got = named([*served(3, never=("n",)), *served(1, never=("n",), leaked=True)])["never_event_violations"]
    assert (got.n, got.value, got.lo, got.hi) == (4, 5.0, 5.0, 5.0)
    none = named(served(300))["never_event_violations"]
    assert none.value == 0.0
    assert "0.0099" in none.method, "beside a zero stands the rate that it excludes"


def test_shadows_probes_and_other_scopes_are_left_out() -> None:
    others = [
        *served(7, arm="shadow", ood_flag=True),
        *served(7, probe="unseen", ood_flag=True),
        *served(7, version="3.0", ood_flag=True),
    ]
    assert named([*served(10), *others])["ood_rate"].n == 10
    in_acme = from_windows(served(10), replace(SCOPE, tenant="acme", segment="supplier=P02"), T0, T0 + 5)[0]
    assert (in_acme.n, in_acme.segment) == (10, "supplier=P02")
    assert from_windows([*served(10), *others], replace(SCOPE, version="*"), T0, T0 + 5)[0].n == 17


@given(st.integers(0, 4), st.integers(0, 40))
def test_losing_a_minute_is_no_data_whatever_was_seen(lost: int, n: int) -> None:
    windows = [one for one in served(n) if not (one.arm == HEARTBEAT and one.minute == T0 + lost)]
    for one in from_windows(windows, SCOPE, T0, T0 + 5):
        assert one.value is None
        assert one.lo is None
        assert one.hi is None
        assert "silent in 1 minutes" in one.method


def test_the_judge_reads_them() -> None:
    slo = Slo(
        name="ood_rate",
        indicator="ood_rate",
        objective="",
        target=Target(op="<=", value=0.05),
        window="rolling",
        action_on_breach=Action.DEGRADE_TO_SAFE_MODE,
        clause=Clause.MONITORING,
        min_samples=100,
    )
    now = datetime.fromisoformat(start_of(T0 + 5))

    def outcome(windows: list[WindowSummary]) -> Outcome:
        return judge(slo, "*", from_windows(windows, SCOPE, T0, T0 + 5), now, Place.RUNTIME).outcome

    assert outcome(served(300)) is Outcome.MET
    assert outcome(served(300, ood_flag=True)) is Outcome.BREACHED
    assert outcome(served(99)) is Outcome.NO_DATA
    assert outcome(served(300)[:-1]) is Outcome.NO_DATA


def test_repeats_are_a_count_over_the_requests_that_were_watched() -> None:
    alarm = Alarm(version="2.0", tenant="*", segment="supplier=P02", hits=5, n=5, log_e=17.0, at=start_of(T0))
    got = from_alarms([alarm, replace(alarm, version="1.0")], served(10), SCOPE, T0, T0 + 5)
    assert (got.indicator, got.n, got.value) == ("ood_repeats", 10, 1.0)
    assert from_alarms([], served(10), SCOPE, T0, T0 + 6).value is None


def test_without_trials_there_is_no_rate() -> None:
    one = rate("ood_rate", 0, 0, start=T0, end=T0 + 1)
    assert (one.n, one.value, one.lo, one.hi) == (0, None, None, None)
    with pytest.raises(ValueError, match="hits"):
        rate("ood_rate", 2, 1, start=T0, end=T0 + 1)
    assert count("ood_repeats", 1, 10, "*", T0, T0 + 1, silent=(T0,)).value is None


def test_minutes_and_moments() -> None:
    assert minute_of(datetime.fromisoformat(start_of(T0))) == T0
    assert minutes_in("7d") == 7 * 1440
    with pytest.raises(ValueError, match="zone"):
        minute_of(datetime(2026, 1, 1))
