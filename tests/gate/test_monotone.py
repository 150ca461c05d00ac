"""Removing or spoiling evidence never improves a verdict; nothing empty, missing or not a number ever ships."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import CaseResult, Comparison, Coverage, Decision, Evidence, Measurement, Policy, Slo
from shipworthy.gate.verdict import Question, exit_code, give_verdict
from tests.gate.test_verdict import AUROC, BASE, CASE, ERROR, FLIP, SUBJECT, counted, passed, rate

ECE = msgspec.structs.replace(
    AUROC, name="decision_ece_7d", indicator="decision_ece", target=msgspec.structs.replace(ERROR.target, value=0.05)
)
TRIAL = msgspec.structs.replace(AUROC, name="trial_auroc", trial=True)
IN_A = msgspec.structs.replace(FLIP, segments=("*", "tenant=a"))
POLICY = Policy(slos=(ERROR, IN_A, AUROC, ECE, TRIAL))
P = st.sampled_from([0.0, 0.004, 0.01, 0.02, 0.04, 0.2, 0.9])


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Evidence that mostly passes: each part may be bad, thin or absent."""
    measurements: list[Measurement] = []
    hits, worse = draw(st.sampled_from([100, 200, 290, 400])), draw(st.sampled_from([5, 20, 60, 120]))
    measurements.append(rate("error_rate", hits, 1000, comparison=counted(worse, 20)))
    for segment in ("*", "tenant=a"):
        measurements.append(rate("feasible_flip_rate", draw(st.sampled_from([0, 5, 100])), 300, segment=segment))
    for indicator, value in (("auroc", 0.80), ("decision_ece", 0.02)):
        measurements.append(_interval(indicator, value, draw(st.sampled_from([0.005, 0.02, 0.2])), draw(P)))
    status = draw(st.sampled_from(["pass", "pass", "pass", "fail", "error"]))
    bounds: dict[str, Any] = {} if status == "pass" else {"lo": 0.3, "hi": 0.5, "status": status}
    cases = (passed(**bounds),) if draw(st.integers(0, 5)) else ()
    both = Coverage(requested=("a", "b"), executed=("a", "b"))
    return Evidence(subject=SUBJECT, measurements=tuple(measurements), coverage=both, cases=cases, tool_version="0.1.0")


def _interval(indicator: str, value: float, half: float, p: float) -> Measurement:
    versus = Comparison(baseline=BASE, n=900, delta=0.0, lo=-half, hi=half, p_worse=p, method="paired")
    return Measurement(indicator=indicator, n=900, value=value, lo=value - half, hi=value + half, comparison=versus)


def ships(evidence: Evidence | None, policy: Policy = POLICY) -> bool:
    asked = Question(subject=SUBJECT, policy=policy, cases=(CASE,), evidence=evidence, baseline=BASE)
    verdict = give_verdict(asked)
    assert (exit_code(verdict) == 0) is (verdict.decision is Decision.SHIP)
    return verdict.decision is Decision.SHIP


def lesser(one: Evidence) -> list[Evidence]:
    """Return everything one step poorer than this evidence."""
    made = [msgspec.structs.replace(one, measurements=()), msgspec.structs.replace(one, cases=())]
    for at, measured in enumerate(one.measurements):
        for poorer in (None, *_spoilt(measured)):
            kept = [*one.measurements[:at], *([poorer] if poorer else []), *one.measurements[at + 1 :]]
            made.append(msgspec.structs.replace(one, measurements=tuple(kept)))
    for status in ("error", "skipped", "inconclusive", "fail", ""):
        spoilt: tuple[CaseResult, ...] = tuple(msgspec.structs.replace(case, status=status) for case in one.cases)
        made += [msgspec.structs.replace(one, cases=spoilt)] if spoilt else []
    ran = Coverage(requested=("a", "b"), executed=("a",))
    return [*made, msgspec.structs.replace(one, coverage=ran)]


def _spoilt(one: Measurement) -> list[Measurement]:
    changes: list[dict[str, Any]] = [
        {"comparison": None}, {"value": None}, {"lo": None}, {"hi": math.nan}, {"n": 0, "hits": 0}, {"n": 0},
        {"segment": "tenant=other"}, {"part": "women"}, {"source": "online"}, {"level": 0.5},
    ]  # fmt: skip
    if one.comparison is not None:
        spoilt: list[dict[str, Any]] = [{"baseline": ""}, {"p_worse": math.nan}, {"n": 0}, {"hi": math.nan}]
        changes += [{"comparison": msgspec.structs.replace(one.comparison, **change)} for change in spoilt]
    return [msgspec.structs.replace(one, **change) for change in changes]


@settings(deadline=None, max_examples=60)
@given(evidences())
def test_losing_evidence_never_improves_a_verdict(evidence: Evidence) -> None:
    whole = ships(evidence)
    for poorer in lesser(evidence):
        assert whole or not ships(poorer)


def test_whole_evidence_ships_and_each_loss_of_what_decides_does_not() -> None:
    good = Evidence(
        subject=SUBJECT,
        measurements=(
            rate("error_rate", 200, 1000, comparison=counted(20, 20)),
            rate("feasible_flip_rate", 5, 300),
            rate("feasible_flip_rate", 5, 300, segment="tenant=a"),
            _interval("auroc", 0.8, 0.02, 0.5),
            _interval("decision_ece", 0.02, 0.005, 0.5),
        ),
        coverage=Coverage(requested=("a", "b"), executed=("a", "b")),
        cases=(passed(),),
        tool_version="0.1.0",
    )
    assert ships(good)
    assert [poorer for poorer in lesser(good) if poorer != good and ships(poorer)] == []
    assert not ships(None)


@given(evidences(), st.integers(0, len(POLICY.slos) - 1))
def test_an_slo_of_no_segment_never_ships(evidence: Evidence, at: int) -> None:
    slos: list[Slo] = [one for one in POLICY.slos if not one.trial]
    slos[at % len(slos)] = msgspec.structs.replace(slos[at % len(slos)], segments=())
    assert not ships(evidence, Policy(slos=tuple(slos)))


@given(evidences())
def test_an_empty_or_trial_only_policy_never_ships(evidence: Evidence) -> None:
    trials = tuple(msgspec.structs.replace(one, trial=True) for one in POLICY.slos)
    assert not ships(evidence, Policy(slos=()))
    assert not ships(evidence, Policy(slos=trials))


@given(evidences(), st.integers(0, 4))
def test_the_same_thing_told_twice_never_ships(evidence: Evidence, at: int) -> None:
    again = evidence.measurements[at]
    assert not ships(msgspec.structs.replace(evidence, measurements=(*evidence.measurements, again)))
    if evidence.cases:
        failing = msgspec.structs.replace(evidence.cases[0], status="fail")
        assert not ships(msgspec.structs.replace(evidence, cases=(failing, *evidence.cases)))
