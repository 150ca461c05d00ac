"""Attestations say what the verdict says: no test passes that did not, no property holds that is not shown."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.artifact.bundle import GATE_PASSED
from shipworthy.facts import Block, Decision, Judgement, Outcome, Subject, Verdict
from shipworthy.gate.attested import (
    BUILT_OFFLINE,
    CASES_GREEN,
    NOT_LOOSENED,
    NOTE_PRESENT,
    PROVENANCE_PRESENT,
    SAME_BITS,
    SIGNED,
    SLO_GREEN,
    Shown,
    names,
    properties,
)

SUBJECT = Subject(
    model="credit",
    version="1",
    **dict.fromkeys(("artefact", "change", "policy", "pack", "data", "profile"), "sha256:" + "0" * 64),
)
ALL = Shown(provenance=True, offline=True, same_bits=True)
NOTHING = Shown(provenance=False, offline=False, same_bits=False)


def one(slo: str, outcome: Outcome = Outcome.MET, **changes: Any) -> Judgement:
    return Judgement(**{"slo": slo, "segment": "*", "outcome": outcome, "because": "", **changes})


def block(name: str, because: str = "") -> Block:
    return Block(name=name, because=because, fix="", exit_code=4)


def verdict(*judgements: Judgement, **changes: Any) -> Verdict:
    given: dict[str, Any] = {
        "subject": SUBJECT,
        "baseline": "sha256:" + "1" * 64,
        "judgements": judgements or (one("auroc"), one("case:tail")),
        "decision": Decision.SHIP,
        "first": False,
    }
    return Verdict(**{**given, **changes})


def test_every_judgement_at_the_gate_is_a_test_by_name() -> None:
    told = names(
        verdict(
            one("auroc"),
            one("gap", Outcome.MET, segment="sex=f"),
            one("ece", Outcome.BREACHED),
            one("flip", Outcome.UNDECIDED),
            one("tpr", Outcome.NO_DATA),
            one("new", Outcome.BREACHED, trial=True),
            one("latency", Outcome.NO_DATA, here=False),
            blocks=(block("signature"),),
        )
    )
    assert told.passed == ("auroc", "gap [sex=f]")
    assert told.warned == ("new",)
    assert told.failed == ("ece", "flip", "tpr", "block:signature")


def test_all_that_holds_is_said() -> None:
    held = properties(verdict(), ALL)
    assert set(held) == {
        *(GATE_PASSED, SLO_GREEN, CASES_GREEN, NOTE_PRESENT, SIGNED, NOT_LOOSENED),
        *(PROVENANCE_PRESENT, BUILT_OFFLINE, SAME_BITS),
    }
    assert list(held) == sorted(held)


@pytest.mark.parametrize(
    ("told", "shown", "missing"),
    [
        (verdict(decision=Decision.BLOCKED), ALL, {GATE_PASSED}),
        (verdict(decision=Decision.UNDECIDED), ALL, {GATE_PASSED}),
        (verdict(one("auroc", Outcome.UNDECIDED), one("case:a")), ALL, {SLO_GREEN}),
        (verdict(one("auroc"), one("case:a", Outcome.NO_DATA)), ALL, {CASES_GREEN}),
        (verdict(one("auroc")), ALL, {CASES_GREEN}),
        (verdict(one("case:a")), ALL, {SLO_GREEN}),
        (verdict(one("auroc", trial=True), one("case:a")), ALL, {SLO_GREEN}),
        (verdict(one("auroc", here=False), one("case:a")), ALL, {SLO_GREEN}),
        (verdict(blocks=(block("evidence"),)), ALL, {SLO_GREEN, CASES_GREEN}),
        (verdict(blocks=(block("coverage"),)), ALL, {SLO_GREEN, CASES_GREEN}),
        (verdict(blocks=(block("contract", "deliberation-note.md:1: of another change"),)), ALL, {NOTE_PRESENT}),
        (verdict(blocks=(block("signature"),)), ALL, {SIGNED}),
        (verdict(policy_changes=("target of gap",)), ALL, {NOT_LOOSENED}),
        (verdict(first=True), ALL, {NOT_LOOSENED}),
        (verdict(blocks=(block("provenance"),)), ALL, {PROVENANCE_PRESENT, BUILT_OFFLINE}),
        (verdict(), NOTHING, {PROVENANCE_PRESENT, BUILT_OFFLINE, SAME_BITS}),
        (verdict(), Shown(provenance=True, offline=False, same_bits=False), {BUILT_OFFLINE, SAME_BITS}),
    ],
)
def test_what_does_not_hold_is_left_out(told: Verdict, shown: Shown, missing: set[str]) -> None:
    assert set(properties(verdict(), ALL)) - set(properties(told, shown)) == missing


def test_a_contract_problem_elsewhere_says_nothing_about_the_note() -> None:
    assert NOTE_PRESENT in properties(verdict(blocks=(block("contract", "MODEL_CARD.md:1: missing"),)), ALL)
