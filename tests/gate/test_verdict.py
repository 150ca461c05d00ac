"""The release verdict: only what is proven good ships, and every way to lose evidence is noticed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from shipworthy.facts import (
    Action,
    Block,
    Case,
    CaseResult,
    Clause,
    Comparison,
    Coverage,
    Decision,
    Evidence,
    Measurement,
    Oracle,
    Outcome,
    Policy,
    Slo,
    Subject,
    Target,
)
from shipworthy.gate.reports import json, markdown, text
from shipworthy.gate.table import Row, rows, values_of
from shipworthy.gate.verdict import Question, exit_code, give_verdict
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.paired import mcnemar_exact, paired_difference

D = "sha256:" + "0" * 64
BASE = "sha256:" + "b" * 64
SUBJECT = Subject(model="m", version="2", artefact=D, change=D, policy=D, pack=D, data=D, profile=D)
ERROR = Slo(
    name="error_rate", indicator="error_rate", objective="few errors", target=Target(op="<=", value=0.3),
    window="rolling",
    action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW, clause=Clause.ROBUSTNESS, min_samples=300, primary=True,
    max_regression=0.02,
)  # fmt: skip
FLIP = msgspec.structs.replace(
    ERROR, name="feasible_flip_rate", indicator="feasible_flip_rate", primary=False, min_samples=100
)
AUROC = msgspec.structs.replace(
    ERROR, name="auroc", indicator="auroc", target=Target(op=">=", value=0.7), primary=False, max_regression=None
)
CASE = Case(
    id="tail.x", clause="robustness", kind="tail", severity="blocker", owner="ml", input={"rows": "x.csv"},
    oracle=Oracle(name="denied", hits="decision == 'deny'", op="<=", target=0.15),
)  # fmt: skip


def rate(indicator: str, hits: int, n: int, **more: Any) -> Measurement:
    lo, hi = rate_bounds(hits, n)
    return Measurement(indicator=indicator, n=n, hits=hits, value=hits / n, lo=lo, hi=hi, **more)


def versus(hi: float, lo: float = -0.05, p: float = 0.9, baseline: str = BASE) -> Comparison:
    return Comparison(baseline=baseline, n=1000, delta=(lo + hi) / 2, lo=lo, hi=hi, p_worse=p, method="paired")


def counted(worse: int, better: int, baseline: str = BASE, n: int = 1000) -> Comparison:
    """Return the comparison of a rate over `n` rows, as its discordant counts give it."""
    delta, lo, hi = paired_difference(worse, better, n)
    return Comparison(
        baseline=baseline, n=n, delta=delta, lo=lo, hi=hi, p_worse=mcnemar_exact(worse, better), method="exact",
        worse=worse, better=better,
    )  # fmt: skip


def passed(**more: Any) -> CaseResult:
    lo, hi = rate_bounds(0, 40)
    told: dict[str, Any] = {
        "status": "pass", "lo": lo, "hi": hi, "value": 0.0, "target": "<= 0.15", "n": 40, "hits": 0,
    } | more  # fmt: skip
    return CaseResult(case="tail.x", clause="robustness", severity="blocker", because="0 of 40", seed=1, **told)


def evidence(**changes: Any) -> Evidence:
    told: dict[str, Any] = {
        "subject": SUBJECT,
        "measurements": (rate("error_rate", 200, 1000, comparison=counted(20, 20)), rate("feasible_flip_rate", 5, 300)),
        "coverage": Coverage(requested=("a", "b"), executed=("a", "b")),
        "cases": (passed(),),
        "tool_version": "0.1.0",
    }
    return Evidence(**(told | changes))


def question(**changes: Any) -> Question:
    told: dict[str, Any] = {
        "subject": SUBJECT, "policy": Policy(slos=(ERROR, FLIP)), "cases": (CASE,), "evidence": evidence(),
        "baseline": BASE,
    }  # fmt: skip
    return Question(**(told | changes))


def test_what_is_proven_good_ships() -> None:
    verdict = give_verdict(question())
    assert verdict.decision is Decision.SHIP
    assert exit_code(verdict) == 0


def test_a_first_release_is_judged_by_its_targets_and_says_so() -> None:
    verdict = give_verdict(question(baseline=None))
    assert verdict.decision is Decision.SHIP
    assert verdict.first


@pytest.mark.parametrize(
    ("changes", "decision", "code"),
    [
        ({"evidence": None}, Decision.UNDECIDED, 4),
        ({"loosened": ("slo auroc: target",)}, Decision.BLOCKED, 1),
        ({"blocks": (Block(name="note", because="missing", fix="write it", exit_code=3),)}, Decision.BLOCKED, 3),
        ({"blocks": (Block(name="note", because="stale", fix="stamp it", exit_code=4),)}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=())}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=(passed(status="fail", hi=0.5, lo=0.3),))}, Decision.BLOCKED, 1),
        ({"evidence": evidence(cases=(passed(status="error"),))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=(passed(status="inconclusive"),))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=(passed(hi=0.2),))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=(passed(hi=None),))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(cases=(passed(lo=None),))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(coverage=Coverage(requested=("a", "b"), executed=("a",)))}, Decision.UNDECIDED, 4),
        ({"evidence": evidence(measurements=())}, Decision.UNDECIDED, 4),
    ],
)
def test_anything_less_does_not(changes: dict[str, Any], decision: Decision, code: int) -> None:
    verdict = give_verdict(question(**changes))
    assert verdict.decision is decision
    assert exit_code(verdict) == code


@pytest.mark.parametrize("field", Subject.__struct_fields__)
def test_evidence_about_anything_else_is_refused(field: str) -> None:
    other = msgspec.structs.replace(SUBJECT, **{field: "sha256:" + "f" * 64})
    verdict = give_verdict(question(evidence=evidence(subject=other)))
    assert verdict.decision is Decision.UNDECIDED
    assert any(field in block.because for block in verdict.blocks)


@pytest.mark.parametrize(
    "forged", [{"lo": 0.0}, {"hi": 0.15}, {"value": 0.1}, {"hits": 100}, {"hits": None}, {"hits": 2000}, {"n": 900}]
)
def test_bounds_that_do_not_follow_from_the_counts_are_refused(forged: dict[str, Any]) -> None:
    honest = rate("error_rate", 200, 1000, comparison=counted(20, 20))
    told = (msgspec.structs.replace(honest, **forged), rate("feasible_flip_rate", 5, 300))
    assert give_verdict(question(evidence=evidence(measurements=told))).decision is not Decision.SHIP


@pytest.mark.parametrize(
    "forged",
    [
        {"hi": 0.0}, {"lo": 0.0}, {"delta": -0.01}, {"p_worse": 1.0}, {"worse": None}, {"worse": 0}, {"better": 900},
        {"n": 2000}, {"n": 90}, {"design_effect": 0.5}, {"level": 0.5}, {"worse": -20, "better": 20},
    ],
)  # fmt: skip
def test_a_comparison_that_does_not_follow_from_its_counts_is_refused(forged: dict[str, Any]) -> None:
    told = msgspec.structs.replace(counted(30, 20), **forged)
    seen = (rate("error_rate", 200, 1000, comparison=told), rate("feasible_flip_rate", 5, 300))
    verdict = give_verdict(question(evidence=evidence(measurements=seen)))
    assert verdict.decision is not Decision.SHIP
    assert verdict.blocks


def test_a_comparison_over_more_rows_than_were_measured_is_refused() -> None:
    seen = (rate("error_rate", 200, 1000, comparison=counted(20, 20, n=1001)), rate("feasible_flip_rate", 5, 300))
    assert give_verdict(question(evidence=evidence(measurements=seen))).blocks


@pytest.mark.parametrize(
    ("comparison", "decision"),
    [
        (counted(20, 20), Decision.SHIP),
        (counted(60, 50), Decision.UNDECIDED),
        (counted(100, 20), Decision.BLOCKED),
        (counted(20, 20, baseline=D), Decision.UNDECIDED),
        (None, Decision.UNDECIDED),
    ],
)
def test_a_primary_slo_must_be_proven_not_worse(comparison: Comparison | None, decision: Decision) -> None:
    told = (rate("error_rate", 200, 1000, comparison=comparison), rate("feasible_flip_rate", 5, 300))
    assert give_verdict(question(evidence=evidence(measurements=told))).decision is decision


@pytest.mark.parametrize(("p", "decision"), [(0.04, Decision.BLOCKED), (0.06, Decision.SHIP)])
def test_any_other_slo_blocks_when_shown_to_be_worse(p: float, decision: Decision) -> None:
    auroc = Measurement(indicator="auroc", n=900, value=0.8, lo=0.78, hi=0.82, comparison=versus(0.5, p=p))
    told = (rate("error_rate", 200, 1000, comparison=counted(20, 20)), auroc)
    asked = question(policy=Policy(slos=(ERROR, AUROC)), evidence=evidence(measurements=told))
    assert give_verdict(asked).decision is decision


def test_a_trial_is_judged_shown_and_does_not_decide() -> None:
    trial = msgspec.structs.replace(FLIP, trial=True, target=Target(op="<=", value=0.0001))
    verdict = give_verdict(question(policy=Policy(slos=(ERROR, trial))))
    assert verdict.decision is Decision.SHIP
    assert any(one.slo == FLIP.name and one.outcome is not Outcome.MET for one in verdict.judgements)


@pytest.mark.parametrize(
    ("case", "decision"),
    [
        ({"severity": "major"}, Decision.BLOCKED),
        ({"severity": "minor"}, Decision.SHIP),
        ({"trial": True}, Decision.SHIP),
    ],
)
def test_a_failing_case_blocks_unless_it_is_minor_or_on_trial(case: dict[str, Any], decision: Decision) -> None:
    failing = evidence(cases=(passed(status="fail", lo=0.3, hi=0.5),))
    one = msgspec.structs.replace(CASE, **case)
    verdict = give_verdict(question(cases=(one,), evidence=failing))
    assert verdict.decision is decision
    assert any(judged.slo == "case:tail.x" and judged.outcome is Outcome.BREACHED for judged in verdict.judgements)


def test_what_has_no_source_at_the_gate_is_listed_and_does_not_decide() -> None:
    night = msgspec.structs.replace(FLIP, name="ood_repeats", indicator="ood_repeats", min_samples=1)
    verdict = give_verdict(question(policy=Policy(slos=(ERROR, FLIP, night))))
    assert verdict.decision is Decision.SHIP
    assert [one.slo for one in verdict.judgements if not one.here] == ["ood_repeats"]


def test_what_nobody_asked_for_must_not_have_run() -> None:
    more = evidence(coverage=Coverage(requested=("a",), executed=("a", "b")))
    assert give_verdict(question(evidence=more)).decision is Decision.UNDECIDED


@pytest.mark.parametrize(
    ("codes", "code"), [((1, 3), 3), ((3, 1), 3), ((4, 3), 3), ((4, 1), 1), ((1, 4), 1), ((1, 3, 4), 3), ((4,), 4)]
)
def test_of_several_reasons_the_worst_is_told(codes: tuple[int, ...], code: int) -> None:
    blocks = tuple(Block(name=f"b{one}", because="so", fix="mend it", exit_code=one) for one in codes)
    assert exit_code(give_verdict(question(blocks=blocks))) == code


def test_a_breach_weighs_more_than_what_cannot_be_decided() -> None:
    failing = evidence(cases=(passed(status="fail", lo=0.3, hi=0.5),))
    stale = Block(name="note", because="stale", fix="stamp it", exit_code=4)
    assert exit_code(give_verdict(question(evidence=failing, blocks=(stale,)))) == 1


def test_every_report_says_the_same_as_the_verdict() -> None:
    for asked in (question(), question(evidence=None), question(loosened=("slo x: target <b>|",))):
        verdict = give_verdict(asked)
        table = rows(verdict, asked.policy, asked.cases, asked.evidence)
        plain, page = text.render(verdict, table), markdown.render(verdict, table)
        machine = msgspec.json.decode(json.render(verdict, table))
        assert machine["exit_code"] == exit_code(verdict)
        assert ("SHIP: " in plain) is (verdict.decision is Decision.SHIP) is ("## SHIP: " in page)
        assert "<b>" not in page


def test_accuracy_and_security_stand_in_one_table() -> None:
    asked = question()
    table = rows(give_verdict(asked), asked.policy, asked.cases, asked.evidence)
    assert [row.name for row in table] == ["error_rate", "feasible_flip_rate", "case:tail.x"]
    assert "a loss of 0.02 is allowed, and kept" in table[0].against


def undecided(**changes: Any) -> Row:
    """Return the table's row of an error rate that these counts leave undecided."""
    measured = rate("error_rate", 280, 1000, comparison=counted(60, 50))
    asked = question(evidence=evidence(measurements=(measured, rate("feasible_flip_rate", 5, 300))), **changes)
    return rows(give_verdict(asked), asked.policy, asked.cases, asked.evidence)[0]


