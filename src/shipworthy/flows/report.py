"""Reports of a verdict: every format from the one value, printed, written to files, appended to the step summary.

In: what was judged and where to put it. Out: the texts. Nothing here decides: the exit code is the verdict's. A file
that cannot be written is told before anything is judged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from shipworthy import __version__
from shipworthy.contract.files.root import Root
from shipworthy.contract.places import FILES, Places, find_places
from shipworthy.contract.problems import Findings
from shipworthy.errors import UsageError
from shipworthy.facts import Policy
from shipworthy.flows.gate import Judged
from shipworthy.flows.origin import with_rebuild
from shipworthy.gate.reports import github, json, junit, markdown, sarif, text
from shipworthy.gate.reports.findings import Finding, findings
from shipworthy.gate.side_by_side import Line, lines, outcomes_of
from shipworthy.gate.table import Row, rows

SUMMARY = "GITHUB_STEP_SUMMARY"
_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")  # where GitHub and GitLab say the repository lies
_UNSAFE = "artefact_findings"


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """Where reports go: `format` to `output`, or to standard output when that is None; each of `also` to its file."""

    format: str = "text"
    output: Path | None = None
    also: tuple[tuple[str, Path], ...] = ()


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All that a format may need."""

    judged: Judged
    table: tuple[Row, ...]
    beside: tuple[Line, ...]
    places: Places
    prefix: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        unsafe = unsafe_slos(self.judged.contract.policy)
        return findings(self.judged.verdict, self.table, self.places, unsafe)


FORMATS: dict[str, Callable[[_Shown], str]] = {
    "text": lambda one: text.render(one.judged.verdict, one.table, one.beside),
    "json": lambda one: json.render(one.judged.verdict, one.table, one.beside),
    "markdown": lambda one: markdown.render(one.judged.verdict, one.table, beside=one.beside),
    "github": lambda one: github.render(one.judged.verdict, one.findings, one.prefix),
    "sarif": lambda one: sarif.render(one.judged.verdict, one.findings, one.places.texts, __version__, one.prefix),
    "junit": lambda one: junit.render(one.judged.verdict, one.table, one.places, one.prefix),
}


def report(judged: Judged, format_: str, prefix: str = "") -> str:
    """Return the verdict in one of `FORMATS`. `prefix` leads from the checkout to the model repository."""
    return FORMATS[format_](_shown(judged, prefix))


def publish(judged: Judged, outputs: Outputs, environment: Mapping[str, str]) -> str:
    """Write all reports; return what belongs on standard output. With `github` the step summary grows by a page."""
    shown = _shown(judged, prefix_of(judged.root, environment))
    for format_, path in outputs.also:
        _write(path, FORMATS[format_](shown))
    if "github" in (outputs.format, *(format_ for format_, _ in outputs.also)):
        _summarise(shown, environment.get(SUMMARY, ""))
    told = FORMATS[outputs.format](shown)
    if outputs.output is None:
        return told
    _write(outputs.output, told)
    return f"{text.SAYS[judged.verdict.decision]}\n"


def check_outputs(outputs: Outputs) -> None:
    """Raise UsageError when a file of `outputs` could not be written, or is meant twice."""
    paths = [path for path in (outputs.output, *(path for _, path in outputs.also)) if path is not None]
    for path in paths:
        if not _writable(path):
            raise UsageError("cannot be written", str(path), "name a file in a folder that exists")
        if paths.count(path) > 1:
            raise UsageError("two reports would go there", str(path), "give each its own file")


def prefix_of(root: Path, environment: Mapping[str, str]) -> str:
    """Return the way from the checkout to the model repository, such as `models/triage/`, "" when they are one.

    The checkout is what GitHub or GitLab say, else the nearest folder above with `.git` in it.
    """
    here = root.resolve()
    told = [Path(environment[key]).resolve() for key in _CHECKOUTS if environment.get(key)]
    found = [folder for folder in (here, *here.parents) if (folder / ".git").exists()]
    for checkout in (*told, *found):
        if here != checkout and here.is_relative_to(checkout):
            return f"{here.relative_to(checkout).as_posix()}/"
        if here == checkout:
            return ""
    return ""


def unsafe_slos(policy: Policy) -> frozenset[str]:
    """Return the names of the SLOs that count files which would run code."""
    return frozenset(slo.name for slo in policy.slos if slo.indicator == _UNSAFE)


def _shown(judged: Judged, prefix: str) -> _Shown:
    contract, lock = judged.contract, judged.contract.lock
    evidence = with_rebuild(judged.evidence, judged.origins.rebuilt)
    table = rows(judged.verdict, contract.policy, contract.cases, evidence, lock.values if lock else None)
    beside = lines(evidence, contract.policy, contract.cases, contract.seed, outcomes_of(table))
    return _Shown(judged=judged, table=table, beside=beside, places=_places(judged.root), prefix=prefix)


def _places(root: Path) -> Places:
    """Read the files that lines are in. What cannot be read has no lines; the verdict tells of it."""
    here = Root(root)
    read = {file: here.read(file, Findings(file)) for file in FILES}
    return find_places({file: raw for file, raw in read.items() if raw is not None})


def _writable(path: Path) -> bool:
    """False as well for a name that no disk takes."""
    try:
        if path.is_dir() or not path.absolute().parent.is_dir():
            return False
    except OSError:
        return False
    return os.access(path if path.exists() else path.absolute().parent, os.W_OK)


def _write(path: Path, told: str) -> None:
    try:
        path.write_text(told, encoding="utf-8")
    except OSError as fault:
        raise UsageError(f"cannot be written: {fault.strerror}", str(path), "name another file") from fault


def _summarise(shown: _Shown, path: str) -> None:
    """Append the page to the step summary, as far as GitHub still takes it (1 MiB a step)."""
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8") as stream:
            room = markdown.SUMMARY - stream.tell()
            page = markdown.render(shown.judged.verdict, shown.table, room, shown.beside)
            if len(page.encode()) <= room:
                stream.write(page)
    except OSError as fault:
        raise UsageError(f"cannot be written: {fault.strerror}", path, f"mend {SUMMARY}") from fault
