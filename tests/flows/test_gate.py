"""The gate ships what is proven good on exactly this subject, and says why not otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from shipworthy.artifact.approval import approve
from shipworthy.contract.files.reader import read_manifest
from shipworthy.contract.loosening import loosening_digest, loosenings
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.facts import Approval, Decision, Digest, digest
from shipworthy.flows.evaluate import evaluate_case
from shipworthy.flows.evidence import EVIDENCE
from shipworthy.flows.gate import Judged
from shipworthy.flows.keys import new_keys
from shipworthy.flows.note import stamp_note
from shipworthy.flows.report import FORMATS, report
from shipworthy.gate.verdict import exit_code
from tests.flows.tiny import Tiny

RECORD = """---
status: {status}
date: 2027-01-05
kind: loosening
decision-makers: [ben, chidi]
covers: {covers}
approvals:
{approvals}---
# Accept a worse error rate

## Context and Problem Statement
The desk has room for more wrong answers this month.

## Decision Outcome
Accepted until March.
"""


def codes(judged: Judged) -> tuple[str, int]:
    """Return decision and exit code."""
    return judged.verdict.decision.value, exit_code(judged.verdict)


def evidence_file(tiny: Tiny) -> Path:
    """Return the evidence of the present artefact."""
    return tiny.workspace.evidence(tiny.judge().verdict.subject.artefact) / EVIDENCE


def loosen(tiny: Tiny) -> Digest:
    """Let a worse error rate through; return the digest that a decision must cover."""
    tiny.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    tiny.prepare()
    contract = tiny.workspace.contract()
    assert contract.lock is not None
    found = loosenings(contract.lock, contract)
    assert len(found) == 1
    assert "0.3" in found[0]
    return loosening_digest(found, digest(contract.lock.subject))


def decide(tiny: Tiny, covers: Digest, signers: list[tuple[str, str]], status: str = "accepted") -> None:
    """Write the decision record, signed by these people in these roles."""
    proofs = [
        Approval(person=who, role=role, what=covers, proof=approve(who, role, covers, tiny.workspace.person_key(who)))
        for who, role in signers
    ]
    lines = "".join(f"  - {msgspec.json.encode(proof).decode()}\n" for proof in proofs)
    path = tiny.root / "docs/decisions/0001-error-rate.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECORD.format(covers=covers, approvals=lines or "  []\n", status=status))


def test_proven_good_ships(prepared: Tiny) -> None:
    judged = prepared.judge()
    assert codes(judged) == ("ship", 0)
    assert judged.verdict.first
    assert judged.verdict.blocks == ()


def test_without_evidence_nothing_is_decided(prepared: Tiny) -> None:
    evidence_file(prepared).unlink()
    assert codes(prepared.judge()) == ("undecided", 4)


def test_evidence_of_another_artefact_is_not_used(prepared: Tiny) -> None:
    kept = evidence_file(prepared)
    prepared.weigh(slope=0.55)
    stamp_note(prepared.root)
    prepared.build()
    prepared.sign()
    assert codes(prepared.judge()) == ("undecided", 4)
    theirs = evidence_file(prepared)
    theirs.parent.mkdir(exist_ok=True)
    shutil.copy(kept, theirs)  # moved by hand to where ours would be
    judged = prepared.judge()
    assert codes(judged) == ("undecided", 4)
    assert "made for another artefact" in {block.because for block in judged.verdict.blocks}


def test_altered_evidence_is_refused(prepared: Tiny) -> None:
    path = evidence_file(prepared)
    raw = path.read_bytes()
    evidence = prepared.judge().evidence
    assert evidence is not None
    hits = next(one.hits or 0 for one in evidence.measurements if one.indicator == "error_rate")
    path.write_bytes(raw.replace(b'"hits":%d,' % hits, b'"hits":1,', 1))
    assert path.read_bytes() != raw
    assert codes(prepared.judge()) == ("undecided", 4)


@pytest.mark.parametrize("raw", [b"", b"{}", b"not json", b'{"subject":1}'])
def test_evidence_that_cannot_be_read_is_no_evidence(prepared: Tiny, raw: bytes) -> None:
    evidence_file(prepared).write_bytes(raw)
    with pytest.raises(CannotDecide):
        prepared.judge()


def test_the_same_model_gives_the_same_evidence(prepared: Tiny) -> None:
    path = evidence_file(prepared)
    before = path.read_bytes()
    prepared.clock.advance(86_400)
    prepared.evaluate()
    assert path.read_bytes() == before


def test_a_breached_target_is_a_no(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "<= 0.30", "<= 0.05")
    prepared.prepare()
    assert codes(prepared.judge()) == ("blocked", 1)


def test_a_target_inside_the_bounds_is_not_decided(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "<= 0.30", "<= 0.13")
    prepared.prepare()
    assert codes(prepared.judge()) == ("undecided", 4)


def test_a_bad_model_is_a_no(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    assert codes(prepared.judge()) == ("blocked", 1)


def test_a_stale_note_decides_nothing(prepared: Tiny) -> None:
    prepared.edit("model.py", "30.0, sum_", "31.0, sum_")
    judged = prepared.judge()
    assert codes(judged) == ("undecided", 4)
    assert any(block.name == "contract" and "note" in block.because for block in judged.verdict.blocks)


@pytest.mark.parametrize("file", ["model.sig", "weights.json"])
def test_an_unsigned_or_altered_artefact_decides_nothing(prepared: Tiny, file: str) -> None:
    path = prepared.root / "model" / file
    if file == "model.sig":
        path.unlink()
    else:
        path.write_text(path.read_text() + " ")
    assert codes(prepared.judge()) == ("undecided", 4)


def test_an_invalid_contract_is_not_judged(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "name: error_rate", "name: eror_rate")
    with pytest.raises(ContractError):
        prepared.judge()


def test_an_unsafe_file_beside_the_model_is_a_no(prepared: Tiny) -> None:
    prepared.edit("build.py", 'print("wrote", out)', '(out / "notes.pkl").write_bytes(b"cos\\nsystem\\n.")')
    prepared.prepare()
    judged = prepared.judge()
    assert codes(judged) == ("blocked", 1)
    breached = {one.slo for one in judged.verdict.judgements if one.outcome.value == "breached"}
    assert breached == {"artefact_findings"}


def test_a_loosened_target_is_a_no_until_two_people_of_the_last_contract_sign_it(shipped: Tiny) -> None:
    covers = loosen(shipped)
    judged = shipped.judge()
    assert codes(judged) == ("blocked", 1)
    assert [block.name for block in judged.verdict.blocks] == ["loosened"]
    decide(shipped, covers, [("ben", "reviewer"), ("chidi", "ml")])
    judged = shipped.judge()
    assert codes(judged) == ("ship", 0)
    assert judged.verdict.policy_changes[0].endswith("(allowed by 0001-error-rate)")


@pytest.mark.parametrize(
    "signers",
    [
        [],
        [("ben", "reviewer")],
        [("ben", "reviewer"), ("dana", "reviewer")],
        [("ben", "reviewer"), ("ben", "ml")],
        [("ben", "reviewer"), ("ana", "ml")],
        [("chidi", "ml"), ("chidi", "reviewer")],
    ],
    ids=["nobody", "one", "two-reviewers", "one-in-both-roles", "without-the-role", "ml-twice"],
)
def test_fewer_than_the_two_roles_allow_nothing(shipped: Tiny, signers: list[tuple[str, str]]) -> None:
    decide(shipped, loosen(shipped), signers)
    assert codes(shipped.judge()) == ("blocked", 1)


def test_a_proposed_decision_allows_nothing(shipped: Tiny) -> None:
    decide(shipped, loosen(shipped), [("ben", "reviewer"), ("chidi", "ml")], status="proposed")
    assert codes(shipped.judge()) == ("blocked", 1)


def test_a_decision_covers_exactly_its_rows(shipped: Tiny) -> None:
    covers = loosen(shipped)
    decide(shipped, covers, [("ben", "reviewer"), ("chidi", "ml")])
    shipped.edit("safety-slos.yaml", "<= 0.35", "<= 0.40")
    shipped.prepare()
    assert codes(shipped.judge()) == ("blocked", 1)


def test_a_signature_copied_to_another_digest_allows_nothing(shipped: Tiny) -> None:
    covers = loosen(shipped)
    other = digest(b"another change")
    decide(shipped, other, [("ben", "reviewer"), ("chidi", "ml")])
    path = shipped.root / "docs/decisions/0001-error-rate.md"
    path.write_text(path.read_text().replace(other, covers))
    assert codes(shipped.judge()) == ("blocked", 1)


def test_people_that_the_new_contract_brings_do_not_count(shipped: Tiny) -> None:
    """Somebody else becomes ben in the new contract: that takes the signature of the ben of the old one."""
    for path in (shipped.workspace.keys / "people/ben").iterdir():
        path.unlink()
    (shipped.root / "keys/ben.pub").unlink()
    new_keys(shipped.workspace, read_manifest(shipped.root))
    covers = loosen_more(shipped)
    decide(shipped, covers, [("ben", "reviewer"), ("chidi", "ml")])
    assert codes(shipped.judge()) == ("blocked", 1)


def loosen_more(tiny: Tiny) -> Digest:
    """Let a worse error rate through beside the new key of ben; return the digest of both rows."""
    tiny.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    tiny.prepare()
    contract = tiny.workspace.contract()
    assert contract.lock is not None
    found = loosenings(contract.lock, contract)
    assert len(found) == 2
    assert any("ben" in row for row in found)
    return loosening_digest(found, digest(contract.lock.subject))


def test_a_tightened_target_needs_no_decision(shipped: Tiny) -> None:
    shipped.edit("safety-slos.yaml", "<= 0.30", "<= 0.25")
    shipped.prepare()
    assert codes(shipped.judge()) == ("ship", 0)
    assert shipped.judge().verdict.policy_changes == ()


def test_a_worse_model_is_not_shipped_over_a_better_one(shipped: Tiny) -> None:
    shipped.release("2", slope=0.15, per_year=0.08)  # inside the absolute target, beyond the allowed regression
    judged = shipped.judge()
    assert judged.verdict.decision is not Decision.SHIP
    against = [one for one in judged.verdict.judgements if "vs baseline" in one.slo and one.outcome.value != "met"]
    assert against
    assert not judged.verdict.first


def test_a_lock_edited_by_hand_decides_nothing(shipped: Tiny) -> None:
    path = shipped.root / "shipworthy.lock"
    text = path.read_text()
    path.write_text(text.replace('"kill_fallback": "human_review"', '"kill_fallback": "nobody"'))
    assert path.read_text() != text
    judged = shipped.judge()
    assert judged.verdict.decision is not Decision.SHIP
    assert any(block.name == "lock" for block in judged.verdict.blocks)


def test_a_lock_that_is_gone_does_not_make_a_first_release(shipped: Tiny) -> None:
    (shipped.root / "shipworthy.lock").unlink()
    judged = shipped.judge()
    assert codes(judged) == ("undecided", 4)
    assert any(block.name == "lock" for block in judged.verdict.blocks)


@pytest.mark.parametrize("format_", sorted(FORMATS))
def test_every_report_carries_the_decision(prepared: Tiny, format_: str) -> None:
    judged = prepared.judge()
    told = report(judged, format_)
    assert "ship" in told.lower()
    assert "error_rate" in told or format_ in ("github", "sarif")  # these two tell of what is not green
    evidence_file(prepared).unlink()
    assert "none for this artefact" in report(prepared.judge(), format_)


def test_one_case_can_be_asked_alone(prepared: Tiny) -> None:
    told = evaluate_case(prepared.root, "tail.fast")
    assert told.status == "pass"
    assert told.n > 50


def test_what_a_case_is_judged_on_is_not_swapped_unseen(shipped: Tiny) -> None:
    rows = (shipped.root / "data/rows.csv").read_text().splitlines()
    test = [at for at, row in enumerate(rows) if row.startswith("test,")]
    del rows[test[0]]
    text = "\n".join(rows) + "\n"
    before = digest((shipped.root / "data/rows.csv").read_bytes())
    (shipped.root / "data/rows.csv").write_text(text)
    shipped.edit("shipworthy.yaml", before, digest(text.encode()))
    shipped.release("2")
    blocks = [one.because for one in shipped.judge().verdict.blocks if one.name == "loosened"]
    assert blocks == ["dataset test: judged on other rows"]


def test_more_rows_to_learn_from_are_no_loosening(shipped: Tiny) -> None:
    path = shipped.root / "data/rows.csv"
    before = digest(path.read_bytes())
    more = [row for row in path.read_text().splitlines() if row.startswith("train,")][:5]
    path.write_text(path.read_text() + "\n".join(more) + "\n")
    shipped.edit("shipworthy.yaml", before, digest(path.read_bytes()))
    shipped.release("2")
    assert shipped.judge().verdict.decision is Decision.SHIP


def test_evidence_that_does_not_say_which_rows_it_was_judged_on_decides_nothing(prepared: Tiny) -> None:
    path = evidence_file(prepared)
    told = msgspec.json.decode(path.read_bytes())
    assert set(told["rows"]) == {"test"}
    path.write_bytes(msgspec.json.encode({**told, "rows": {}}))
    assert codes(prepared.judge()) == ("undecided", 4)