def test_a_row_that_is_not_green_says_what_would_make_it_so_and_what_these_rows_prove() -> None:
    strict = msgspec.structs.replace(ERROR, target=Target(op="<=", value=0.29), max_regression=0.5)
    row = undecided(policy=Policy(slos=(strict, FLIP)))
    assert row.outcome is Outcome.UNDECIDED
    assert re.fullmatch(r"\d+ more samples, if the rate stays; these samples prove <= 0\.304", row.mend)


def test_a_row_that_only_the_baseline_keeps_from_green_speaks_of_the_baseline() -> None:
    wide = msgspec.structs.replace(ERROR, target=Target(op="<=", value=0.32))
    row = undecided(policy=Policy(slos=(wide, FLIP)))
    assert row.outcome is Outcome.UNDECIDED
    assert row.because == row.against
    assert re.fullmatch(r"\d+ more samples, if the rate stays; these samples prove a margin of 0\.0275", row.mend)


def test_a_row_that_two_things_keep_from_green_names_both() -> None:
    assert "; against baseline: " in undecided().mend


def test_what_only_its_target_judges_is_shown_beside_its_last_value() -> None:
    asked = question()
    verdict = give_verdict(asked)
    before = values_of(verdict.judgements, asked.policy, asked.evidence)
    assert before == {"error_rate on *": 0.2, "feasible_flip_rate on *": 5 / 300, "case:tail.x on *": 0.0}
    told = rows(verdict, asked.policy, asked.cases, asked.evidence, {**before, "feasible_flip_rate on *": 0.01})
    assert (told[1].was, told[1].against) == ("0.01", "")
    assert "a loss of 0.02 is allowed" in told[0].against
    assert rows(verdict, asked.policy, asked.cases, asked.evidence)[1].was == ""


