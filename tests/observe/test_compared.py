"""Both arms side by side: rolled back falsely as seldom as it says, found in time, and never met without a proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shipworthy.facts import Judgement, Outcome
from shipworthy.observe.arms import CELLS, Arm, Counts, total
from shipworthy.observe.bins import latency_bin
from shipworthy.observe.compared import (
    ALONE,
    NAMES,
    Compared,
    Margins,
    judged,
    level_of,
    taken,
    thinned,
)

LEVEL = level_of(0.05, 3, 2)
MARGINS = Margins(0.01, 0.10, 0.05, None, LEVEL)
Draw = Callable[[np.random.Generator, int], Counts]


def drawn(rng: np.random.Generator, n: int, errors: float, review: float = 0.2, slower: float = 1.0) -> Arm:
    times = 100.0 * slower * np.exp(0.6 * rng.standard_normal(n))
    cells = np.bincount([latency_bin(one) * CELLS // 128 for one in times], minlength=CELLS)
    return Arm(n, int(rng.binomial(n, errors)), n, int(rng.binomial(n, review)), cells.tolist())


def minutes(seed: int, looks: int, errors: tuple[float, float], **ours: float) -> Iterator[Counts]:
    """20 requests a minute beside 180: the canary of the benchmark."""
    rng = np.random.default_rng(seed)
    for _ in range(looks):
        yield Counts(drawn(rng, 20, errors[0], **ours), drawn(rng, 180, errors[1]))


def at(seen: Compared, name: str, margins: Margins = MARGINS) -> Judgement:
    return judged(seen, margins)[NAMES.index(name)]


def first_breach(stream: Iterator[Counts]) -> tuple[str, int]:
    seen = Compared()
    for look, minute in enumerate(stream, 1):
        seen = taken(seen, minute, look)
        likely = max(seen.errors.log_worse, seen.review_rate.log_worse, seen.latency.log_slower) >= -np.log(LEVEL)
        if likely:
            found = [one.slo for one in judged(seen, MARGINS) if one.outcome is Outcome.BREACHED]
            if found:
                return found[0], look
    return "", 0


def test_a_candidate_that_is_no_worse_is_rolled_back_in_few_of_all_rollouts() -> None:
    """30 rollouts of 150 looks; more false ones than this would come by chance in 1 of 1,000 at the stated rate."""
    runs = 30
    false = sum(first_breach(minutes(seed, 150, (0.02, 0.02)))[0] != "" for seed in range(runs))
    assert false <= binom.ppf(0.999, runs, 0.05)


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("compare:errors", {"errors": 0.08}),
        ("compare:review_rate", {"review": 0.5}),
        ("compare:latency", {"slower": 1.6}),
    ],
)
def test_each_kind_of_worse_is_found_by_its_name(name: str, worse: dict[str, float]) -> None:
    rest = {key: value for key, value in worse.items() if key != "errors"}
    found, look = first_breach(minutes(3, 200, (worse.get("errors", 0.02), 0.02), **rest))
    assert found == name
    assert 0 < look < 120


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 3000), st.integers(0, 3000), st.floats(0.001, 0.5))
def test_met_and_breached_never_say_the_same_thing(a: int, b: int, c: int, d: int, margin: float) -> None:
    (h1, n1), (h0, n0) = sorted((a, b)), sorted((c, d))
    counts = Counts(Arm(n1, h1, n1, h1), Arm(n0, h0, n0, h0))
    seen = taken(Compared(), counts, 1)
    one = at(seen, "errors", Margins(margin, None, None, None, LEVEL))
    if not (n1 and n0):
        assert one.outcome is Outcome.NO_DATA
        return
    rise = h1 / n1 - h0 / n0
    if one.outcome is Outcome.MET:
        assert rise <= margin
        assert one.proves is not None
        assert one.proves <= margin
    if one.outcome is Outcome.BREACHED:
        assert rise > margin
    if one.outcome is Outcome.UNDECIDED and rise < margin:
        assert one.needs_n is None or one.needs_n >= 1


def test_a_proof_of_being_worse_by_less_than_the_margin_rolls_nothing_back() -> None:
    few = Counts(Arm(5_000, 100, 5_000, 0), Arm(15_000, 150, 15_000, 0))
    seen = taken(Compared(), few, 1)
    assert at(seen, "errors", Margins(0.005, None, None, None, LEVEL)).outcome is Outcome.BREACHED
    kept = at(seen, "errors", Margins(0.012, None, None, None, LEVEL))
    assert kept.outcome is Outcome.UNDECIDED
    assert "proven worse, though not by the margin" in kept.because


def test_what_is_missing_says_how_many_requests_it_needs() -> None:
    seen = taken(Compared(), Counts(Arm(300, 0, 300, 0), Arm(2700, 0, 2700, 0)), 1)
    one = at(seen, "errors")
    assert one.outcome is Outcome.UNDECIDED
    assert one.needs_n is not None
    more = 300 + one.needs_n
    later = taken(Compared(), Counts(Arm(2 * more, 0, 2 * more, 0), Arm(18 * more, 0, 18 * more, 0)), 1)
    assert at(later, "errors").outcome is Outcome.MET


@pytest.mark.parametrize(
    ("ours", "theirs", "because"),
    [
        (0, 0, "no request of the candidate"),
        (0, 9, "no request of the candidate"),
        (9, 0, "no request of the baseline"),
    ],
)
def test_an_arm_that_was_not_asked_is_no_data(ours: int, theirs: int, because: str) -> None:
    seen = taken(Compared(), Counts(Arm(ours, 0, ours, 0), Arm(theirs, 0, theirs, 0)), 1)
    for name in ("errors", "latency", "review_rate"):
        one = at(seen, name)
        assert (one.outcome, one.here) == (Outcome.NO_DATA, True)
    assert at(seen, "errors").because.startswith(because)


def test_whole_tenants_and_margins_that_are_not_given_are_not_compared_and_say_so() -> None:
    seen = taken(Compared(), Counts(Arm(90, 9, 90, 9), Arm(90, 9, 90, 9), 10, 3), 1)
    assert {one.because for one in judged(seen, MARGINS, alone=True) if "shadow" not in one.because} == {ALONE}
    assert not any(one.here for one in judged(seen, MARGINS, alone=True))
    nothing = judged(seen, Margins(None, None, None, None, LEVEL))
    assert not any(one.here for one in nothing)
    assert [one.slo for one in nothing] == [f"compare:{name}" for name in NAMES]


@pytest.mark.parametrize(
    ("shadowed", "disagreed", "outcome"),
    [
        (0, 0, Outcome.NO_DATA),
        (2000, 20, Outcome.MET),
        (100, 3, Outcome.UNDECIDED),
        (100, 8, Outcome.UNDECIDED),
        (500, 200, Outcome.BREACHED),
    ],
)
def test_disagreement_is_judged_on_shadow_scores_by_its_own_bound(
    shadowed: int, disagreed: int, outcome: Outcome
) -> None:
    seen = Compared(counts=Counts(shadowed=shadowed, disagreed=disagreed))
    one = at(seen, "disagreement", Margins(None, None, None, 0.05, LEVEL))
    assert (one.outcome, one.here) == (outcome, True)
    told = at(seen, "disagreement", MARGINS)
    assert (told.outcome, told.here) == (Outcome.NO_DATA, False)
    if shadowed:
        assert f"of {shadowed} shadow scores" in told.because


def test_a_budget_is_spent_over_all_comparisons_of_all_stages() -> None:
    assert 3 * 4 * level_of(0.05, 3, 4) == pytest.approx(0.05)
    assert level_of(0.05, 0, 0) == 0.05


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 2**40))
def test_a_thinned_minute_keeps_its_proportions_and_invents_nothing(failed: int, n: int, seed: int) -> None:
    failed = min(failed, n)
    arm = Arm(n, failed, n, failed, [n, *[0] * (CELLS - 1)])
    whole = Counts(arm, Arm(3 * n, 0, 3 * n, 3 * n, [0, 3 * n, *[0] * (CELLS - 2)]))
    few = thinned(whole, seed, most=1000)
    if 4 * n <= 1000:
        assert few is whole
        return
    assert 995 <= few.candidate.n + few.baseline.n <= 1000
    assert 0 <= few.candidate.failed <= min(failed, few.candidate.n)
    assert (few.baseline.failed, few.baseline.review) == (0, few.baseline.answered)
    assert few.candidate.latency[0] == sum(few.candidate.latency) == few.candidate.n
    assert thinned(whole, seed, most=1000) == few


def test_thinning_does_not_move_a_rate() -> None:
    whole = Counts(Arm(40_000, 4_000, 40_000, 8_000, [40_000, *[0] * (CELLS - 1)]), Arm())
    few = [thinned(whole, seed, most=4_000).candidate for seed in range(50)]
    assert np.mean([one.failed for one in few]) == pytest.approx(400, abs=15)
    assert np.mean([one.review for one in few]) == pytest.approx(800, abs=20)


def test_counts_are_of_every_request_though_few_are_looked_at() -> None:
    minute = Counts(Arm(30_000, 3, 30_000, 6), Arm(90_000, 9, 90_000, 18))
    seen = taken(taken(Compared(), minute, 1), minute, 2)
    assert seen.counts == total([minute, minute])
    assert seen.errors.candidate_n + seen.errors.baseline_n == 40_000
    assert msgspec.json.encode(seen.errors)


def test_times_breach_only_once_the_stage_has_its_samples() -> None:
    seen = Compared()
    for look, minute in enumerate(minutes(3, 60, (0.02, 0.02), slower=3.0)):
        seen = taken(seen, minute, look)
    times = seen.counts.candidate.n
    assert judged(seen, MARGINS, least=times)[1].outcome is Outcome.BREACHED
    early = judged(seen, MARGINS, least=times + 1)[1]
    assert early.outcome is Outcome.UNDECIDED
