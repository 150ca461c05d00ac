"""Against what shipped last: primary SLOs are proven not worse, others are worse only when that is shown."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from shipworthy.facts import Comparison, Measurement, Outcome, Policy, Slo
from shipworthy.gate.baseline import compare
from shipworthy.stats.paired import paired_difference
from tests.gate.test_verdict import AUROC, BASE, ERROR, FLIP, D, counted, rate, versus

GAP = msgspec.structs.replace(AUROC, name="subgroup_gap", indicator="subgroup_gap", min_samples=100)
ECE = msgspec.structs.replace(FLIP, name="decision_ece_7d", indicator="decision_ece")


def interval(indicator: str, p: float) -> Measurement:
    """Return a measured interval whose comparison has this p-value."""
    return Measurement(indicator=indicator, n=500, value=0.1, lo=0.05, hi=0.15, comparison=versus(0.5, p=p))


def outcomes(slos: tuple[Slo, ...], *seen: Measurement) -> dict[str, Outcome]:
    """Return outcomes by name of what is compared."""
    return {one.slo: one.outcome for one in compare(Policy(slos=slos), seen, BASE)}


def test_a_primary_slo_without_a_margin_is_never_met() -> None:
    without = msgspec.structs.replace(ERROR, max_regression=None)
    seen = rate("error_rate", 200, 1000, comparison=counted(0, 500))
    assert outcomes((without,), seen) == {"error_rate vs baseline": Outcome.NO_DATA}


@pytest.mark.parametrize("slo", [ERROR, msgspec.structs.replace(ERROR, primary=False, max_regression=None)])
@pytest.mark.parametrize(
    "change",
    [{"baseline": D}, {"n": 299}, {"level": 0.9}, {"design_effect": 0.9}, {"hi": math.nan}, {"lo": -math.inf},
     {"p_worse": math.nan}, {"p_worse": 1.5}, {"delta": math.inf}],
)  # fmt: skip
def test_a_comparison_that_is_not_the_one_asked_for_says_nothing(slo: Slo, change: dict[str, Any]) -> None:
    told = msgspec.structs.replace(counted(0, 500), **change)
    seen = rate(slo.indicator, 5, 1000, comparison=told)
    assert outcomes((slo,), seen) == {f"{slo.name} vs baseline": Outcome.NO_DATA}


def test_what_is_measured_and_not_compared_says_nothing() -> None:
    alone = msgspec.structs.replace(interval("auroc", 0.5), comparison=None)
    assert outcomes((AUROC,), alone) == {"auroc vs baseline": Outcome.NO_DATA}


def test_what_depends_on_the_model_is_left_to_its_target() -> None:
    worse = rate("feasible_flip_rate", 5, 300, comparison=versus(0.5, p=0.0))
    assert outcomes((FLIP,), worse) == {}  # attacked rows are not the same rows on both sides
    by_threshold = msgspec.structs.replace(GAP, metric="review_rate")
    assert outcomes((by_threshold,), interval("subgroup_gap", 0.0)) == {}
    assert outcomes((GAP,), interval("subgroup_gap", 0.0)) == {"subgroup_gap vs baseline": Outcome.BREACHED}


def test_several_comparisons_share_one_error_rate() -> None:
    alone = outcomes((AUROC,), interval("auroc", 0.04))
    assert alone["auroc vs baseline"] is Outcome.BREACHED
    beside = (interval("subgroup_gap", 0.5), interval("decision_ece", 0.9))
    three = outcomes((AUROC, GAP, ECE), interval("auroc", 0.04), *beside)
    assert set(three.values()) == {Outcome.MET}  # .04 times three is no longer shown
    worse = outcomes((AUROC, GAP, ECE), interval("auroc", 0.01), *beside)
    assert worse["auroc vs baseline"] is Outcome.BREACHED


def test_other_names_and_trials_beside_a_comparison_do_not_dilute_it() -> None:
    names = [msgspec.structs.replace(AUROC, name=f"auroc_{letter}") for letter in "abcdefgh"]
    trials = [msgspec.structs.replace(one, trial=True) for one in (GAP, ECE)]
    seen = (interval("auroc", 0.04), interval("subgroup_gap", 0.9), interval("decision_ece", 0.9))
    judged = outcomes((AUROC, *names, *trials), *seen)
    assert {name for name, outcome in judged.items() if outcome is Outcome.BREACHED} == {
        f"{slo.name} vs baseline" for slo in (AUROC, *names)
    }


def test_a_percentile_and_its_whole_are_one_number_and_the_worse_p_counts() -> None:
    tail = msgspec.structs.replace(ECE, name="decision_ece_p95_24h", quantile=95)
    seen = [interval("decision_ece", 0.03), msgspec.structs.replace(interval("decision_ece", 0.9), quantile=95)]
    assert set(outcomes((ECE, tail), *seen).values()) == {Outcome.BREACHED}


def test_an_undecided_primary_says_how_many_rows_would_prove_it_and_what_these_prove() -> None:
    (one,) = compare(Policy(slos=(ERROR,)), [rate("error_rate", 200, 1000, comparison=counted(60, 50))], BASE)
    assert one.outcome is Outcome.UNDECIDED
    assert one.needs_n is not None
    more = 1000 + one.needs_n
    assert paired_difference(0.06 * more, 0.05 * more, more)[2] <= 0.02
    assert paired_difference(0.06 * (more - 10), 0.05 * (more - 10), more - 10)[2] > 0.02
    assert one.proves == counted(60, 50).hi


def test_an_undecided_interval_says_about_how_many_rows_it_takes() -> None:
    primary = msgspec.structs.replace(AUROC, primary=True, max_regression=0.02)
    told = Comparison(baseline=BASE, n=500, delta=0.0, lo=-0.04, hi=0.04, p_worse=0.5, method="DeLong")
    (one,) = compare(Policy(slos=(primary,)), [msgspec.structs.replace(interval("auroc", 0.5), comparison=told)], BASE)
    assert (one.outcome, one.needs_n, one.proves) == (Outcome.UNDECIDED, 1500, 0.04)


def test_a_part_or_a_night_is_not_compared() -> None:
    bad = counted(900, 0)
    part = msgspec.structs.replace(rate("error_rate", 200, 1000, comparison=bad), part="women")
    night = msgspec.structs.replace(rate("error_rate", 200, 1000, comparison=bad), source="online")
    whole = rate("error_rate", 200, 1000, comparison=counted(20, 20))
    assert outcomes((ERROR,), part, night, whole) == {"error_rate vs baseline": Outcome.MET}
    assert outcomes((ERROR,), part, night) == {"error_rate vs baseline": Outcome.NO_DATA}


def test_a_trial_is_compared_as_a_trial() -> None:
    trial = msgspec.structs.replace(ERROR, trial=True)
    (one,) = compare(Policy(slos=(trial,)), [rate("error_rate", 200, 1000, comparison=counted(900, 0))], BASE)
    assert (one.outcome, one.trial) == (Outcome.BREACHED, True)
