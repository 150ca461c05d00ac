"""A pytest plugin: marked tests become evidence.

    @pytest.mark.shipworthy(slo="unit_tests", clause="robustness")
    def test_a_denied_claim_says_why(): ...

In: a run with `--shipworthy-evidence FILE`. Out: how every marked test ended, for `shipworthy import FILE --format
pytest`. With `--shipworthy-root` the file is bound to the subject the repository has now. A marked test that was
deselected or never reached is in the file as skipped: leaving tests out proves nothing. Without the option the plugin
registers its marker and does nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shipworthy.evaluate.imports.results import Ended
    from shipworthy.facts import Subject

MARKER = "shipworthy(slo=None, clause=None): what this test shows counts for an SLO of the safety contract"
_MARKS = "shipworthy_marks"  # attribute of a report: how marks travel from workers
_Mark = tuple[str, str]  # slo, clause


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    group = parser.getgroup("shipworthy", "evidence for the safety contract")
    group.addoption("--shipworthy-evidence", metavar="FILE", help="write how marked tests ended, for shipworthy import")
    group.addoption("--shipworthy-root", metavar="DIR", help="bind the file to what this model repository is now")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the recorder when it is asked for."""
    config.addinivalue_line("markers", MARKER)
    file, root = config.getoption("--shipworthy-evidence"), config.getoption("--shipworthy-root")
    if file is None:
        if root is not None:
            raise pytest.UsageError("--shipworthy-root needs --shipworthy-evidence")
        return
    if hasattr(config, "workerinput"):  # a worker marks its reports and says what it was asked; the controller writes
        config.pluginmanager.register(Marking(), "shipworthy-marking")
        config.pluginmanager.register(Asked(), "shipworthy-asked")
        return
    path = Path(file)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise pytest.UsageError(f"--shipworthy-evidence {file}: name a file in a folder that exists")
    config.pluginmanager.register(Marking(), "shipworthy-marking")
    config.pluginmanager.register(Recorder(path, None if root is None else Path(root)), "shipworthy-recorder")


class Marking:
    """Writes the marks of a test onto its reports."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Add the marks; they are plain lists, so that they can leave a worker."""
        outcome = yield
        setattr(outcome.get_result(), _MARKS, [list(mark) for mark in marks_of(item)])


class Asked:
    """Keeps which marked tests there are, those that are left out included."""

    def __init__(self) -> None:
        self.marks: dict[str, list[_Mark]] = {}

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """A marked test that is left out is asked for and not there."""
        self._expect(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Every marked test that was collected is asked for."""
        self._expect(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand them to the controller, where this is a worker of pytest-xdist."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_MARKS] = {name: [list(mark) for mark in marks] for name, marks in self.marks.items()}

    def _expect(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            if marks := marks_of(item):
                self.marks[item.nodeid] = marks


class Recorder(Asked):
    """Keeps how marked tests ended, by node id, and writes the file at the end."""

    def __init__(self, path: Path, root: Path | None) -> None:
        super().__init__()
        self.path = path
        self.root = root
        self.subject = None if root is None else _subject(root)
        self.ended: dict[str, Ended] = {}
        self.written = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - a type of pytest-xdist
        """Take over what a worker was asked for."""
        for name, marks in getattr(node, "workeroutput", {}).get(_MARKS, {}).items():
            self.marks.setdefault(name, [(slo, clause) for slo, clause in marks])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the worst of setup, call and teardown."""
        marks = getattr(report, _MARKS, [])
        if not marks:
            return
        self.marks[report.nodeid] = [(slo, clause) for slo, clause in marks]
        ended = _ended(report)
        if ended is not None:
            order: tuple[Ended, ...] = ("passed", "skipped", "failed", "errored")
            self.ended[report.nodeid] = max(self.ended.get(report.nodeid, "passed"), ended, key=order.index)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, unless the repository changed under the tests."""
        from shipworthy.evaluate.imports.pytest import Head, Test, write

        if self.root is not None and _subject(self.root) != self.subject:
            raise pytest.UsageError(f"{self.root} changed while the tests ran: nothing is written, run them again")
        tests = [
            Test(test=name, ended=self.ended.get(name, "skipped"), slo=slo, clause=clause)
            for name, marks in self.marks.items()
            for slo, clause in marks
        ]
        head = Head(
            pytest=pytest.__version__, exit_status=int(session.exitstatus), tests=len(tests), subject=self.subject
        )
        self.path.write_bytes(write(head, tests))
        self.written = len(tests)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the evidence is."""
        terminalreporter.write_line(f"shipworthy: {self.written} results in {self.path}")


def marks_of(item: pytest.Item) -> list[_Mark]:
    """Return (slo, clause) of every mark, the nearest of each SLO only. Raises UsageError on a bad mark."""
    found: dict[str, _Mark] = {}
    for mark in item.iter_markers("shipworthy"):
        slo, clause = (mark.kwargs.get(key) or "" for key in ("slo", "clause"))
        known = set(mark.kwargs) <= {"slo", "clause"} and isinstance(slo, str) and clause in _clauses()
        if mark.args or not known:
            raise pytest.UsageError(
                f"{item.nodeid}: shipworthy(slo=…, clause=…), clause one of {', '.join(_clauses())}"
            )
        found.setdefault(slo, (slo, clause))
    return list(found.values())


def _clauses() -> tuple[str, ...]:
    from shipworthy.facts import Clause

    return ("", *(clause.value for clause in Clause))


def _ended(report: pytest.TestReport) -> Ended | None:
    """Return how a phase ended, None when it says nothing: a setup or teardown that went well."""
    if report.outcome == "skipped":
        return "failed" if hasattr(report, "wasxfail") else "skipped"  # an expected failure is a failure
    if report.outcome == "passed":
        return "passed" if report.when == "call" else None
    return "failed" if report.when == "call" else "errored"


def _subject(root: Path) -> Subject:
    from shipworthy.errors import ShipworthyError
    from shipworthy.runtime.subject import subject_of
    from shipworthy.runtime.workspace import Workspace

    try:
        contract = Workspace(root=root, home=root / ".shipworthy" / "state").contract()
        return subject_of(root, contract)
    except ShipworthyError as problem:
        raise pytest.UsageError(str(problem)) from problem
