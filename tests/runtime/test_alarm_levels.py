"""One budget of false pages, and the level of everything that may page from it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shipworthy.facts import Action, Clause, Judgement, Outcome, Policy, Slo, Target
from shipworthy.runtime.alarm_levels import LOOKS_OF_REPEATS, LOOKS_OF_SLOS, AlarmLevels, held_back

RATE = Slo(
    name="ood_rate_24h",
    indicator="ood_rate",
    objective="",
    target=Target(op="<=", value=0.02),
    window="24h",
    action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
    clause=Clause.MONITORING,
    min_samples=100,
    segments=("*", "region=N"),
)
CERTAIN = replace(RATE, name="never_event_violations", indicator="never_event_violations", segments=("*",))
OFFLINE = replace(RATE, name="membership_tpr", indicator="membership_tpr", segments=("*",))


def levels(*slos: Slo, budget: float = 1.0) -> AlarmLevels:
    made = AlarmLevels(budget)
    made.watch("1", Policy(slos=slos))
    return made


def test_the_expected_false_pages_are_the_budget_whatever_is_watched() -> None:
    for slos in ((), (RATE,), (RATE, CERTAIN, OFFLINE), tuple(replace(RATE, name=f"s{at}") for at in range(40))):
        made = levels(*slos, budget=2.0)
        assert made.expected == pytest.approx(2.0)
        assert made.repeats == pytest.approx(1.0 / LOOKS_OF_REPEATS), "half of it, always"


def test_each_place_of_an_slo_has_its_share() -> None:
    made = levels(RATE, CERTAIN, OFFLINE)
    for segment in RATE.segments:
        assert 1.0 - made.level("1", RATE, segment) == pytest.approx(0.25 / LOOKS_OF_SLOS)
    made.watch("2", Policy(slos=(RATE,)))
    assert 1.0 - made.level("1", RATE, "*") == pytest.approx(0.125 / LOOKS_OF_SLOS)
    assert made.told()["expected_at_most"] == pytest.approx(1.0)


def test_what_is_certain_or_asks_for_more_keeps_its_own_level() -> None:
    made = levels(RATE, CERTAIN)
    assert made.level("1", CERTAIN, "*") == CERTAIN.level
    assert made.level("unknown", RATE, "*") == RATE.level
    strict = replace(RATE, level=1.0 - 1e-9)
    assert levels(strict).level("1", strict, "*") == strict.level


def test_a_breach_of_one_look_is_undecided_until_the_budget_proves_it() -> None:
    def says(outcome: Outcome) -> Judgement:
        return Judgement(slo="ood_rate_24h", segment="*", outcome=outcome, because="lo .03 > .02")

    kept = held_back(says(Outcome.BREACHED), says(Outcome.UNDECIDED), 0.99999)
    assert kept.outcome is Outcome.UNDECIDED
    assert kept.because == "lo .03 > .02; a page needs 99.999 % by the alarm budget"
    assert held_back(says(Outcome.BREACHED), says(Outcome.BREACHED), 0.99999).outcome is Outcome.BREACHED
    for outcome in (Outcome.MET, Outcome.NO_DATA, Outcome.UNDECIDED):
        assert held_back(says(outcome), says(Outcome.BREACHED), 0.99999) == says(outcome)


def test_no_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        AlarmLevels(0.0)
