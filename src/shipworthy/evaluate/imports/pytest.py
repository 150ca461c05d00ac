"""The results that our pytest plugin writes: a head with the number of tests and the subject, then one test a line.

The head says how many tests follow, so that a file cut short is noticed, and on what they ran, if they were told.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import refuse
from shipworthy.facts import Fact, Subject, canonical

KIND = "shipworthy.pytest"


class Head(Fact, frozen=True, kw_only=True):
    """The first line. `exit_status` is pytest's own: 0 all passed, 1 some failed; anything else is no whole run."""

    kind: Literal["shipworthy.pytest"] = "shipworthy.pytest"
    version: Literal[1] = 1
    pytest: str
    exit_status: int
    tests: int
    subject: Subject | None = None


class Test(Fact, frozen=True, kw_only=True):
    """One marked test."""

    test: str
    ended: Ended
    slo: str = ""
    clause: str = ""


def write(head: Head, tests: list[Test]) -> bytes:
    """Return the file: canonical lines, tests in the order of their ids."""
    ordered = sorted(tests, key=lambda one: one.test)
    return b"".join(canonical(one) + b"\n" for one in (head, *ordered))


def read(raw: bytes, where: str) -> Results:
    """Return the results of a pytest run. Raises CannotDecide when the run or the file is not whole."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    if not lines:
        refuse("the file is empty", where)
    try:
        head = msgspec.convert(loads(lines[0], f"{where}:1"), Head, strict=True)
        tests = [
            msgspec.convert(loads(line, f"{where}:{number}"), Test, strict=True)
            for number, line in enumerate(lines[1:], 2)
        ]
    except msgspec.ValidationError as fault:
        refuse(f"not results of our pytest plugin: {fault}", where)
    if head.exit_status not in (0, 1):
        refuse(f"pytest left with {head.exit_status}: the run is not whole", where)
    if head.tests != len(tests):
        refuse(f"{head.tests} tests ran, the file holds {len(tests)}", where)
    results = tuple(Result(test=one.test, ended=one.ended, slo=one.slo, clause=one.clause) for one in tests)
    return Results(tool="pytest", tool_version=head.pytest, results=results, subject=head.subject)
