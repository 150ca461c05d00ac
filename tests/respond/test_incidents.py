"""An incident closes only with proof, and its story is the ledger's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace as changed

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import CaseResult, Entry, Incident, Severity, digest
from shipworthy.respond.incidents import Proof, close, may_close, open_incident, promote, timeline
from tests.respond.made import at, held, when

CASE = "incident.unfamiliar-supplier"


def incident() -> Incident:
    order = held("ORD-1", segment="supplier=__unseen__")
    return open_incident("INC-2026-0001", order, "ood_repeats", Severity.SEV3, "olu", when(0))


def result(status: str, target: str = "<= 0.15") -> CaseResult:
    return CaseResult(
        case=CASE,
        status=status,
        clause="robustness",
        severity="blocker",
        n=100,
        hits=3,
        value=0.03,
        lo=0.01,
        hi=0.08,
        target=target,
        because="3 of 100",
        seed=1,
    )


PROOF = Proof(
    before=(result("fail"),),
    after=(result("pass"),),
    artefact_before=digest(b"v2"),
    artefact_after=digest(b"v3"),
    version_before="2.0",
    version_after="3.0",
    rows_disjoint=True,
    note_changed=True,
)


def test_it_closes_when_the_case_fails_before_and_passes_after() -> None:
    promoted = promote(incident(), [CASE])
    assert may_close(promoted, PROOF) == ()
    done = close(promoted, PROOF, when(60))
    assert (done.status, done.closed_at) == ("closed", at(60))


@pytest.mark.parametrize(
    ("proof", "why"),
    [
        (replace(PROOF, before=()), "not run"),
        (replace(PROOF, before=(result("pass"),)), "does not fail"),
        (replace(PROOF, before=(result("inconclusive"),)), "does not fail"),
        (replace(PROOF, after=(result("fail"),)), "does not pass"),
        (replace(PROOF, after=(result("inconclusive"),)), "does not pass"),
        (replace(PROOF, after=(result("skipped"),)), "does not pass"),
        (replace(PROOF, after=()), "not run"),
        (replace(PROOF, after=(result("pass", "<= 0.9"),)), "asked differently"),
        (replace(PROOF, artefact_after=PROOF.artefact_before), "same artefact"),
        (replace(PROOF, version_before="1.0"), "happened on 2.0"),
        (replace(PROOF, version_after="2.0"), "same version"),
        (replace(PROOF, rows_disjoint=False), "trained on"),
        (replace(PROOF, note_changed=False), "note"),
    ],
)
def test_each_missing_proof_keeps_it_open(proof: Proof, why: str) -> None:
    promoted = promote(incident(), [CASE])
    assert any(why in reason for reason in may_close(promoted, proof))
    with pytest.raises(PolicySaysNo, match=why):
        close(promoted, proof, when(60))


@given(
    st.sampled_from(["pass", "fail", "inconclusive", "error", "skipped"]),
    st.sampled_from(["pass", "fail", "inconclusive", "error", "skipped"]),
    st.booleans(),
    st.booleans(),
)
def test_only_one_combination_of_results_closes(before: str, after: str, disjoint: bool, note: bool) -> None:
    proof = replace(PROOF, before=(result(before),), after=(result(after),), rows_disjoint=disjoint, note_changed=note)
    good = (before, after, disjoint, note) == ("fail", "pass", True, True)
    assert (may_close(promote(incident(), [CASE]), proof) == ()) == good


def test_every_promoted_case_counts() -> None:
    promoted = promote(promote(incident(), [CASE]), ["shift.code-hidden", CASE])
    assert promoted.cases == (CASE, "shift.code-hidden")
    assert any("shift.code-hidden" in reason for reason in may_close(promoted, PROOF))


def test_an_incident_without_a_case_or_an_owner_is_refused() -> None:
    assert any("promote" in reason for reason in may_close(incident(), PROOF))
    with pytest.raises(UsageError):
        promote(incident(), [])
    with pytest.raises(UsageError):
        promote(close(promote(incident(), [CASE]), PROOF, when(1)), ["x"])
    with pytest.raises(UsageError):
        open_incident("INC-1", held("ORD-1"), "slo", Severity.SEV1, "", when(0))


def test_the_timeline_is_read_from_the_ledger_in_order() -> None:
    order = held("ORD-1", segment="supplier=__unseen__")
    other = held("ORD-2")
    bodies: list[tuple[str, str, dict[str, object]]] = [
        ("machine", "observe.alarmed", {"scope": to_builtins(order.order.scope), "because": "5 of 5"}),
        ("machine", "respond.ordered", {"held": to_builtins(order), "epoch": 1}),
        ("machine", "respond.ordered", {"held": to_builtins(other), "epoch": 2}),
        ("olu", "respond.confirmed", {"order": "ORD-1", "by": "olu"}),
        ("olu", "respond.restored", {"orders": ["ORD-1", "ORD-2"], "reason": "fixed", "epoch": 4}),
        ("rae", "gate.decided", {"note": "ORD-1 was mentioned in passing"}),
    ]
    entries = [
        Entry(seq=seq, at=at(seq), actor=actor, kind=kind, body=body, prev=digest(b""))
        for seq, (actor, kind, body) in enumerate(bodies)
    ]
    told = timeline(reversed(entries), incident())
    assert [actor for _, actor, _ in told] == ["machine", "machine", "olu", "olu"]
    assert [when_ for when_, _, _ in told] == [at(0), at(1), at(3), at(4)]
    assert told[1][2] == "ordered human_review on 2.0 supplier=__unseen__: a breach"
    assert told[3][2] == "restored: fixed"
    assert len(timeline(entries, changed(incident(), order="ORD-2", scope=other.order.scope))) == 2
