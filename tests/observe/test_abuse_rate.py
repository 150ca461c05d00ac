"""`abuse_rate`: a request counts once, a gap is no data, and the judge can use what comes out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from shipworthy.decide import Place, judge
from shipworthy.facts import Action, Clause, Outcome, Slo, Target
from shipworthy.observe.abuse_rate import AbuseRates

HOURLY: Callable[[int], int] = lambda minute: minute - minute % 60  # noqa: E731


def closed(*requests: tuple[int, bool, tuple[str, ...], int], most: int = 2000) -> AbuseRates:
    rates = AbuseRates(most)
    for request in requests:
        rates.add(*request)
    rates.roll(10**6, HOURLY)
    return rates


def slo(target: str = "0.05") -> Slo:
    return Slo(
        name="abuse_rate_24h",
        clause=Clause.SYSTEMIC_SAFETY,
        objective="Callers use the service as it is meant.",
        target=Target(op="<=", value=float(target)),
        window="24h",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        indicator="abuse_rate",
        min_samples=100,
    )


REQUESTS = st.lists(
    st.tuples(st.integers(0, 299), st.booleans(), st.sampled_from([(), ("supplier=S1",)]), st.integers(1, 3)),
    max_size=40,
)


@given(REQUESTS, st.randoms())
def test_any_order_and_any_moments_of_closing_give_the_same_numbers(
    requests: list[tuple[int, bool, tuple[str, ...], int]], random: object
) -> None:
    other = list(requests)
    random.shuffle(other)  # type: ignore[attr-defined]
    rates = AbuseRates()
    for request in other:
        rates.add(*request)
        rates.roll(request[0], HOURLY)
    rates.roll(300, HOURLY)
    for segment in ("*", "supplier=S1", "supplier=S2"):
        asked = (segment, 60, 240, 0.95)
        assert rates.measured(*asked) == closed(*requests).measured(*asked)


@given(REQUESTS)
def test_n_and_hits_are_counted_as_by_hand(requests: list[tuple[int, bool, tuple[str, ...], int]]) -> None:
    found = closed(*requests).measured("*", 60, 240, 0.95)
    inside = [(n, abuse) for minute, abuse, _, n in requests if 60 <= minute < 240]
    assert (found.n, found.hits) == (sum(n for n, _ in inside), sum(n for n, abuse in inside if abuse))


def test_bounds_are_clopper_pearsons() -> None:
    found = closed((0, True, (), 30), (1, False, (), 470)).measured("*", 0, 60, 0.95)
    assert (found.n, found.hits, found.value, found.source) == (500, 30, 0.06, "online")
    assert found.lo == pytest.approx(beta.ppf(0.05, 30, 471), abs=1e-9)
    assert found.hi == pytest.approx(beta.ppf(0.95, 31, 470), abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "silent", "outcome"),
    [
        (30, 100, (), Outcome.BREACHED),
        (0, 100, (), Outcome.MET),
        (5, 100, (), Outcome.UNDECIDED),
        (60, 60, (), Outcome.NO_DATA),
        (0, 0, (), Outcome.NO_DATA),
        (90, 100, (7,), Outcome.NO_DATA),
        (0, 100, (7,), Outcome.NO_DATA),
    ],
)
def test_the_judge_says_what_the_counts_show(hits: int, n: int, silent: tuple[int, ...], outcome: Outcome) -> None:
    rates = closed(*[(0, True, (), hits)] * bool(hits), *[(0, False, (), n - hits)] * (n > hits))
    found = rates.measured("*", 0, 60, 0.95, silent)
    assert judge(slo(), "*", [found], None, Place.RUNTIME).outcome is outcome


def test_a_segment_has_its_own_requests_alone() -> None:
    rates = closed((0, True, ("supplier=S1",), 3), (0, False, ("supplier=S2",), 4), (0, True, (), 5))
    told = {s: rates.measured(s, 0, 60, 0.95) for s in ("*", "supplier=S1", "supplier=S2")}
    assert [(one.n, one.hits) for one in told.values()] == [(12, 8), (3, 3), (4, 0)]


def test_an_open_minute_is_not_measured_yet() -> None:
    rates = AbuseRates()
    rates.add(5, True)
    rates.roll(5, HOURLY)
    assert rates.measured("*", 0, 60, 0.95).n == 0
    rates.roll(6, HOURLY)
    assert rates.measured("*", 0, 60, 0.95).n == 1


def test_what_is_forgotten_is_gone_and_makes_room() -> None:
    rates = closed((0, True, ("supplier=S1",), 1), (60, True, ("supplier=S2",), 1), most=3)
    rates.forget(60 - 2 * 24 * 60)
    rates.forget(60 - 24 * 60)
    rates.forget(60)
    assert [rates.measured(s, 0, 999, 0.95).n for s in ("*", "supplier=S1", "supplier=S2")] == [1, 0, 1]
    rates.add(61, True, ("supplier=S3",))
    rates.roll(62, HOURLY)
    assert rates.measured("supplier=S3", 0, 999, 0.95).n == 1


def test_over_the_limit_segments_are_counted_together() -> None:
    rates = closed(*[(0, True, (f"supplier=S{i}",), 1) for i in range(50)], most=11)
    assert rates.measured("supplier=__other__", 0, 60, 0.95).n == 40
    assert rates.measured("*", 0, 60, 0.95).n == 50
