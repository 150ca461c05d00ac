"""Evaluate the built model of a repository: held-out metrics, probes, scan and pack → evidence on disk.

In: the repository, an engine. Out: evidence about exactly this subject, and the run that made it. The model answers
from a process without keys and without network; this process holds no keys either.
"""

from __future__ import annotations

import functools
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import sklearn

from shipworthy import __version__
from shipworthy.artifact.scan import Report
from shipworthy.contract.contract import Contract
from shipworthy.contract.generators import asks_assistant
from shipworthy.contract.lock import LEARNED_FROM
from shipworthy.contract.pack import case_files
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.evaluate.bench import Baseline, Bench
from shipworthy.evaluate.metered import Limit
from shipworthy.evaluate.pack import Shown
from shipworthy.evaluate.run.engine import Opened, Progress, Timed, drive, evaluate_local
from shipworthy.evaluate.run.kept import KeptFiles
from shipworthy.evaluate.run.pool import pool_results
from shipworthy.evaluate.run.threads import one_thread
from shipworthy.evaluate.units import Around, run_guarded
from shipworthy.expr import compile_expr
from shipworthy.facts import Budget, Case, CaseResult, Coverage, Digest, Evidence, Run, digest
from shipworthy.flows.assistant import seat, system_prompt
from shipworthy.flows.cells import cells_of
from shipworthy.flows.decide import accepted_cases
from shipworthy.flows.evidence import write_evidence
from shipworthy.flows.model import OpenModel, all_datasets, open_model
from shipworthy.flows.packed import opened_packed, packed
from shipworthy.flows.plugins import plugins_of
from shipworthy.flows.scan import findings_measurement, scan
from shipworthy.models.deadline import Deadline
from shipworthy.models.offline import no_network
from shipworthy.models.table import read_rows
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import Profile
from shipworthy.profile.thresholds import Thresholds
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.learned import INCIDENT, incident_rows
from shipworthy.runtime.subject import PROFILE, RELEASE, subject_of
from shipworthy.runtime.workspace import Workspace

SCAN = "artefact_scan"


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pieces run: here in `workers` processes, or on a Ray cluster (`address`; None = one started here)."""

    name: Literal["local", "ray"] = "local"
    workers: int = 1
    address: str | None = None
    fresh: bool = False


def evaluate(
    workspace: Workspace, say: Callable[[str], None], engine: Engine | None = None, progress: Progress | None = None
) -> tuple[Evidence, Path]:
    """Evaluate, write the evidence, return it with its path. `say` hears a line a piece, `progress` each step. Raises
    CannotDecide when nothing can be measured; what is finished of an interrupted run is kept and used by the next."""
    engine = engine or Engine()
    contract = workspace.contract()
    started = workspace.now()
    report = scan(workspace.root, contract.manifest)
    timed, deadline = Timed(), Deadline()
    with open_model(workspace.root, contract.manifest, deadline) as model:
        bench = bench_of(workspace.root, contract, model, contract.cases)
        bench = replace(bench, accepted=accepted_cases(workspace, contract))
        kept = KeptFiles(_kept_at(workspace, contract, bench))
        if engine.fresh:
            kept.drop()
        told = progress or (lambda step: say(_line(step.name, step.done, step.of, step.left_s)))
        shown = _shown(engine, workspace.root, contract, bench, deadline, kept, told, timed)
        network = model.network if bench.chat is None else "open"  # an assistant's process has no fence
    evidence = evidence_of(bench, contract, shown, report)
    run = Run(
        evidence=digest(evidence),
        started=started,
        ended=workspace.now(),
        host=platform.machine(),
        versions=_versions(),
        seconds=timed.seconds,
        engine=engine.name,
        network=network,
    )
    path = write_evidence(workspace, evidence, run)
    kept.drop()
    return evidence, path


def evidence_of(bench: Bench, contract: Contract, shown: Shown, report: Report) -> Evidence:
    """Return what one evaluation and the scan of the artefact showed, as the gate reads it."""
    return Evidence(
        subject=bench.subject,
        measurements=(*shown.measurements, findings_measurement(report)),
        coverage=Coverage(requested=(*shown.coverage.requested, SCAN), executed=(*shown.coverage.executed, SCAN)),
        cases=shown.cases,
        paired=shown.paired,
        rows=judged_rows({name: bench.datasets[name] for name in contract.manifest.datasets}),
        tool_version=__version__,
    )


def judged_rows(datasets: Mapping[str, Sequence[Mapping[str, Value]]]) -> dict[str, Digest]:
    """Return a digest of each dataset that something may be judged on: all but what a model and its thresholds learn
    from."""
    return {
        name: digest(msgspec.json.encode([[f"{column}={row[column]!r}" for column in sorted(row)] for row in rows]))
        for name, rows in datasets.items()
        if name not in LEARNED_FROM
    }


def evaluate_case(root: Path, name: str) -> CaseResult:
    """Run one case of the repository's own pack and return its result."""
    contract = Workspace(root=root, home=root / ".shipworthy" / "state").contract()
    found = [one for one in contract.cases if one.id == name]
    if not found:
        raise UsageError(f"no case {name!r}", "robustness-pack.yaml", "see the ids in the pack")
    return evaluate_cases(root, found)[0]


