"""Test results, properties, provenance: as their standards write them, read strictly, never at odds with themselves."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from in_toto_attestation.v1 import statement as in_toto
from in_toto_attestation.v1 import statement_pb2

from shipworthy.artifact.digests import digest
from shipworthy.artifact.provenance import BUILD, Making, changed_materials, provenance, read_provenance
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.svr import read_svr, svr
from shipworthy.artifact.test_result import read_test_result, result_of
from shipworthy.artifact.test_result import results as results_
from shipworthy.errors import CannotDecide

ARTEFACT, OTHER, POLICY = digest(b"artefact"), digest(b"other"), digest(b"policy")
GATE = "https://shipworthy.dev/gate"
AT = "2026-01-02T03:04:05.000006Z"
MAKING = Making(
    build_type=BUILD,
    command=("python", "train.py"),
    seed=0,
    environment={"PYTHONHASHSEED": "0"},
    network="none",
    clean=True,
    platform="linux-x86_64-cpython-3.11.9",
    materials={"train.py": digest(b"code"), "data/rows.csv": digest(b"rows")},
    distributions={"numpy": "2.1.0", "scikit_learn": "1.7.2+local"},
    version="0.1.0",
    started=AT,
    finished="2026-01-02T03:05:05Z",
)


def results(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "subject_name": "credit",
        "subject_digest": ARTEFACT,
        "configuration": {"policy": POLICY},
        "passed": ("auroc",),
        "warned": (),
        "failed": (),
    }
    return results_(**{**given, **changes})


def properties(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "subject_name": "credit",
        "subject_digest": ARTEFACT,
        "verifier_id": GATE,
        "policy_uri": "shipworthy:policy/safety-slos.yaml",
        "policy_digest": POLICY,
        "time_created": AT,
        "properties": ("SHIPWORTHY_SLO_GREEN",),
    }
    return svr(**{**given, **changes})


def made(**changes: Any) -> dict[str, Any]:
    return provenance([("credit", ARTEFACT)], msgspec.structs.replace(MAKING, **changes))


def edited(told: dict[str, Any], path: str, value: object) -> bytes:
    """Return the statement with the field at the dotted path replaced, or removed when the value is `...`."""
    whole = json.loads(statement_bytes(told))
    *folders, last = path.split(".")
    at = whole
    for name in folders:
        at = at[int(name)] if isinstance(at, list) else at[name]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return statement_bytes(whole)


@pytest.mark.parametrize("told", [results(), properties(), made()], ids=["test-result", "svr", "provenance"])
def test_every_statement_is_valid_for_the_in_toto_library(told: dict[str, Any]) -> None:
    message = json_format.Parse(statement_bytes(told), statement_pb2.Statement())
    in_toto.Statement.copy_from_pb(message).validate()
    assert message.subject[0].digest["sha256"] == ARTEFACT.removeprefix("sha256:")


def test_a_test_result_has_the_fields_of_its_standard() -> None:
    predicate = results(warned=("on trial",), failed=("gap",))["predicate"]
    assert set(predicate) == {"result", "configuration", "passedTests", "warnedTests", "failedTests"}
    assert predicate["result"] == "FAILED"
    assert predicate["configuration"] == [{"name": "policy", "digest": {"sha256": POLICY.removeprefix("sha256:")}}]


def test_an_svr_has_the_fields_of_its_standard() -> None:
    predicate = properties()["predicate"]
    assert set(predicate) == {"verifier", "timeCreated", "properties"}
    assert set(predicate["verifier"]) == {"id", "policies"}
    assert predicate["verifier"]["policies"][0]["digest"] == {"sha256": POLICY.removeprefix("sha256:")}


def test_provenance_has_the_fields_of_its_standard() -> None:
    predicate = made()["predicate"]
    assert set(predicate) == {"buildDefinition", "runDetails"}
    assert set(predicate["buildDefinition"]) >= {"buildType", "externalParameters"}
    assert predicate["runDetails"]["builder"]["id"].startswith("https://")
    assert predicate["runDetails"]["metadata"]["startedOn"] == AT
    for one in predicate["buildDefinition"]["resolvedDependencies"]:
        assert {"uri", "digest", "content"} & set(one), "a resource descriptor has one of the three"


def test_what_was_written_is_read_back() -> None:
    result = read_test_result(statement_bytes(results(warned=("w",))), subject_digest=ARTEFACT)
    assert (result.result, result.passed, result.warned, result.failed) == ("WARNED", ("auroc",), ("w",), ())
    assert result.configuration == {"policy": POLICY}
    verified = read_svr(statement_bytes(properties()), subject_digest=ARTEFACT, verifier_id=GATE)
    assert (verified.policies, verified.time_created) == ((POLICY,), AT)
    assert verified.properties == ("SHIPWORTHY_SLO_GREEN",)
    again = read_provenance(statement_bytes(made()))
    assert again.making == MAKING
    assert again.is_about(ARTEFACT)
    assert not again.is_about(OTHER)


def test_one_failure_is_a_failed_result_and_nothing_tested_is_none() -> None:
    assert result_of(["a"], ["b"], ["c"]) == "FAILED"
    assert result_of([], [], ["c"]) == "FAILED"
    for warned in ([], ["b"]):
        with pytest.raises(CannotDecide, match="nothing was tested"):
            result_of([], warned, [])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("predicate.result", "PASSED"),
        ("predicate.result", "passed"),
        ("predicate.failedTests", ["gap"]),
        ("predicate.warnedTests", ...),
        ("predicate.configuration", []),
        ("predicate.configuration.0.name", ...),
        ("predicate.configuration.0.digest", {"sha512": "00"}),
        ("predicate.url", "https://example.com"),
        ("predicateType", "https://in-toto.io/attestation/test-result/v0.2"),
    ],
)
def test_a_test_result_out_of_shape_or_at_odds_with_itself_is_refused(path: str, value: object) -> None:
    with pytest.raises(CannotDecide):
        read_test_result(edited(results(warned=("w",)), path, value), subject_digest=ARTEFACT)


def test_a_configuration_that_says_two_things_is_refused() -> None:
    twice = [{"name": "policy", "digest": {"sha256": one.removeprefix("sha256:")}} for one in (POLICY, OTHER)]
    with pytest.raises(CannotDecide, match="twice"):
        read_test_result(edited(results(), "predicate.configuration", twice), subject_digest=ARTEFACT)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("predicate.verifier.id", "https://evil.example"),
        ("predicate.verifier.policies", ...),
        ("predicate.verifier.policies", [{"uri": "x:y"}]),
        ("predicate.timeCreated", "yesterday"),
        ("predicate.properties", "SHIPWORTHY_SLO_GREEN"),
        ("predicate.properties", [1]),
        ("predicate.more", 1),
        ("predicateType", "https://in-toto.io/attestation/svr/v0.1"),
    ],
)
def test_an_svr_out_of_shape_is_refused(path: str, value: object) -> None:
    with pytest.raises(CannotDecide):
        read_svr(edited(properties(), path, value), subject_digest=ARTEFACT, verifier_id=GATE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("predicate.buildDefinition.externalParameters.entryPoint", "evil"),
        ("predicate.buildDefinition.externalParameters.seed", True),
        ("predicate.buildDefinition.externalParameters.environment", ["A=1"]),
        ("predicate.buildDefinition.internalParameters.network", "maybe"),
        ("predicate.buildDefinition.internalParameters.cleanDirectory", "yes"),
        ("predicate.buildDefinition.resolvedDependencies", []),
        ("predicate.buildDefinition.resolvedDependencies.0.digest", ...),
        ("predicate.buildDefinition.buildType", "https://example.com/build"),
        ("predicate.runDetails.builder.id", "https://evil.example"),
        ("predicate.runDetails.metadata.startedOn", "2026-01-02"),
        ("predicateType", "https://slsa.dev/provenance/v0.2"),
    ],
)
def test_provenance_out_of_shape_is_refused(path: str, value: object) -> None:
    with pytest.raises(CannotDecide):
        read_provenance(edited(made(), path, value))


def test_a_material_that_went_in_twice_is_refused() -> None:
    one = {"name": "train.py", "digest": {"sha256": "0" * 64}}
    told = edited(made(), "predicate.buildDefinition.resolvedDependencies", [one, one])
    with pytest.raises(CannotDecide, match="twice"):
        read_provenance(told)


@pytest.mark.parametrize("read", [read_test_result, read_svr])
def test_a_statement_about_another_artefact_is_refused(read: Any) -> None:
    more = {"verifier_id": GATE} if read is read_svr else {}
    told = properties() if read is read_svr else results()
    with pytest.raises(CannotDecide, match="another artefact"):
        read(statement_bytes(told), subject_digest=OTHER, **more)


@pytest.mark.parametrize(
    ("write", "changes"),
    [
        (results, {"configuration": {}}),
        (results, {"configuration": {"policy": "x"}}),
        (results, {"passed": ()}),
        (properties, {"properties": ("SLO_GREEN",)}),
        (properties, {"properties": ("SHIPWORTHY_slo",)}),
        (properties, {"verifier_id": "gate"}),
        (properties, {"time_created": "now"}),
        (made, {"materials": {}}),
        (made, {"network": "perhaps"}),
        (made, {"build_type": "x:y"}),
        (made, {"started": "2026"}),
    ],
)
def test_the_writers_refuse_what_their_standards_do_not_allow(write: Any, changes: dict[str, Any]) -> None:
    write()
    with pytest.raises(CannotDecide):
        write(**changes)


def test_changed_materials_are_named_with_what_became_of_them() -> None:
    then = {"a": "1", "b": "2", "c": "3"}
    assert changed_materials(then, then) == ()
    assert changed_materials(then, {"a": "1", "b": "9", "d": "4"}) == ("b was changed", "c was removed", "d was added")
