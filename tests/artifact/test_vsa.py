from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from in_toto_attestation.v1 import statement as in_toto
from in_toto_attestation.v1 import statement_pb2

from shipworthy.artifact.digests import digest
from shipworthy.artifact.statement import statement, statement_bytes
from shipworthy.artifact.vsa import read_vsa, vsa
from shipworthy.errors import CannotDecide

ARTEFACT, POLICY, EVIDENCE = digest(b"artefact"), digest(b"policy"), digest(b"evidence")
INPUT = ("shipworthy:evidence", EVIDENCE)
FIELD = "https://shipworthy.dev/vsa/first/v1"
EXPECTED = {
    "subject_digest": ARTEFACT,
    "verifier_id": "https://shipworthy.dev/gate",
    "resource_uri": "shipworthy:credit",
    "policy_digest": POLICY,
}


def made(passed: bool = True, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "subject_name": "credit",
        "subject_digest": ARTEFACT,
        "resource_uri": "shipworthy:credit",
        "verifier_id": "https://shipworthy.dev/gate",
        "verifier_version": "0.1.0",
        "policy_uri": "git+https://example.com/credit#safety-slos.yaml",
        "policy_digest": POLICY,
        "time_verified": "2026-01-02T03:04:05.000006Z",
        "passed": passed,
        "levels": ("SHIPWORTHY_GATE",),
        "inputs": (INPUT,),
        "extension": {FIELD: True},
    }
    return vsa(**{**given, **changes})


def test_the_consumer_gets_back_what_the_gate_said() -> None:
    summary = read_vsa(statement_bytes(made()), **EXPECTED, level="SHIPWORTHY_GATE")
    assert (summary.subject_digest, summary.levels, summary.inputs) == (ARTEFACT, ("SHIPWORTHY_GATE",), (INPUT,))
    assert summary.time_verified == "2026-01-02T03:04:05.000006Z"
    assert dict(summary.extension) == {FIELD: True}


@pytest.mark.parametrize(
    ("field", "other", "because"),
    [
        ("subject_digest", digest(b"x"), "another artefact"),
        ("verifier_id", "https://evil.example", "verifier"),
        ("resource_uri", "shipworthy:other", "expected"),
        ("policy_digest", digest(b"x"), "another policy"),
    ],
)
def test_a_verdict_about_anything_else_is_refused(field: str, other: str, because: str) -> None:
    payload = statement_bytes(made())
    with pytest.raises(CannotDecide, match=because):
        read_vsa(payload, **{**EXPECTED, field: other})


def test_a_failed_verdict_says_so_and_is_refused() -> None:
    failed = made(passed=False)
    assert failed["predicate"]["verifiedLevels"] == ["FAILED"]
    with pytest.raises(CannotDecide, match="not PASSED"):
        read_vsa(statement_bytes(failed), **EXPECTED)


def test_a_level_that_was_not_verified_is_refused() -> None:
    with pytest.raises(CannotDecide, match="was not verified"):
        read_vsa(statement_bytes(made()), **EXPECTED, level="SLSA_BUILD_LEVEL_3")


@pytest.mark.parametrize("key", ["predicateType", "subject", "predicate", "_type"])
def test_a_statement_without_one_of_its_parts_is_refused(key: str) -> None:
    told = made()
    del told[key]
    with pytest.raises(CannotDecide):
        read_vsa(statement_bytes(told), **EXPECTED)


def edited(**changes: Any) -> bytes:
    told = made()
    told["predicate"] = {key: value for key, value in {**told["predicate"], **changes}.items() if value is not ...}
    return statement_bytes(told)


@pytest.mark.parametrize(
    "changes",
    [
        {"verificationResult": ...},
        {"verificationResult": "passed"},
        {"verifiedLevels": []},
        {"verifiedLevels": ["SHIPWORTHY_GATE", "FAILED"]},
        {"verifiedLevels": "PASSED"},
        {"policy": {"uri": "x:y"}},
        {"timeVerified": "yesterday"},
        {"surprise": 1},
        {"inputAttestations": [{"uri": "x:y"}]},
    ],
)
def test_a_predicate_out_of_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CannotDecide):
        read_vsa(edited(**changes), **EXPECTED)


def test_the_writer_refuses_what_the_standard_does_not_allow() -> None:
    for changes in (
        {"extension": {"first": True}},
        {"subject_digest": "deadbeef"},
        {"time_verified": "2026-01-02 03:04"},
        {"levels": ()},
        {"resource_uri": "not a uri"},
        {"inputs": (("shipworthy:evidence", "x"),)},
        {"inputs": (("evidence", EVIDENCE),)},
    ):
        with pytest.raises(CannotDecide):
            made(**changes)
    with pytest.raises(CannotDecide):
        statement([], "x:y", {})


def test_the_statement_is_valid_for_the_in_toto_library() -> None:
    message = json_format.Parse(statement_bytes(made()), statement_pb2.Statement())
    in_toto.Statement.copy_from_pb(message).validate()
    assert message.subject[0].digest["sha256"] == ARTEFACT.removeprefix("sha256:")
    assert json.loads(json_format.MessageToJson(message))["predicate"]["verificationResult"] == "PASSED"
