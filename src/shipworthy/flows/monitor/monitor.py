"""`shipworthy monitor`: from files or a frame to a report.

In: a repository (perhaps without a contract), logs, and what was asked for. Out: a `MonitorReport`. Nothing is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shipworthy.artifact.files.keys import HOST
from shipworthy.contract import cross
from shipworthy.contract.contract import Contract
from shipworthy.contract.slos import read_slos
from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.facts import Fact, Policy
from shipworthy.flows.monitor.count import Counted, Engine, count_chunks, count_files
from shipworthy.flows.monitor.lens import Lens, Names, lens_of, names_of
from shipworthy.flows.monitor.logs import chunks, found, frame_chunks, header
from shipworthy.flows.monitor.periods import every
from shipworthy.flows.monitor.reference import Reference, built, fitted
from shipworthy.flows.monitor.report import report_of
from shipworthy.flows.monitor.starter import starter
from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.workspace import Workspace

KEY_BYTES = 32
ROWS_A_PERIOD = "10000"
Say = Callable[[str], None]


class Asked(Fact, frozen=True, kw_only=True):
    """What a call asks for. `columns`: option → column; `every` None = an hour, or 10,000 rows without a time."""

    every: str | None = None
    reference: str | None = None
    columns: dict[str, str | None] = {}
    segments: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    ood: bool = True
    engine: Engine = Engine()
    backtest: str | None = None


def monitor(workspace: Workspace, logs: Sequence[str | Path], asked: Asked, say: Say) -> MonitorReport:
    """Return the report over the files that `logs` names. Raises UsageError, ContractError or CannotDecide."""
    files = found(logs)
    there = dict.fromkeys(chain.from_iterable(header(path) for path in files))
    contract = _contract(workspace)
    lens, reference, policy, told = _prepared(workspace, contract, asked, tuple(there))
    counted = count_files(files, lens, asked.engine, say)
    return _report(contract, counted, lens, reference, policy, told, len(files), asked)


def monitor_frame(workspace: Workspace, frame: Any, asked: Asked) -> MonitorReport:  # noqa: ANN401
    """Return the report over a frame: pandas, Polars, Arrow, or a mapping of columns."""
    contract = _contract(workspace)
    first = next(iter(frame_chunks(frame)), None)
    there = () if first is None else tuple(first.columns)
    lens, reference, policy, told = _prepared(workspace, contract, asked, there)
    counted = count_chunks(frame_chunks(frame, lens.columns), lens, "frame")
    return _report(contract, counted, lens, reference, policy, told, 0, asked)


def _prepared(
    workspace: Workspace, contract: Contract | None, asked: Asked, there: tuple[str, ...]
) -> tuple[Lens, Reference, Policy, str]:
    manifest = None if contract is None else contract.manifest
    names = names_of(manifest, asked.columns, there)
    reference = _reference(workspace, contract, asked, names)
    timed = names.time in there
    length = every(asked.every or ("1h" if timed else ROWS_A_PERIOD))
    if length.by_time and not timed:
        raise UsageError(f"no column {names.time!r}", "--every", "name it with --time, or give a number of rows")
    key = _key(workspace)
    if manifest is not None:
        lens = lens_of(manifest, reference.profile, names, length, key, asked.ood)
    else:
        lens = Lens(
            profile=reference.profile, features=reference.features, names=names, every=length, key=key, ood=asked.ood
        )
    lens = _with(lens, asked, there, reference)
    if contract is not None:
        return lens, reference, contract.policy, "safety-slos.yaml"
    has = {field for field in ("score", "label") if getattr(names, field) in there}
    has |= {"ood"} if asked.ood else set()
    has |= {"scores"} if reference.scores else set()
    return lens, reference, starter(has), "a starter policy: no contract was found here (`shipworthy init` makes one)"


def _with(lens: Lens, asked: Asked, there: tuple[str, ...], reference: Reference) -> Lens:
    for option, keys in (("--segment", asked.segments), ("--group", asked.groups)):
        missing = next((key for key in keys if key not in there), None)
        if missing is not None:
            raise UsageError(f"no column {missing!r}", option, "name a column of the log")
    return replace(
        lens,
        keys=tuple(dict.fromkeys((*lens.keys, *asked.segments))),
        groups=tuple(dict.fromkeys((*lens.groups, *asked.groups))),
        scores=reference.scores,
    )


def _reference(workspace: Workspace, contract: Contract | None, asked: Asked, names: Names) -> Reference:
    manifest = None if contract is None else contract.manifest
    if asked.reference is None:
        if manifest is None:
            fix = "name a log to compare with: --reference FILE"
            raise UsageError("no contract here, so there is no built profile", str(workspace.root), fix)
        return built(workspace, manifest)
    files = found([asked.reference])
    text = frozenset() if manifest is None else text_columns(manifest)
    every_column = {name for path in files for name in header(path)}
    source = chain.from_iterable(chunks(path, every_column, text) for path in files)
    return fitted(source, manifest, names, asked.ignored, asked.reference)


def _report(
    contract: Contract | None,
    counted: Counted,
    lens: Lens,
    reference: Reference,
    policy: Policy,
    told: str,
    files: int,
    asked: Asked,
) -> MonitorReport:
    if not counted.counts.full:
        wrong = "; ".join(f"{note.n} {note.what}" for note in counted.notes.told()) or "the logs are empty"
        raise CannotDecide(f"no row could be counted: {wrong}", "logs", "name the columns with --time and its like")
    model = "log" if contract is None else contract.manifest.model
    changed = None if asked.backtest is None else _changed(Path(asked.backtest), contract)
    return report_of(model, counted, lens, reference, policy, told, files, changed)


def _contract(workspace: Workspace) -> Contract | None:
    """The contract, None where there is no manifest at all; one that cannot be read is an error."""
    if not (workspace.root / "shipworthy.yaml").exists():
        return None
    return workspace.contract()


def _key(workspace: Workspace) -> bytes:
    """The site's own key, so that tags are those of its windows; else one for this report alone."""
    path = workspace.keys / HOST
    return path.read_bytes() if path.is_file() else secrets.token_bytes(KEY_BYTES)


def _changed(path: Path, contract: Contract | None) -> Policy:
    """The policy to replay. Raises ContractError with every fault of the file."""
    try:
        source = path.read_bytes()
    except OSError as problem:
        raise ContractError(f"cannot be read: {problem}", str(path), "name a changed safety-slos.yaml") from problem
    declared = None if contract is None else cross.declared(contract.manifest)
    policy, problems = read_slos(source, str(path), declared)
    if policy is None:
        raise ContractError("\n".join(str(one) for one in problems))
    return policy