def test_what_shipped_last_is_compared_with_nothing_and_says_so() -> None:
    lonely = (rate("error_rate", 200, 1000), rate("feasible_flip_rate", 5, 300))
    asked = question(shipped=True, baseline=D, evidence=evidence(measurements=lonely))
    verdict = give_verdict(asked)
    assert (verdict.decision, verdict.first) == (Decision.SHIP, False)
    assert "this is what shipped last" in text.render(verdict, ())
    assert give_verdict(question(baseline=D, evidence=evidence(measurements=lonely))).decision is Decision.UNDECIDED


@pytest.mark.parametrize("first", ["fail", "pass"])
def test_of_two_results_of_one_case_neither_is_taken(first: str) -> None:
    twice = evidence(cases=(passed(status=first), passed()))
    verdict = give_verdict(question(evidence=twice))
    assert (verdict.decision, [one.because for one in verdict.blocks]) == (
        Decision.UNDECIDED, ["case tail.x is there twice"],
    )  # fmt: skip


def test_of_two_numbers_for_one_thing_neither_is_taken() -> None:
    more = (*evidence().measurements, rate("feasible_flip_rate", 0, 3000))
    verdict = give_verdict(question(evidence=evidence(measurements=more)))
    assert verdict.decision is Decision.UNDECIDED
    assert [one.because for one in verdict.blocks] == ["feasible_flip_rate on * is there twice"]


