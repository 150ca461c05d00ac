"""Against what shipped last: primary SLOs are proven not worse, others are worse only when that is shown."""

from __future__ import annotations

import msgspec
import pytest

from shipworthy.facts import Comparison, Measurement, Outcome, Policy, Slo
from shipworthy.gate.baseline import compare
from tests.gate.test_verdict import BASE, ERROR, FLIP, D, rate, versus

AUROC = msgspec.structs.replace(FLIP, name="auroc", indicator="auroc")
ECE = msgspec.structs.replace(FLIP, name="decision_ece_7d", indicator="decision_ece")


def flips(comparison: Comparison | None) -> Measurement:
    """Return a measured flip rate with this comparison."""
    return rate("feasible_flip_rate", 5, 300, comparison=comparison)


def interval(indicator: str, p: float) -> Measurement:
    """Return a measured interval whose comparison has this p-value."""
    return Measurement(indicator=indicator, n=500, value=0.1, lo=0.05, hi=0.15, comparison=versus(0.5, p=p))


def outcomes(slos: tuple[Slo, ...], *seen: Measurement) -> dict[str, Outcome]:
    """Return outcomes by name of what is compared."""
    return {one.slo: one.outcome for one in compare(Policy(slos=slos), seen, BASE)}


def test_a_primary_slo_without_a_margin_is_never_met() -> None:
    without = msgspec.structs.replace(ERROR, max_regression=None)
    seen = rate("error_rate", 200, 1000, comparison=versus(-0.5, lo=-0.6))
    assert outcomes((without,), seen) == {"error_rate vs baseline": Outcome.NO_DATA}


@pytest.mark.parametrize("slo", [ERROR, FLIP])
def test_a_comparison_with_another_baseline_says_nothing(slo: Slo) -> None:
    seen = rate(slo.indicator, 5, 300, comparison=versus(-0.5, lo=-0.6, p=1.0, baseline=D))
    assert outcomes((slo,), seen) == {f"{slo.name} vs baseline": Outcome.NO_DATA}


def test_what_is_measured_and_not_compared_says_nothing() -> None:
    alone = msgspec.structs.replace(interval("auroc", 0.5), comparison=None)
    assert outcomes((AUROC,), alone) == {"auroc vs baseline": Outcome.NO_DATA}
    assert outcomes((FLIP,), flips(None)) == {}  # attacked rows depend on the model: its target alone judges it


def test_several_comparisons_share_one_error_rate() -> None:
    alone = outcomes((FLIP,), flips(versus(0.5, p=0.04)))
    assert alone["feasible_flip_rate vs baseline"] is Outcome.BREACHED
    three = outcomes(
        (FLIP, AUROC, ECE), flips(versus(0.5, p=0.04)), interval("auroc", 0.5), interval("decision_ece", 0.9)
    )
    assert set(three.values()) == {Outcome.MET}  # .04 times three is no longer shown
    worse = outcomes(
        (FLIP, AUROC, ECE), flips(versus(0.5, p=0.01)), interval("auroc", 0.5), interval("decision_ece", 0.9)
    )
    assert worse["feasible_flip_rate vs baseline"] is Outcome.BREACHED


def test_a_part_or_a_night_is_not_compared() -> None:
    bad = versus(0.9, lo=0.8, p=0.0)
    part = msgspec.structs.replace(rate("error_rate", 200, 1000, comparison=bad), part="women")
    night = msgspec.structs.replace(rate("error_rate", 200, 1000, comparison=bad), source="online")
    whole = rate("error_rate", 200, 1000, comparison=versus(0.01))
    assert outcomes((ERROR,), part, night, whole) == {"error_rate vs baseline": Outcome.MET}
    assert outcomes((ERROR,), part, night) == {"error_rate vs baseline": Outcome.NO_DATA}


def test_a_trial_is_compared_as_a_trial() -> None:
    trial = msgspec.structs.replace(ERROR, trial=True)
    (one,) = compare(Policy(slos=(trial,)), [rate("error_rate", 200, 1000, comparison=versus(0.9, lo=0.8))], BASE)
    assert (one.outcome, one.trial) == (Outcome.BREACHED, True)


def test_without_a_comparison_a_secondary_slo_is_left_to_its_target() -> None:
    assert outcomes((FLIP,), flips(None)) == {}
