"""Serving admits exactly what the gate passed: a missing, failed, forged, expired, other or untrusted verdict is none.

The lock carries the verdict for our own gateway, the bundle for everybody else's servers; each kind of wrong is tried
on both.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact import dsse
from shipworthy.artifact.bundle import Admitted
from shipworthy.artifact.files.keys import PUBLIC_OF, VERDICT
from shipworthy.artifact.keys import load_public, public_pem
from shipworthy.artifact.provenance import PROVENANCE
from shipworthy.artifact.statement import read_statement
from shipworthy.artifact.strict import encode64
from shipworthy.artifact.svr import SVR
from shipworthy.artifact.test_result import TEST_RESULT
from shipworthy.artifact.vsa import VSA_PREDICATE
from shipworthy.contract.lock import FILE, read_lock, render_lock
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Decision, digest
from shipworthy.flows.attest import BUNDLE, attest
from shipworthy.flows.bar import fixed_bar
from shipworthy.flows.ship import ship
from shipworthy.flows.verify_bundle import verify_bundle
from shipworthy.runtime.releases import load, load_to_serve
from tests.flows.tiny import MODEL, Tiny


def bundle_of(tiny: Tiny) -> Path:
    """Return the path of the bundle of what lies in the repository."""
    return tiny.workspace.evidence(tiny.judge().verdict.subject.artefact) / BUNDLE


def key_of(tiny: Tiny) -> Path:
    return tiny.workspace.keys / PUBLIC_OF[VERDICT]


def admitted(tiny: Tiny, folder: Path | None = None, **asked: Any) -> Admitted:
    """Admit the repository's artefact, or another folder, by the bundle."""
    return verify_bundle(folder or tiny.root / "model", bundle_of(tiny), key_of(tiny), tiny.clock, **asked)


def stranger(tiny: Tiny) -> Ed25519PrivateKey:
    """Return a key that nobody trusts, its public half beside the bundle."""
    key = Ed25519PrivateKey.generate()
    (tiny.at / "stranger.pem").write_bytes(public_pem(key.public_key()))
    return key


def relock(tiny: Tiny, verdict: str) -> Path:
    """Put another verdict into the lock of the kept release; return its folder."""
    folder = tiny.workspace.releases / "1"
    lock, problems = read_lock((folder / FILE).read_bytes())
    assert lock is not None, problems
    (folder / FILE).write_text(render_lock(msgspec.structs.replace(lock, verdict=verdict)))
    return folder


def verdict_of(tiny: Tiny) -> str:
    lock = tiny.workspace.contract().lock
    assert lock is not None
    return lock.verdict


def forged(tiny: Tiny) -> str:
    envelope = json.loads(verdict_of(tiny))
    raw = base64.b64decode(envelope["payload"]).replace(b"2027", b"2028")
    assert encode64(raw) != envelope["payload"]
    return json.dumps({**envelope, "payload": encode64(raw)})


def failed(tiny: Tiny) -> str:
    judged = tiny.judge()
    no = msgspec.structs.replace(judged.verdict, decision=Decision.BLOCKED)
    return attest(tiny.workspace, msgspec.structs.replace(judged, verdict=no), None).summary


def untrusted(tiny: Tiny) -> str:
    payload = base64.b64decode(json.loads(verdict_of(tiny))["payload"])
    return dsse.sign(dsse.IN_TOTO, payload, stranger(tiny)).decode()


def of_other(tiny: Tiny) -> str:
    """A true verdict of the same gate, about another version."""
    other = tiny.copy(tiny.at.parent / "other")
    other.release("2", slope=0.51)
    other.ship()
    return verdict_of(other)


@pytest.mark.parametrize(
    ("make", "because"),
    [
        (failed, "not PASSED"),
        (forged, "none of the expected keys"),
        (untrusted, "none of the expected keys"),
        (of_other, "another artefact"),
        (lambda tiny: "", "not a JSON document"),
        (lambda tiny: "{}", "missing"),
    ],
    ids=["failed", "forged", "untrusted", "other", "empty", "no-envelope"],
)
def test_a_release_with_such_a_verdict_in_its_lock_is_not_served(
    shipped: Tiny, make: Callable[[Tiny], str], because: str
) -> None:
    load(shipped.workspace.releases / "1")
    folder = relock(shipped, make(shipped))
    with pytest.raises(CannotDecide, match=because):
        load(folder)