def test_a_policy_of_which_nothing_decides_here_is_an_invalid_contract() -> None:
    night = msgspec.structs.replace(FLIP, name="ood_repeats", indicator="ood_repeats")
    for slos in ((), (night,), (msgspec.structs.replace(ERROR, trial=True),)):
        verdict = give_verdict(question(policy=Policy(slos=slos)))
        assert exit_code(verdict) == 3


@pytest.mark.parametrize(
    "forged",
    [
        {"target": "<= 0.99"}, {"target": ">= 0.15"}, {"target": ""}, {"hits": None}, {"hits": 5}, {"hits": -1},
        {"hits": 41}, {"n": 0}, {"n": 400}, {"lo": 0.01}, {"hi": 0.1}, {"value": 0.01}, {"value": None},
        {"n": 10, "hi": rate_bounds(0, 10)[1]},
    ],
)  # fmt: skip
def test_a_passed_case_must_follow_from_its_counts_against_the_packs_own_target(forged: dict[str, Any]) -> None:
    verdict = give_verdict(question(evidence=evidence(cases=(passed(**forged),))))
    assert verdict.decision is not Decision.SHIP
    assert [block.name for block in verdict.blocks] == ["evidence"]


@pytest.mark.parametrize(
    ("op", "target", "numbers", "good"),
    [
        ("==", 0.0, (0.0, 0.0, 0.0), True),
        ("==", 0.0, (1.0, 1.0, 1.0), False),
        (">=", 0.9, (0.95, 0.9, 0.99), True),
        (">=", 0.9, (0.95, 0.89, 0.99), False),
        ("<=", 0.2, (0.1, 0.05, 0.2), True),
        ("<=", 0.2, (0.1, 0.05, 0.21), False),
    ],
)
def test_a_case_that_measures_a_number_is_held_against_its_bounds(
    op: str, target: float, numbers: tuple[float, float, float], good: bool
) -> None:
    case = msgspec.structs.replace(CASE, oracle=Oracle(name="x", metric="findings", op=op, target=target))
    value, lo, hi = numbers
    result = passed(value=value, lo=lo, hi=hi, target=f"{op} {target!r}", hits=None)
    verdict = give_verdict(question(cases=(case,), evidence=evidence(cases=(result,))))
    assert (verdict.decision is Decision.SHIP) is good
