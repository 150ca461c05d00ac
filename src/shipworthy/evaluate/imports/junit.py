"""JUnit XML, as pytest, Surefire, Gradle, googletest, mocha and others write it.

There is no one schema; what is common to them is read and anything else refused. Traps: an `<error>` is no pass; a test
that googletest did not run has no child element, only `status="notrun"`; a flaky test failed once; a suite that
declares more tests, failures or errors than it shows has lost some.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import refuse

_BY_CHILD: dict[str, Ended] = {
    "error": "errored",
    "rerunError": "errored",
    "flakyError": "errored",
    "failure": "failed",
    "rerunFailure": "failed",
    "flakyFailure": "failed",
    "skipped": "skipped",
}
_SILENT = frozenset({"properties", "system-out", "system-err"})
_BY_STATUS: dict[str, Ended] = {
    "notrun": "skipped", "disabled": "skipped", "skipped": "skipped", "suppressed": "skipped", "pending": "skipped",
    "failed": "failed", "failure": "failed", "fail": "failed", "error": "errored",
    "run": "passed", "completed": "passed", "passed": "passed", "pass": "passed", "success": "passed", "ok": "passed",
}  # fmt: skip
_MOST_DEPTH = 50


class _Plain(TreeBuilder):
    """Builds elements and refuses a document type: entities can make a small file large."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("a document type is not accepted")


def read(raw: bytes, where: str) -> Results:
    """Return the results of a JUnit XML file. Raises CannotDecide when it is none, or shows less than it declares."""
    parser = XMLParser(target=_Plain())
    try:
        parser.feed(raw)
        root = parser.close()
    except (ParseError, ValueError, LookupError) as fault:
        refuse(f"not JUnit XML: {fault}", where)
    if root.tag not in ("testsuites", "testsuite"):
        refuse(f"not JUnit XML: the root is <{str(root.tag)[:40]}>", where)
    results = tuple(_suite(root, where, 0))
    return Results(tool=root.get("name") or _first_name(root) or "junit", tool_version="", results=results)


def _first_name(root: Element) -> str:
    return next((suite.get("name", "") for suite in root.iter("testsuite") if suite.get("name")), "")


def _suite(suite: Element, where: str, depth: int) -> Iterator[Result]:
    if depth > _MOST_DEPTH:
        refuse(f"suites nested deeper than {_MOST_DEPTH}", where)
    shown: list[Result] = []
    for index, child in enumerate(suite):
        if child.tag == "testsuite":
            shown += _suite(child, where, depth + 1)
        elif child.tag == "testcase":
            shown.append(_case(child, f"{suite.get('name', '')}/{index}", where))
        elif child.tag not in _SILENT:
            refuse(f"<{str(child.tag)[:40]}> is not known inside <{suite.tag}>", where)
    _shows_what_it_declares(suite, shown, where)
    yield from shown


def _case(case: Element, unnamed: str, where: str) -> Result:
    ends: set[Ended] = set()
    for child in case:
        if child.tag in _BY_CHILD:
            ends.add(_BY_CHILD[child.tag])
        elif child.tag not in _SILENT:
            refuse(f"<{str(child.tag)[:40]}> is not known inside <testcase>", where)
    for key in ("status", "result"):
        word = (case.get(key) or "run").lower()
        if word not in _BY_STATUS:
            refuse(f"{key}={word[:40]!r} of a test case is not known", where)
        ends.add(_BY_STATUS[word])
    ended: Ended = next(one for one in ("errored", "failed", "skipped", "passed") if one in ends)
    return Result(test=f"{case.get('classname', '')}::{case.get('name') or unnamed}", ended=ended)


def _shows_what_it_declares(suite: Element, shown: list[Result], where: str) -> None:
    seen = {"tests": len(shown), "failures": 0, "errors": 0}
    seen["failures"] = sum(one.ended in ("failed", "errored") for one in shown)
    seen["errors"] = seen["failures"]  # a test that failed and then broke is shown once, as the worse of the two
    for key, has in seen.items():
        declared = suite.get(key) or "0"
        if not declared.isdecimal() or int(declared) > has:
            refuse(f"<{suite.tag}> declares {declared[:12]} {key} and shows {has}", where)
