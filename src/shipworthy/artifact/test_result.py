"""Test results as attestations: which SLOs and cases of a subject passed, under which configuration.

In: the subject's digest, names that passed, warned and failed, and what they were judged with. Out: an in-toto
statement with predicate https://in-toto.io/attestation/test-result/v0.1, and back. Source: in-toto attestation
framework, spec/predicates/test-result.md. The result is not an argument: it follows from the names, so it cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from shipworthy.artifact.digests import hex_of
from shipworthy.artifact.statement import read_statement, statement
from shipworthy.artifact.strict import fields, hex_digest, refuse, sequence, text

TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"
_WHERE = "test-result attestation"


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A read test result. `configuration` maps names to digests: policy, pack, data, change."""

    subject_digest: str
    result: str
    configuration: Mapping[str, str]
    passed: tuple[str, ...]
    warned: tuple[str, ...]
    failed: tuple[str, ...]


def results(
    subject_name: str,
    subject_digest: str,
    configuration: Mapping[str, str],
    passed: Iterable[str],
    warned: Iterable[str],
    failed: Iterable[str],
) -> dict[str, object]:
    """The statement as a JSON value. Names are kept in their order, once each.

    Raises CannotDecide when nothing was configured or when no test is named at all: nothing tested is no result.
    """
    told = {"passedTests": _once(passed), "warnedTests": _once(warned), "failedTests": _once(failed)}
    if not configuration:
        refuse("a test result names what it was configured with", _WHERE)
    predicate = {
        "result": result_of(*told.values()),
        "configuration": [
            {"name": name, "digest": {"sha256": hex_of(what)}} for name, what in sorted(configuration.items())
        ],
        **told,
    }
    return statement([(subject_name, subject_digest)], TEST_RESULT, predicate)


def result_of(passed: list[str], warned: list[str], failed: list[str]) -> str:
    """FAILED if one failed, WARNED if one warned, PASSED only where something passed. Raises CannotDecide on nothing.

    >>> result_of(["auroc"], [], []), result_of(["auroc"], ["on trial"], []), result_of(["auroc"], [], ["gap"])
    ('PASSED', 'WARNED', 'FAILED')
    """
    if failed:
        return FAILED
    if not passed:
        refuse("nothing was tested", _WHERE)
    return WARNED if warned else PASSED


def read_test_result(payload: bytes, *, subject_digest: str) -> Results:
    """The test result in a payload whose signature holds, when it is about this subject and agrees with itself.

    A FAILED result is returned, not refused: what it means is the caller's policy.
    """
    told = read_statement(payload)
    if told.predicate_type != TEST_RESULT:
        refuse(f"the predicate type is {told.predicate_type[:80]!r}", _WHERE, f"{TEST_RESULT} is expected")
    if [what for _, what in told.subjects] != [subject_digest]:
        refuse("it is about another artefact", _WHERE)
    lists = ("passedTests", "warnedTests", "failedTests")
    predicate = fields(told.predicate, _WHERE, ("result", "configuration", *lists))
    passed, warned, failed = ([text(one, _WHERE) for one in sequence(predicate[key], _WHERE)] for key in lists)
    if predicate["result"] != result_of(passed, warned, failed):
        refuse("the result does not follow from the tests it names", _WHERE)
    return Results(
        subject_digest=subject_digest,
        result=text(predicate["result"], _WHERE),
        configuration=_configuration(predicate["configuration"]),
        passed=tuple(passed),
        warned=tuple(warned),
        failed=tuple(failed),
    )


def _configuration(value: object) -> dict[str, str]:
    named: dict[str, str] = {}
    for one in sequence(value, _WHERE):
        read = fields(one, _WHERE, ("name", "digest"))
        name = text(read["name"], _WHERE)
        if name in named:
            refuse(f"the configuration names {name[:80]!r} twice", _WHERE)
        named[name] = "sha256:" + hex_digest(fields(read["digest"], _WHERE, ("sha256",))["sha256"], _WHERE)
    return named or refuse("a test result without configuration", _WHERE)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