def evaluate_cases(root: Path, cases: Sequence[Case], rows_at: Path | None = None) -> tuple[CaseResult, ...]:
    """Run cases on the model built at `root`. `rows_at` is the repository that holds their rows, if another."""
    contract = Workspace(root=root, home=root / ".shipworthy" / "state").contract()
    deadline = Deadline()
    with one_thread(), open_model(root, contract.manifest, deadline) as model, no_network():
        bench = bench_of(root, contract, model, cases, rows_at)
        around = Around(limit=deadline, budget=contract.budget)
        return tuple(run_guarded(case, bench, around).result for case in cases)


@contextmanager
def opened(root: str) -> Iterator[tuple[Bench, Limit | None]]:
    """Open the bench of a repository for the length of the block, in whatever process this is."""
    contract = Workspace(root=Path(root), home=Path(root) / ".shipworthy" / "state").contract()
    deadline = Deadline()
    with open_model(Path(root), contract.manifest, deadline) as model:
        yield bench_of(Path(root), contract, model, contract.cases), deadline


def bench_of(
    root: Path, contract: Contract, model: OpenModel, cases: Sequence[Case], rows_at: Path | None = None
) -> Bench:
    """Return the bench of a built repository: its rows, model, profile, thresholds and baseline."""
    manifest = contract.manifest
    folder = root / manifest.artefacts
    datasets = all_datasets(root, manifest)
    text = text_columns(manifest)
    for file in dict.fromkeys(file for case in cases for file in case_files(case)):
        datasets[file] = read_rows((rows_at or root) / file, text=text)
    if INCIDENT not in datasets and (rows := incident_rows(root, contract)):
        datasets[INCIDENT] = rows
    lock = contract.lock
    baseline = None
    if lock is not None and lock.paired is not None:
        baseline = Baseline(artefact=lock.subject.artefact, paired=lock.paired, bits=lock.bits)
    thresholds: Thresholds = _decoded(folder / RELEASE, Thresholds)
    return Bench(
        subject=subject_of(root, contract),
        features=manifest.features,
        label=manifest.label.column,
        datasets=datasets,
        model=model.values,
        seed=contract.seed,
        scorer=Scorer(_decoded(folder / PROFILE, Profile)),
        thresholds=thresholds,
        words=thresholds.words,
        unit=manifest.unit,
        relations=tuple(compile_expr(relation.holds) for relation in manifest.relations),
        baseline=baseline,
        plugins=plugins_of(cases),
        chat=seat(root, manifest, model.held) if any(asks_assistant(case) for case in cases) else None,
        assistant=manifest.assistant,
        system=system_prompt(root, manifest),
        cells=cells_of(root, manifest) if any(_reads_cells(case) for case in cases) else None,
    )


def _shown(
    engine: Engine,
    root: Path,
    contract: Contract,
    bench: Bench,
    limit: Limit,
    kept: KeptFiles,
    progress: Progress,
    timed: Timed,
) -> Shown:
    policy, cases, budget = contract.policy, contract.cases, contract.budget
    if engine.name == "local" and engine.workers == 1:
        return evaluate_local(bench, policy, cases, budget, progress, limit, kept, timed)
    if engine.name == "local":
        here: Opened = functools.partial(opened, str(root.resolve()))
        results = pool_results(here, engine.workers)
    else:
        from shipworthy.evaluate.run.ray_engine import ray_results

        results = ray_results(
            functools.partial(opened_packed, packed(root, contract.files)), engine.workers, engine.address
        )
    return drive(bench, policy, cases, results, budget, progress, kept, timed)


def _kept_at(workspace: Workspace, contract: Contract, bench: Bench) -> Path:
    """A folder for exactly this evaluation: another subject, lock, tool or library is another one."""
    lock = None if contract.lock is None else digest(contract.lock)
    budget: Budget = contract.budget
    what = digest(
        {
            "subject": bench.subject,
            "lock": lock,
            "budget": budget,
            "accepted": sorted(bench.accepted),
            "versions": _versions(),
        }
    )
    return workspace.root / ".shipworthy" / "cache" / "evaluate" / what.removeprefix("sha256:")[:32]


def _versions() -> dict[str, str]:
    return {
        "shipworthy": __version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _line(name: str, done: int, of: int, left_s: float | None) -> str:
    left = "" if left_s is None or done == of else f", about {left_s:.0f} s left"
    return f"{done} of {of} measured: {name}{left}"


def _reads_cells(case: Case) -> bool:
    return (case.generator or {}).get("name") == "tree_cells"


def _decoded(path: Path, kind: Any) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, strict=True)
    except (OSError, msgspec.MsgspecError) as problem:
        raise CannotDecide(f"cannot be read: {problem}", str(path), "run `shipworthy build`") from problem
