"""Latency quantiles from bins, against the times themselves."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from shipworthy.decide import Place, judge
from shipworthy.facts import Action, Clause, Measurement, Outcome, Slo, Target
from shipworthy.observe.bins import latency_edges
from shipworthy.observe.measure_latency import NO_BOUND_MS, latency_ms
from shipworthy.observe.minutes import start_of
from shipworthy.observe.over import Over
from shipworthy.stats.quantiles import nearest_rank, quantile_ranks
from tests.observe.made import SCOPE, T0, collector, event

EDGES = np.array([*latency_edges(), NO_BOUND_MS])


def measured(times: list[float], quantile: int = 99, segment: str = "*", minutes: int = 3) -> Measurement:
    counting = collector()
    for at, took in enumerate(times):
        counting.add(event(T0 + at % minutes, took_ms=took))
    over = Over(replace(SCOPE, segment=segment), T0, T0 + minutes, quantile=quantile)
    return latency_ms(counting.roll(T0 + minutes), over)


def numbers(told: Measurement) -> tuple[float, float, float]:
    assert told.value is not None
    assert told.lo is not None
    assert told.hi is not None
    return told.value, told.lo, told.hi


@pytest.mark.parametrize("quantile", [50, 95, 99])
def test_the_bounds_are_the_order_statistics_of_the_times_rounded_outward(quantile: int) -> None:
    times = np.random.default_rng(quantile).lognormal(3.0, 1.0, 1500)
    value, lo, hi = numbers(measured(times.tolist(), quantile))
    ordered, q = np.sort(times), quantile / 100
    low, high = quantile_ranks(1500, q, 0.95)
    assert low is not None
    assert high is not None

    def edges(rank: int) -> tuple[float, float]:
        at = int(np.searchsorted(EDGES, ordered[rank - 1], side="right")) - 1
        return float(EDGES[at]), float(EDGES[at + 1])

    assert (lo, hi, value) == (edges(low)[0], edges(high)[1], edges(nearest_rank(1500, q))[1])
    assert lo <= ordered[nearest_rank(1500, q) - 1] <= value <= hi


def test_the_bounds_hold_as_often_as_they_say() -> None:
    """200 simulations at .95, one-sided: fewer than 180 would have a chance below 1 in 1,000."""
    rng, truth = np.random.default_rng(1), float(np.exp(2.0 + 0.8 * 1.6449))
    found = [numbers(measured(rng.lognormal(2.0, 0.8, 400).tolist(), 95, minutes=1)) for _ in range(200)]
    assert sum(lo <= truth for _, lo, _ in found) >= 180
    assert sum(hi >= truth for _, _, hi in found) >= 180


def judged(told: Measurement, target: float) -> Outcome:
    slo = Slo(
        name="latency_ms_p99_24h", indicator="latency_ms", quantile=99, objective="o", window="24h", min_samples=1000,
        target=Target(op="<=", value=target), clause=Clause.SYSTEMIC_SAFETY,
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
    )  # fmt: skip
    from datetime import datetime

    return judge(slo, "*", [told], datetime.fromisoformat(start_of(T0 + 3)), Place.RUNTIME).outcome


def test_answers_beyond_the_last_bin_breach_and_are_not_excused_for_want_of_a_number() -> None:
    told = measured([5000.0] * 100 + [10.0] * 1900)
    assert numbers(told) == (3840.0, 3840.0, NO_BOUND_MS)
    assert "the last bin is open" in told.method
    assert judged(told, 300.0) is Outcome.BREACHED
    assert judged(told, 5000.0) is Outcome.UNDECIDED


def test_fast_is_met_slow_is_breached_and_few_are_no_data() -> None:
    times = np.random.default_rng(2).uniform(1.0, 40.0, 1200).tolist()
    assert judged(measured(times), 50.0) is Outcome.MET
    assert judged(measured(times), 20.0) is Outcome.BREACHED
    assert judged(measured(times[:999]), 50.0) is Outcome.NO_DATA


def test_too_few_times_have_no_upper_bound() -> None:
    value, _, hi = numbers(measured([10.0] * 100))
    assert hi == NO_BOUND_MS
    assert 10.0 <= value <= 11.5


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (measured([], 99), "no times"),
        (measured([1.0] * 10, 99, "supplier=P02"), "slim windows"),
    ],
)
def test_without_times_there_is_no_number(told: Measurement, why: str) -> None:
    assert told.value is None
    assert why in told.method


def test_probes_and_shadows_do_not_make_it_fast() -> None:
    counting = collector()
    for at in range(50):
        counting.add(event(took_ms=100.0))
        counting.add(event(took_ms=1.0, probe="unit"))
        counting.add(event(took_ms=1.0, arm="shadow", segments=(f"a={at}",)))
    told = latency_ms(counting.roll(T0 + 1), Over(SCOPE, T0, T0 + 1, quantile=50))
    assert told.n == 50
    assert numbers(told)[0] >= 100.0
