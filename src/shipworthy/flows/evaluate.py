"""Evaluate the built model of a repository: held-out metrics, probes, scan and pack → evidence on disk.

In: the repository. Out: evidence about exactly this subject, and the run that made it. The model answers from a process
without keys; this process holds none either.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import sklearn

from shipworthy import __version__
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import LEARNED_FROM
from shipworthy.contract.pack import case_files
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.evaluate.bench import Baseline, Bench
from shipworthy.evaluate.pack import run_case
from shipworthy.evaluate.run.engine import evaluate_local
from shipworthy.evaluate.run.offline import no_network
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Coverage, Digest, Evidence, Run, digest, seed_of
from shipworthy.flows.cells import cells_of
from shipworthy.flows.decide import accepted_cases
from shipworthy.flows.evidence import write_evidence
from shipworthy.flows.model import OpenModel, all_datasets, open_model
from shipworthy.flows.scan import findings_measurement, scan
from shipworthy.models.table import read_rows
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import Profile
from shipworthy.profile.thresholds import Thresholds
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.subject import PROFILE, RELEASE, subject_of
from shipworthy.runtime.workspace import Workspace

SCAN = "artefact_scan"


def evaluate(workspace: Workspace, say: Callable[[str], None]) -> tuple[Evidence, Path]:
    """Evaluate, write the evidence, return it with its path. Raises CannotDecide when nothing can be measured."""
    contract = workspace.contract()
    started = workspace.now()
    report = scan(workspace.root, contract.manifest)
    with open_model(workspace.root, contract.manifest) as model:
        bench = bench_of(workspace.root, contract, model, contract.cases)
        bench = replace(bench, accepted=accepted_cases(workspace, contract))
        shown = evaluate_local(bench, contract.policy, contract.cases, progress=say)
    evidence = Evidence(
        subject=bench.subject,
        measurements=(*shown.measurements, findings_measurement(report)),
        coverage=Coverage(requested=(*shown.coverage.requested, SCAN), executed=(*shown.coverage.executed, SCAN)),
        cases=shown.cases,
        paired=shown.paired,
        rows=judged_rows({name: bench.datasets[name] for name in contract.manifest.datasets}),
        tool_version=__version__,
    )
    run = Run(
        evidence=digest(evidence),
        started=started,
        ended=workspace.now(),
        host=platform.machine(),
        versions={"python": sys.version.split()[0], "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    )
    return evidence, write_evidence(workspace, evidence, run)


def judged_rows(datasets: Mapping[str, Sequence[Mapping[str, Value]]]) -> dict[str, Digest]:
    """Return a digest of each dataset that something may be judged on: all but what a model and its thresholds learn
    from."""
    return {
        name: digest([[f"{column}={row[column]!r}" for column in sorted(row)] for row in rows])
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
    with open_model(root, contract.manifest) as model, no_network():
        bench = bench_of(root, contract, model, cases, rows_at)
        return tuple(run_case(case, bench, seed_of(contract.seed, case.id)).result for case in cases)


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
        cells=cells_of(root, manifest) if any(_reads_cells(case) for case in cases) else None,
    )


def _reads_cells(case: Case) -> bool:
    return (case.generator or {}).get("name") == "tree_cells"


def _decoded(path: Path, kind: Any) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, strict=True)
    except (OSError, msgspec.MsgspecError) as problem:
        raise CannotDecide(f"cannot be read: {problem}", str(path), "run `shipworthy build`") from problem