def test_a_release_without_a_lock_is_not_served(shipped: Tiny) -> None:
    folder = shipped.workspace.releases / "1"
    (folder / FILE).unlink()
    with pytest.raises(CannotDecide, match="has not passed"):
        load(folder)


def test_an_expired_verdict_does_not_begin_to_serve(prepared: Tiny) -> None:
    prepared.edit("shipworthy.yaml", "\nkill_fallback:", "\nretention: {verdict: 7d}\nkill_fallback:")
    prepared.prepare()
    prepared.ship()
    folder, now = prepared.workspace.releases / "1", prepared.clock()
    load_to_serve(folder, now + timedelta(days=7))
    with pytest.raises(CannotDecide, match="has expired"):
        load_to_serve(folder, now + timedelta(days=7, seconds=1))
    with pytest.raises(CannotDecide, match="future"):
        load_to_serve(folder, now - timedelta(hours=1))
    load(folder)  # what people do about it (abort, kill, look) needs no fresh verdict


def test_a_verdict_without_a_declared_age_does_not_expire(shipped: Tiny) -> None:
    load_to_serve(shipped.workspace.releases / "1", shipped.clock() + timedelta(days=4000))


def test_the_bundle_of_a_ship_holds_every_statement_and_is_admitted(shipped: Tiny) -> None:
    lines = bundle_of(shipped).read_bytes().splitlines()
    public = load_public(key_of(shipped).read_bytes())
    told = [read_statement(dsse.verify(line, [public])) for line in lines]
    assert [one.predicate_type for one in told] == [TEST_RESULT, SVR, PROVENANCE, VSA_PREDICATE]
    subject = shipped.judge().verdict.subject
    assert {one.subjects for one in told} == {((MODEL, subject.artefact),)}
    seen = admitted(shipped, policy=subject.policy, max_age="1h")
    assert seen.summary.resource_uri == f"shipworthy:model/{MODEL}/1"
    assert seen.results.result == "PASSED"
    assert {"error_rate", "case:tail.fast"} <= set(seen.results.passed)
    assert {"SHIPWORTHY_GATE_PASSED", "SHIPWORTHY_SLO_GREEN", "SHIPWORTHY_NOTE_PRESENT"} <= set(seen.properties)
    assert "SHIPWORTHY_SAME_BITS" not in seen.properties, "nobody rebuilt it"


def test_the_summary_names_every_input_by_its_digest(shipped: Tiny) -> None:
    inputs = dict(admitted(shipped).summary.inputs)
    evidence = shipped.judge().evidence
    assert evidence is not None
    assert inputs["shipworthy:evidence"] == digest(evidence)
    assert inputs["shipworthy:file/model.sig"] == digest((shipped.root / "model/model.sig").read_bytes())
    assert {TEST_RESULT, SVR, PROVENANCE} <= set(inputs)
    assert "shipworthy:file/shipworthy.lock" not in inputs, "the first release is judged against no lock"


def test_the_next_summary_names_the_lock_it_was_judged_against(shipped: Tiny) -> None:
    lock = digest((shipped.root / FILE).read_bytes())
    shipped.release("2", slope=0.51)
    shipped.ship()
    assert dict(admitted(shipped).summary.inputs)["shipworthy:file/shipworthy.lock"] == lock


