"""Accuracy and security in one table: every line with n, bounds and seed, and neither half ever missing."""

from __future__ import annotations

from typing import Any

import msgspec

from shipworthy.facts import Case, CaseResult, Measurement, Oracle, Outcome, Policy, Slo, Target
from shipworthy.gate.reports.side_by_side import COLUMNS, plain
from shipworthy.gate.side_by_side import Line, lines, outcomes_of
from shipworthy.gate.table import rows
from shipworthy.gate.verdict import give_verdict
from tests.gate.test_verdict import AUROC, CASE, ERROR, FLIP, evidence, passed, question, rate

AREA = Measurement(indicator="auroc", n=500, value=0.74, lo=0.72, hi=0.76)
FOUND = msgspec.structs.replace(
    ERROR, name="backdoor_findings", indicator="backdoor_findings", target=Target(op="==", value=0.0), min_samples=1,
    primary=False, max_regression=None,
)  # fmt: skip
NONE_FOUND = Measurement(indicator="backdoor_findings", n=6000, value=0.0, lo=0.0, hi=0.0)


def attack(id: str = "adv.flip", **more: Any) -> Case:
    told: dict[str, Any] = {
        "id": id, "clause": "robustness", "kind": "adversarial", "severity": "major", "owner": "ed",
        "generator": {"name": "nearest_flip"},
        "oracle": Oracle(name="flips", metric="feasible_flip_rate", op="<=", target=0.4),
    }  # fmt: skip
    return Case(**(told | more))


def shown(id: str = "adv.flip", status: str = "pass", **more: Any) -> CaseResult:
    return msgspec.structs.replace(passed(), case=id, status=status, seed=77, **more)


def table(*slos: Slo, measured: tuple[Measurement, ...] = ()) -> tuple[Line, ...]:
    return lines(evidence(measurements=measured), Policy(slos=slos), (), 42)


def test_accuracy_comes_first_and_security_right_after_with_the_same_columns() -> None:
    given = evidence(
        measurements=(rate("feasible_flip_rate", 5, 300), rate("error_rate", 200, 1000), AREA, NONE_FOUND),
        cases=(shown(),),
    )
    found = lines(given, Policy(slos=(FLIP, ERROR, AUROC, FOUND)), (attack(),), 42)
    assert [(line.about, line.what) for line in found] == [
        ("accuracy", "auroc"),
        ("accuracy", "error_rate"),
        ("security", "feasible_flip_rate"),
        ("security", "backdoor_findings"),
        ("security", "case:adv.flip"),
    ]
    assert found[0] == Line(
        about="accuracy", what="auroc", n="500", value="0.74", bound="[0.720, 0.760]", target=">= 0.7", outcome="met",
        seed="42",
    )  # fmt: skip
    assert (found[3].value, found[3].bound, found[3].n) == ("0", "", "6000")
    assert found[4].seed == "77"
    assert all(line.n and line.outcome and line.seed for line in found)


def test_neither_half_is_ever_missing() -> None:
    assert [(line.about, line.what, line.outcome) for line in lines(None, Policy(slos=()))] == [
        ("accuracy", "nothing", "not measured"),
        ("security", "nothing", "not measured"),
    ]


def test_what_was_asked_and_not_measured_is_there_as_no_data() -> None:
    found = table(ERROR, FLIP)
    assert [(line.what, line.n, line.value, line.outcome) for line in found] == [
        ("error_rate", "0", "–", "no data"),
        ("feasible_flip_rate", "0", "–", "no data"),
    ]
    (_, case) = lines(evidence(measurements=(), cases=()), Policy(slos=()), (attack(),))
    assert (case.about, case.what, case.outcome, case.target) == ("security", "case:adv.flip", "no data", "<= 0.4")


def test_what_was_measured_and_nobody_asks_for_is_there_too() -> None:
    found = table(FLIP, measured=(AREA, rate("feasible_flip_rate", 5, 300), NONE_FOUND))
    assert [(line.what, line.outcome) for line in found] == [
        ("auroc", "not asked"),
        ("feasible_flip_rate", "met"),
        ("backdoor_findings", "not asked"),
    ]


