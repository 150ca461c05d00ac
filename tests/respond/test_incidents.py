"""An incident closes only with proof, and its story is the ledger's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace as changed

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import CaseResult, Entry, Incident, Severity, digest
from shipworthy.facts.incident import Harm, RegressionCase, Task
from shipworthy.respond.closing import Proof, close, may_close
from shipworthy.respond.incident_log import timeline
from shipworthy.respond.incidents import command, open_incident, promote, update
from shipworthy.respond.severity import worst
from tests.respond.made import at, held, when

CASE = "incident.unfamiliar-supplier"
TERMS = digest(b"terms")


def incident() -> Incident:
    order = held("ORD-1", segment="supplier=__unseen__")
    return open_incident("INC-2026-0001", order, "ood_repeats", Severity.SEV3, "olu", when(0))


def case(name: str = CASE) -> RegressionCase:
    return RegressionCase(id=name, terms=TERMS)


def promoted(*names: str) -> Incident:
    """Return an incident to whose end only proof is missing."""
    led = update(command(incident(), "olu"), harm=Harm(type="none", severity="none"))
    return promote(led, [case(name) for name in names or (CASE,)])


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
    terms={CASE: TERMS},
    trained_on=(),
    note=digest(b"note"),
    threats="T7",
    unconfirmed=(),
)


def test_it_closes_when_the_case_fails_before_and_passes_after() -> None:
    assert may_close(promoted(), PROOF, when(60)) == ()
    done = close(promoted(), PROOF, when(60))
    assert (done.status, done.closed_at, done.stable_at) == ("closed", at(60), at(60))
    assert (done.note_update, done.threat_model_update) == (PROOF.note, "T7")
    (proven,) = done.cases
    assert (proven.fails_on, proven.passes_on) == (f"2.0@{digest(b'v2')}", f"3.0@{digest(b'v3')}")


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
        (replace(PROOF, trained_on=(CASE,)), "trained on"),
        (replace(PROOF, note=""), "note"),
        (replace(PROOF, threats=""), "no threat is bound"),
        (replace(PROOF, unconfirmed=("ORD-1",)), "nobody has confirmed ORD-1"),
        (replace(PROOF, terms={}), "is not in the pack any more"),
        (replace(PROOF, terms={CASE: digest(b"other")}), "is not the one that was promoted"),
    ],
)
def test_each_missing_proof_keeps_it_open(proof: Proof, why: str) -> None:
    assert any(why in reason for reason in may_close(promoted(), proof, when(60)))
    with pytest.raises(PolicySaysNo, match=why):
        close(promoted(), proof, when(60))


STATUS = st.sampled_from(["pass", "fail", "inconclusive", "error", "skipped"])


@given(STATUS, STATUS, st.booleans(), st.booleans())
def test_only_one_combination_of_results_closes(before: str, after: str, learned: bool, note: bool) -> None:
    shown = replace(PROOF, before=(result(before),), after=(result(after),))
    proof = replace(shown, trained_on=(CASE,) if learned else (), note=digest(b"n") if note else "")
    good = (before, after, learned, note) == ("fail", "pass", False, True)
    assert (may_close(promoted(), proof, when(60)) == ()) == good


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"commander": ""}, "nobody has taken command"),
        ({"harm": None}, "nobody has said what harm"),
        ({"harm": Harm(type="death", severity="severe")}, "no report under AIA-73.5"),
        ({"tasks": (Task(what="tell the tenant", owner="olu"),)}, "1 of its tasks"),
        ({"status": "closed"}, "closed already"),
        ({"cases": ()}, "promote it first"),
        ({"cases": (RegressionCase(id=CASE),)}, "is not the one that was promoted"),
        ({"cases": (RegressionCase(id=CASE, terms=TERMS, fails_on="1@x"),)}, "promote it first"),
    ],
)
def test_what_people_owe_keeps_it_open_and_every_reason_is_told_at_once(change: dict[str, Any], why: str) -> None:
    one = changed(promoted(), **change)
    reasons = may_close(one, replace(PROOF, note="", threats=""), when(60))
    assert sum(why in reason for reason in reasons) == 1
    assert len(reasons) >= 3


def test_every_promoted_case_counts() -> None:
    both = promoted(CASE, "shift.code-hidden", CASE)
    assert both.case_ids == (CASE, "shift.code-hidden")
    assert any("shift.code-hidden" in reason for reason in may_close(both, PROOF, when(60)))


def test_a_case_that_only_bounds_the_price_need_not_fail_but_must_stand_as_promoted() -> None:
    price = RegressionCase(id="price", terms=TERMS, shows=False)
    one = promote(promoted(), [case(), price])
    assert may_close(one, replace(PROOF, terms={CASE: TERMS, "price": TERMS}), when(60)) == ()
    assert may_close(one, PROOF, when(60)) == ("price is not in the pack any more",)
    with pytest.raises(UsageError):
        promote(incident(), [price])


def test_an_incident_without_a_case_or_an_owner_is_refused() -> None:
    with pytest.raises(UsageError):
        promote(incident(), [])
    with pytest.raises(PolicySaysNo, match="it is closed"):
        promote(close(promoted(), PROOF, when(1)), [case("x")])
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
    assert len(timeline(entries, changed(incident(), orders=("ORD-2",), scope=other.order.scope))) == 2


def test_a_case_is_kept_as_it_was_promoted_first() -> None:
    looser = RegressionCase(id=CASE, terms=digest(b"looser"))
    assert promote(promoted(), [looser]).cases == (case(),)


@given(st.lists(st.sampled_from(list(Severity)), max_size=6))
def test_what_it_counts_as_is_the_worst_that_was_ever_said(said: list[Severity]) -> None:
    one = incident()
    for severity in said:
        one = update(one, severity=severity.value)
        assert one.severity == severity.value
        assert one.worst_severity in ("", one.gravest)
    assert one.gravest == worst((Severity.SEV3, *said)).value


def test_nobody_sets_by_hand_what_it_counts_as() -> None:
    for field in ("worst_severity", "former_harms"):
        with pytest.raises(UsageError, match="not set by hand"):
            update(incident(), **{field: ""})
