"""A bundle is admitted whole or not at all: missing, failed, forged, expired, exchanged, by another key: refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from shipworthy.artifact import dsse
from shipworthy.artifact.bundle import GATE_PASSED, NEEDED, Wanted, admit, check_age, join_bundle
from shipworthy.artifact.digests import digest
from shipworthy.artifact.keys import public_pem
from shipworthy.artifact.provenance import PROVENANCE, provenance
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.svr import SVR, svr
from shipworthy.artifact.test_result import TEST_RESULT, results
from shipworthy.artifact.vsa import VSA_PREDICATE, vsa
from shipworthy.errors import CannotDecide
from tests.artifact.test_attestations import ARTEFACT, AT, GATE, MAKING, OTHER, POLICY

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
LEVEL = "SHIPWORTHY_GATE_PASSED"
RESOURCE = "shipworthy:model/credit/1"
WANTED = Wanted(subject=ARTEFACT, verifier=GATE, level=LEVEL, at=NOW)


def payloads(
    subject: str = ARTEFACT, policy: str = POLICY, passed: bool = True, failed: tuple[str, ...] = (), **changes: Any
) -> dict[str, bytes]:
    """Return the payload of each predicate of one whole verdict; `changes` go to the summary."""
    held = (GATE_PASSED, "SHIPWORTHY_SLO_GREEN") if passed else ("SHIPWORTHY_SIGNED",)
    beside = {
        TEST_RESULT: statement_bytes(
            results("credit", subject, {"policy": policy, "data": OTHER}, ("auroc",), (), failed)
        ),
        SVR: statement_bytes(svr("credit", subject, GATE, "shipworthy:policy", policy, AT, held)),
        PROVENANCE: statement_bytes(provenance([("credit", subject)], MAKING)),
    }
    given: dict[str, Any] = {
        "subject_name": "credit",
        "subject_digest": subject,
        "resource_uri": RESOURCE,
        "verifier_id": GATE,
        "verifier_version": "0.1.0",
        "policy_uri": "shipworthy:policy",
        "policy_digest": policy,
        "time_verified": AT,
        "passed": passed,
        "levels": (LEVEL,),
        "inputs": [(name, digest(payload)) for name, payload in beside.items()],
        "extension": {},
    }
    return {VSA_PREDICATE: statement_bytes(vsa(**{**given, **changes})), **beside}


def signed(told: dict[str, bytes], key: Ed25519PrivateKey = KEY) -> bytes:
    """Return the bundle of these payloads."""
    return join_bundle(dsse.sign(dsse.IN_TOTO, payload, key) for payload in told.values())


def without(*predicates: str) -> dict[str, bytes]:
    return {name: payload for name, payload in payloads().items() if name not in predicates}


def test_a_whole_bundle_is_admitted() -> None:
    told = admit(signed(payloads()), KEY.public_key(), WANTED)
    assert told.summary.policy_digest == POLICY
    assert told.summary.resource_uri == RESOURCE
    assert told.results.passed == ("auroc",)
    assert GATE_PASSED in told.properties
    assert told.provenance is not None
    assert told.provenance.making == MAKING


def test_the_order_of_the_lines_does_not_matter() -> None:
    lines = signed(payloads()).splitlines()
    assert admit(join_bundle(reversed(lines)), KEY.public_key(), WANTED) == admit(
        join_bundle(lines), KEY.public_key(), WANTED
    )


def test_each_line_is_an_envelope_that_another_library_verifies() -> None:
    pem = public_pem(KEY.public_key()).decode()
    for line in signed(payloads()).splitlines():
        envelope = Envelope.from_dict(json.loads(line))
        keyid = next(iter(envelope.signatures))
        key = SSlibKey(keyid, "ed25519", "ed25519", {"public": KEY.public_key().public_bytes_raw().hex()})
        assert envelope.verify([key], 1)
        assert pem.startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize("predicate", NEEDED)
def test_a_missing_predicate_is_refused(predicate: str) -> None:
    with pytest.raises(CannotDecide, match="it has no"):
        admit(signed(without(predicate)), KEY.public_key(), WANTED)


def test_provenance_that_the_verdict_rests_on_cannot_be_taken_out() -> None:
    with pytest.raises(CannotDecide, match="taken out"):
        admit(signed(without(PROVENANCE)), KEY.public_key(), WANTED)


def test_provenance_can_be_asked_for() -> None:
    told = without(PROVENANCE)
    beside = [(name, digest(payload)) for name, payload in told.items() if name != VSA_PREDICATE]
    told[VSA_PREDICATE] = payloads(inputs=beside)[VSA_PREDICATE]
    assert admit(signed(told), KEY.public_key(), WANTED).provenance is None
    with pytest.raises(CannotDecide, match=f"it has no {PROVENANCE}"):
        admit(signed(told), KEY.public_key(), msgspec.structs.replace(WANTED, needs=(*NEEDED, PROVENANCE)))


def test_an_empty_bundle_is_refused() -> None:
    with pytest.raises(CannotDecide, match="it has no"):
        admit(b"", KEY.public_key(), WANTED)


def test_a_failed_verdict_is_refused() -> None:
    with pytest.raises(CannotDecide, match="not PASSED"):
        admit(signed(payloads(passed=False, failed=("gap",))), KEY.public_key(), WANTED)


def test_failed_tests_under_a_summary_that_passed_are_refused() -> None:
    with pytest.raises(CannotDecide, match="tests failed: gap"):
        admit(signed(payloads(failed=("gap",))), KEY.public_key(), WANTED)


def test_a_verdict_by_an_untrusted_key_is_refused() -> None:
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        admit(signed(payloads(), STRANGER), KEY.public_key(), WANTED)


@pytest.mark.parametrize("place", range(4))
def test_one_line_by_an_untrusted_key_spoils_the_whole(place: int) -> None:
    lines = signed(payloads()).splitlines()
    lines[place] = signed(payloads(), STRANGER).splitlines()[place]
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        admit(join_bundle(lines), KEY.public_key(), WANTED)


@pytest.mark.parametrize("place", range(4))
def test_a_forged_payload_is_refused(place: int) -> None:
    lines = [json.loads(line) for line in signed(payloads()).splitlines()]
    raw = base64.b64decode(lines[place]["payload"]).replace(b"credit", b"cradit")
    lines[place]["payload"] = base64.b64encode(raw).decode()
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        admit(join_bundle(json.dumps(one).encode() for one in lines), KEY.public_key(), WANTED)


def test_a_verdict_for_another_digest_is_refused() -> None:
    with pytest.raises(CannotDecide, match="another artefact"):
        admit(signed(payloads()), KEY.public_key(), msgspec.structs.replace(WANTED, subject=OTHER))


@pytest.mark.parametrize(
    ("field", "value", "because"),
    [
        ("verifier", "https://evil.example", "the verifier is"),
        ("resource", "shipworthy:model/credit/2", "is expected"),
        ("level", "SLSA_BUILD_LEVEL_3", "was not verified"),
        ("policy", OTHER, "another policy"),
    ],
)
def test_a_verdict_about_anything_else_than_what_is_wanted_is_refused(field: str, value: str, because: str) -> None:
    with pytest.raises(CannotDecide, match=because):
        admit(signed(payloads()), KEY.public_key(), msgspec.structs.replace(WANTED, **{field: value}))


def test_an_expired_verdict_is_refused_where_age_is_asked() -> None:
    bundle = signed(payloads())
    admit(bundle, KEY.public_key(), msgspec.structs.replace(WANTED, max_age=timedelta(days=8)))
    with pytest.raises(CannotDecide, match="has expired"):
        admit(bundle, KEY.public_key(), msgspec.structs.replace(WANTED, max_age=timedelta(days=7)))


def test_a_verdict_of_the_future_is_refused() -> None:
    check_age("2026-01-10T00:04:00Z", NOW, None)
    with pytest.raises(CannotDecide, match="future"):
        check_age("2026-01-10T00:06:00Z", NOW, None)
    with pytest.raises(CannotDecide, match="future"):
        admit(signed(payloads(time_verified="2027-01-01T00:00:00Z")), KEY.public_key(), WANTED)


@pytest.mark.parametrize("predicate", [TEST_RESULT, SVR, PROVENANCE])
def test_a_statement_of_another_verdict_cannot_be_mixed_in(predicate: str) -> None:
    """Signed by the same key about the same artefact, and yet not of this verdict."""
    other = {
        TEST_RESULT: statement_bytes(results("credit", ARTEFACT, {"policy": POLICY}, ("auroc", "gap"), (), ())),
        SVR: statement_bytes(svr("credit", ARTEFACT, GATE, "shipworthy:policy", POLICY, AT, (GATE_PASSED,))),
        PROVENANCE: statement_bytes(
            provenance([("credit", ARTEFACT)], msgspec.structs.replace(MAKING, network="open"))
        ),
    }[predicate]
    with pytest.raises(CannotDecide, match="of another verdict"):
        admit(signed({**payloads(), predicate: other}), KEY.public_key(), WANTED)


def test_a_repeated_predicate_is_refused() -> None:
    bundle = signed(payloads())
    with pytest.raises(CannotDecide, match="two statements"):
        admit(bundle + bundle.splitlines(keepends=True)[0], KEY.public_key(), WANTED)


def _policies(policy: str) -> dict[str, bytes]:
    """A verdict under POLICY over a test result under another one."""
    told = payloads()
    told[TEST_RESULT] = payloads(policy=policy)[TEST_RESULT]
    beside = [(name, digest(payload)) for name, payload in told.items() if name != VSA_PREDICATE]
    return {**told, VSA_PREDICATE: payloads(inputs=beside)[VSA_PREDICATE]}


def _properties(policy: str, held: tuple[str, ...]) -> dict[str, bytes]:
    told = payloads()
    told[SVR] = statement_bytes(svr("credit", ARTEFACT, GATE, "shipworthy:policy", policy, AT, held))
    beside = [(name, digest(payload)) for name, payload in told.items() if name != VSA_PREDICATE]
    return {**told, VSA_PREDICATE: payloads(inputs=beside)[VSA_PREDICATE]}


def _provenance() -> dict[str, bytes]:
    told = payloads()
    told[PROVENANCE] = statement_bytes(provenance([("credit", OTHER)], MAKING))
    beside = [(name, digest(payload)) for name, payload in told.items() if name != VSA_PREDICATE]
    return {**told, VSA_PREDICATE: payloads(inputs=beside)[VSA_PREDICATE]}


@pytest.mark.parametrize(
    ("told", "because"),
    [
        (lambda: _policies(OTHER), "tests were judged under another policy"),
        (lambda: _properties(OTHER, (GATE_PASSED,)), "properties were verified under another policy"),
        (lambda: _properties(POLICY, ("SHIPWORTHY_SIGNED",)), "it does not say"),
        (_provenance, "provenance is about another artefact"),
    ],
)
def test_statements_of_one_verdict_that_disagree_are_refused(
    told: Callable[[], dict[str, bytes]], because: str
) -> None:
    with pytest.raises(CannotDecide, match=because):
        admit(signed(told()), KEY.public_key(), WANTED)


@pytest.mark.parametrize("extra", [b"{}\n", b"\n", b"not json\n", b"[1]\n", b"\xff\n"])
def test_a_line_that_is_no_envelope_is_refused(extra: bytes) -> None:
    with pytest.raises(CannotDecide):
        admit(signed(payloads()) + extra, KEY.public_key(), WANTED)


def test_a_statement_of_an_unknown_kind_is_refused() -> None:
    told = json.loads(payloads()[TEST_RESULT])
    extra = dsse.sign(dsse.IN_TOTO, statement_bytes({**told, "predicateType": "https://example.com/x"}), KEY)
    with pytest.raises(CannotDecide, match="unknown kind"):
        admit(signed(payloads()) + extra, KEY.public_key(), WANTED)