def test_parts_and_other_indicators_stay_out() -> None:
    found = table(measured=(msgspec.structs.replace(AREA, part="x"), rate("review_rate", 5, 300)))
    assert {line.what for line in found} == {"nothing"}


def test_a_segment_and_a_percentile_are_lines_of_their_own() -> None:
    on = msgspec.structs.replace(ERROR, segments=("*", "sex=f"))
    women = rate("error_rate", 90, 100, segment="sex=f")
    ece = Measurement(indicator="decision_ece", n=900, value=0.01, lo=0.0, hi=0.04, quantile=95)
    found = table(on, measured=(rate("error_rate", 200, 1000), women, ece))
    assert [(line.what, line.value, line.outcome) for line in found[:3]] == [
        ("error_rate", "0.2", "met"),
        ("error_rate on sex=f", "0.9", "no data"),  # 100 rows of 300
        ("decision_ece_p95", "0.01", "not asked"),
    ]


def test_cases_of_security_kinds_and_of_systemic_safety_are_security() -> None:
    systemic = attack("b", kind="tail", clause="systemic_safety")
    cases = (attack("a"), systemic, attack("c", kind="tail"), attack("d", kind="redteam"))
    found = lines(evidence(cases=tuple(shown(case.id) for case in cases), measurements=()), Policy(slos=()), cases)
    assert [line.what for line in found if line.about == "security"] == ["case:a", "case:b", "case:d"]


def test_what_does_not_decide_says_so() -> None:
    cases = (attack("a", severity="minor"), attack("b", trial=True), attack("c"))
    given = evidence(cases=tuple(shown(case.id, "fail") for case in cases), measurements=())
    found = lines(given, Policy(slos=()), cases)
    assert [line.outcome for line in found[1:]] == ["breached, does not decide"] * 2 + ["breached"]
    trial = table(msgspec.structs.replace(ERROR, trial=True), measured=(rate("error_rate", 200, 1000),))
    assert trial[0].outcome == "met, on trial"
    assert not trial[0].good


def test_the_outcomes_of_a_verdict_are_taken_where_there_is_one() -> None:
    """A row that meets its target and loses against the baseline is not green here either."""
    asked = question()
    verdict = give_verdict(asked)
    made = rows(verdict, asked.policy, asked.cases, asked.evidence)
    told = outcomes_of(made) | {("error_rate", "*"): Outcome.BREACHED}
    found = lines(asked.evidence, asked.policy, (CASE, attack()), 1, told)
    assert next(line for line in found if line.what == "error_rate").outcome == "breached"
    assert lines(asked.evidence, asked.policy, (), 1)[0].outcome == "met"


def test_a_measurement_without_a_value_shows_a_dash_and_no_bound() -> None:
    nothing = Measurement(indicator="auroc", n=12, value=None, lo=None, hi=None)
    line = table(measured=(nothing,))[0]
    assert (line.value, line.bound, line.n) == ("–", "", "12")


def test_the_text_is_a_table_in_which_every_line_has_its_columns_in_place() -> None:
    found = table(ERROR, FLIP, measured=(rate("error_rate", 200, 1000), rate("feasible_flip_rate", 5, 300)))
    title, head, *body = plain(found)
    assert title == "ACCURACY AND SECURITY"
    assert head.split() == list(COLUMNS)
    place = head.index("outcome")
    assert [line[place:].split()[0] for line in body] == ["met", "met"]
    assert plain(()) == []


def test_a_name_from_outside_cannot_start_a_line() -> None:
    hostile = lines(evidence(measurements=(), cases=()), Policy(slos=()), (attack("x\n::error::y"),))
    assert len(plain(hostile)) == 4
    assert all("\n" not in line for line in plain(hostile))


def test_a_count_of_a_case_has_no_bound() -> None:
    scan = attack("backdoor.data", kind="backdoor_data")
    counted = shown("backdoor.data", value=0.0, lo=0.0, hi=0.0, hits=None)
    (_, line) = lines(evidence(cases=(counted,), measurements=()), Policy(slos=()), (scan,))
    assert (line.value, line.bound) == ("0", "")
