"""Results of other tools as evidence: read a file, make measurements of it, keep them beside our own.

In: a file in a known format and the SLO it speaks for. Out: one line per SLO, segment and format in
`.shipworthy/evidence/<artefact>/imported.jsonl`, bound to exactly this subject. Importing again replaces the line: the
last run counts, not the best. The gate uses a line only where the SLO accepts its format (`accept:`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shipworthy.contract.contract import Contract
from shipworthy.contract.problems import did_you_mean
from shipworthy.contract.slos import FILE as SLOS
from shipworthy.contract.slos import importable
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.evaluate.imports import evidently, garak, inspect, junit, promptfoo, pytest
from shipworthy.evaluate.imports.results import Result, Results, measure
from shipworthy.facts import Slo, Subject, digest
from shipworthy.flows.imported import Imported, differing, write_imported
from shipworthy.indicators import INDICATORS
from shipworthy.runtime.subject import subject_of
from shipworthy.runtime.workspace import Workspace

MAX_BYTES = 32 << 20
READERS: dict[str, Callable[[bytes, str], Results]] = {
    "evidently": evidently.read,
    "garak": garak.read,
    "inspect": inspect.read,
    "junit": junit.read,
    "promptfoo": promptfoo.read,
    "pytest": pytest.read,
}


def import_results(
    workspace: Workspace, file: Path, format_: str, slo: str | None = None, segment: str = "*"
) -> tuple[Imported, ...]:
    """Import a file and return what was written.

    Results that name their SLO (marked pytest tests) feed that one, all others `slo`. Raises UsageError when the SLO is
    not known or cannot be fed, CannotDecide when the file cannot be read or is of another subject.
    """
    contract = workspace.contract()
    subject = subject_of(workspace.root, contract)
    raw = _bytes(file)
    told = READERS[format_](raw, str(file))
    if told.subject is not None:
        _same(told.subject, subject, str(file))
    made = tuple(
        Imported(subject=subject, measurement=measure(told, results, named, segment, format_, digest(raw)))
        for named, results in _by_slo(told, slo, segment, contract, str(file))
    )
    write_imported(workspace, subject, made)
    return made


def _same(theirs: Subject, ours: Subject, where: str) -> None:
    differs = differing(theirs, ours)
    if differs:
        raise CannotDecide(f"made on another {', '.join(differs)}", where, "run the tests again, then import")


def _by_slo(
    told: Results, given: str | None, segment: str, contract: Contract, where: str
) -> list[tuple[Slo, list[Result]]]:
    by_name: dict[str, list[Result]] = {given: []} if given is not None and not told.results else {}
    for one in told.results:
        name = one.slo or given
        if name is None:
            raise UsageError("which SLO do these results speak for?", where, "name it with --slo")
        by_name.setdefault(name, []).append(one)
    if not by_name:
        raise CannotDecide("no results in it", where, "mark tests with an SLO, or name one with --slo")
    chosen = [(_slo(name, segment, contract), results) for name, results in sorted(by_name.items())]
    for slo, results in chosen:
        other = sorted({one.clause for one in results} - {"", slo.clause.value})
        if other:
            raise CannotDecide(
                f"{slo.name} is of the clause {slo.clause.value}, not {other[0]}", where, "mend the mark"
            )
    return chosen


def _slo(name: str, segment: str, contract: Contract) -> Slo:
    known = {slo.name: slo for slo in contract.policy.slos}
    if name not in known:
        raise UsageError(f"no SLO {name!r}", SLOS, did_you_mean(name, known))
    slo = known[name]
    if not importable(INDICATORS[slo.indicator]):
        fix = "rates, counts and enumerated indicators that the gate judges can be fed"
        raise UsageError(f"{name} cannot be fed by results: {slo.indicator} does not count any", SLOS, fix)
    if segment not in slo.segments:
        raise UsageError(f"{name} is not asked on {segment!r}", SLOS, f"its segments: {', '.join(slo.segments)}")
    return slo


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as fault:
        raise CannotDecide(f"cannot be read: {fault.strerror or fault}", str(file), "name a plain file") from fault
    if len(raw) > MAX_BYTES:
        raise CannotDecide(f"larger than {MAX_BYTES} bytes", str(file), "export the results without their outputs")
    return raw
