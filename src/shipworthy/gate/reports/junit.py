"""The verdict as JUnit XML: one suite per clause, one for the gate itself.

Met is a pass, breached a failure, no data and undecided are errors, and what does not decide here (on trial, measured
at run time only, not claimed) is skipped. The case `verdict` fails with the verdict, so that the file is never greener
than the exit code. No times and no host: the same verdict gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import msgspec

from shipworthy.contract.places import Place, Places
from shipworthy.facts import Block, Decision, Outcome, Verdict
from shipworthy.gate.reports.findings import findings
from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.reports.text import SAYS
from shipworthy.gate.table import WORD, Row

_KIND = {Outcome.BREACHED: "failure", Outcome.NO_DATA: "error", Outcome.UNDECIDED: "error"}
_OF_VERDICT = {Decision.BLOCKED: "failure", Decision.UNDECIDED: "error"}


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """One test case. `kind` is "" for a pass, else `failure`, `error` or `skipped`."""

    name: str
    kind: str = ""
    type: str = ""
    message: str = ""
    place: Place | None = None


def render(verdict: Verdict, table: Iterable[Row], places: Places, prefix: str = "") -> str:
    """Return the XML document. `prefix` leads from the checkout to the model repository."""
    suites: dict[str, list[_Case]] = {}
    for row in table:
        suites.setdefault(row.clause or "other", []).append(_row(row, places))
    suites["gate"] = _gate(verdict, places)
    inner = "".join(_suite(name, cases, prefix) for name, cases in suites.items())
    every = [case for cases in suites.values() for case in cases]
    named = one_line(f"shipworthy {verdict.subject.model} {verdict.subject.version}")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{escape(named)}" {_counts(every)}>\n'
        f"{inner}</testsuites>\n"
    )


def _row(row: Row, places: Places) -> _Case:
    where = "" if row.segment == "*" else f" on {row.segment}"
    told = f"{row.because or 'no reason given'}{f'; against the baseline: {row.against}' if row.against else ''}"
    if not row.deciding:
        kind, type_ = "skipped", "does not decide"
    else:
        kind, type_ = _KIND.get(row.outcome, ""), WORD[row.outcome]
    message = f"{told} — {row.mend}" if row.mend else told
    return _Case(
        name=row.name + where, kind=kind, type=type_, message=message, place=places.of(row.name, "safety-slos.yaml")
    )


def _gate(verdict: Verdict, places: Places) -> list[_Case]:
    said = SAYS[verdict.decision]
    where = {one.message: one.place for one in findings(verdict, (), places)}
    return [
        _Case(name="verdict", kind=_OF_VERDICT.get(verdict.decision, ""), type=verdict.decision, message=said),
        *(_block(block, where) for block in verdict.blocks),
        *(_Case(name=f"override: {text}", kind="skipped", message="override") for text in verdict.overrides),
        *(_Case(name=f"not claimed: {text}", kind="skipped", message="not claimed") for text in verdict.not_claimed),
    ]


def _block(block: Block, where: dict[str, Place]) -> _Case:
    told = one_line(f"{block.name}: {block.because or 'no reason given'}")
    kind = "failure" if block.exit_code == 1 else "error"
    return _Case(name=told, kind=kind, type=block.name, message=f"{told} — {block.fix}", place=where.get(told))


def _suite(name: str, cases: Sequence[_Case], prefix: str) -> str:
    inner = "".join(_case(name, case, prefix) for case in cases)
    return f'  <testsuite name="{_attribute(name)}" {_counts(cases)}>\n{inner}  </testsuite>\n'


def _case(suite: str, case: _Case, prefix: str) -> str:
    at = f' file="{_attribute(prefix + case.place.file)}" line="{case.place.line}"' if case.place else ""
    start = f'    <testcase classname="shipworthy.{_attribute(suite)}" name="{_attribute(case.name)}" time="0"{at}'
    if not case.kind:
        return f"{start}/>\n"
    type_ = f' type="{_attribute(case.type)}"' if case.type else ""
    return f'{start}>\n      <{case.kind}{type_} message="{_attribute(case.message)}"/>\n    </testcase>\n'


def _counts(cases: Sequence[_Case]) -> str:
    kinds = [case.kind for case in cases]
    told = {
        "tests": len(kinds),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    return " ".join(f'{key}="{value}"' for key, value in told.items())


def _attribute(text: str) -> str:
    return escape(one_line(text), quote=True)