def test_the_folder_may_lie_anywhere_and_needs_no_contract(shipped: Tiny, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    (shipped.root / "model").rename(moved)
    bundle = next((shipped.root / ".shipworthy/evidence").rglob(BUNDLE)).read_bytes()
    (tmp_path / "given.jsonl").write_bytes(bundle)
    key = key_of(shipped).read_bytes()
    (tmp_path / "gate.pem").write_bytes(key)
    assert verify_bundle(moved, tmp_path / "given.jsonl", tmp_path / "gate.pem", shipped.clock).summary.levels


@pytest.mark.parametrize(
    "meddle",
    [
        lambda folder: (folder / "weights.json").write_text("{}"),
        lambda folder: (folder / "more.json").write_text("{}"),
        lambda folder: (folder / "release.json").unlink(),
    ],
    ids=["changed", "added", "removed"],
)
def test_a_folder_with_another_digest_is_refused(
    shipped: Tiny, tmp_path: Path, meddle: Callable[[Path], object]
) -> None:
    copy = shipped.copy(tmp_path / "copy").root / "model"
    admitted(shipped, copy)
    meddle(copy)
    with pytest.raises(CannotDecide, match="another artefact"):
        admitted(shipped, copy)


def test_a_missing_empty_forged_or_untrusted_bundle_is_refused(shipped: Tiny) -> None:
    bundle = bundle_of(shipped)
    raw = bundle.read_bytes()
    stranger(shipped)
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        verify_bundle(shipped.root / "model", bundle, shipped.at / "stranger.pem", shipped.clock)
    for text, because in ((b"", "empty"), (raw.splitlines()[-1], "it has no"), (raw[:-40], "not a JSON document")):
        bundle.write_bytes(text)
        with pytest.raises(CannotDecide, match=because):
            admitted(shipped)
    bundle.unlink()
    with pytest.raises(CannotDecide, match="no verdict can be read"):
        admitted(shipped)


def test_an_expired_bundle_is_refused_where_age_is_asked(shipped: Tiny) -> None:
    shipped.clock.advance(31 * 86400)
    admitted(shipped)
    admitted(shipped, max_age="31d")
    with pytest.raises(CannotDecide, match="has expired"):
        admitted(shipped, max_age="30d")


def test_a_bundle_under_another_policy_is_refused_where_one_is_asked(shipped: Tiny) -> None:
    with pytest.raises(CannotDecide, match="another policy"):
        admitted(shipped, policy=digest("another"))


@pytest.mark.parametrize(
    "asked", [{"max_age": "soon"}, {"max_age": "rolling"}, {"policy": "sha256:12"}, {"policy": ""}]
)
def test_what_cannot_be_asked_is_a_usage_error(shipped: Tiny, asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        admitted(shipped, **asked)


def test_a_failed_verdict_is_written_signed_and_refused(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    judged = ship(prepared.workspace)
    assert judged.verdict.decision is Decision.BLOCKED
    with pytest.raises(CannotDecide, match="not PASSED"):
        admitted(prepared)
    public = load_public(key_of(prepared).read_bytes())
    told = [read_statement(dsse.verify(line, [public])) for line in bundle_of(prepared).read_bytes().splitlines()]
    by = {one.predicate_type: one.predicate for one in told}
    assert by[VSA_PREDICATE]["verificationResult"] == "FAILED"
    assert by[TEST_RESULT]["result"] == "FAILED"
    assert "SHIPWORTHY_GATE_PASSED" not in json.dumps(by[SVR])


def test_the_bar_was_fixed_before_the_run(shipped: Tiny) -> None:
    evidence, lock = shipped.judge().evidence, shipped.workspace.contract().lock
    assert evidence is not None
    assert lock is not None
    key, bundle = load_public(key_of(shipped).read_bytes()), bundle_of(shipped).read_bytes()
    bar = fixed_bar(bundle, key, evidence, lock, shipped.clock())
    assert bar.policy == evidence.subject.policy == lock.subject.policy
    assert bar.evidence == digest(evidence)
    other = msgspec.structs.replace(evidence, tool_version="9")
    with pytest.raises(CannotDecide, match="other evidence"):
        fixed_bar(bundle, key, other, lock, shipped.clock())
    moved = msgspec.structs.replace(evidence, subject=msgspec.structs.replace(evidence.subject, policy=digest("lower")))
    with pytest.raises(CannotDecide, match="another policy"):
        fixed_bar(bundle, key, moved, lock, shipped.clock())
    eased = msgspec.structs.replace(lock, policy=msgspec.structs.replace(lock.policy, never_events=()))
    with pytest.raises(CannotDecide, match="another policy"):
        fixed_bar(bundle, key, evidence, eased, shipped.clock())
    with pytest.raises(CannotDecide, match="not the one that was signed"):
        fixed_bar(bundle, key, evidence, msgspec.structs.replace(lock, stakes="low"), shipped.clock())
