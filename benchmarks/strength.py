"""Claim: the contract of examples/claims-triage stops at least 18 of 20 bad models and ships 5 of 5 good ones.

`shipworthy strength` on a fresh copy, three times: the contract as it is; its pack cut to one case a clause, the least
that `check` allows (the threat model, which names cases, goes too); and one SLO loosened (`auto_error_rate` to .95). A
weaker contract must show a lower score. No peer tests a safety contract by mutation. WORKERS processes at a time (2),
as many models as ONLY names (all).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import yaml

from benchmarks.harness import lined
from shipworthy.contract.files.reader import read_manifest
from shipworthy.flows.build import build
from shipworthy.flows.keys import new_keys
from shipworthy.flows.note import stamp_note
from shipworthy.flows.sign import sign
from shipworthy.flows.strength.run import strength
from shipworthy.gate.strength import Strength, counts
from shipworthy.runtime.workspace import Workspace

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "claims-triage"
WORKERS = int(os.environ.get("WORKERS", "2"))
ONLY = tuple(os.environ.get("ONLY", "").split())
LOOSENED = "auto_error_rate"


def run() -> str:
    """Return the scores by clause, healthy variants, requests before detection, survivors and seconds, each contract
    a column."""
    with tempfile.TemporaryDirectory(prefix="strength-") as at:
        tried = [(name, *_tried(Path(at) / str(place), edit)) for place, (name, edit) in enumerate(CONTRACTS)]
    clauses = [one.clause for one in counts(tried[0][1])]
    lines = [("", *(name for name, _, _ in tried))]
    lines += [
        ("all clauses" if clause == "*" else clause, *(_score(record, clause) for _, record, _ in tried))
        for clause in clauses
    ]
    lines.append(("healthy shipped", *(_healthy(record) for _, record, _ in tried)))
    lines.append(("seconds", *(f"{seconds:.0f}" for _, _, seconds in tried)))
    survivors = [f"{name}: {one.id} went through; {one.told}" for name, record, _ in tried for one in record.survivors]
    return "\n".join([lined(lines, right=(1, 2, 3)), *_detected(tried[0][1]), *survivors])


def as_it_is(root: Path) -> None:
    """Leave the contract alone."""


def emptied(root: Path) -> None:
    """Keep the last case of each clause, and no threat model, which would ask for the cases it names."""
    (root / "threat-model.yaml").unlink()
    path = root / "robustness-pack.yaml"
    pack = yaml.safe_load(path.read_text(encoding="utf-8"))
    last = {case["clause"]: {key: case[key] for key in case if key != "threat"} for case in pack["cases"]}
    path.write_text(yaml.safe_dump({**pack, "cases": list(last.values())}), encoding="utf-8")


def loosened(root: Path) -> None:
    """Let nearly all automatic answers be wrong."""
    path = root / "safety-slos.yaml"
    policy = yaml.safe_load(path.read_text(encoding="utf-8"))
    for slo in policy["slos"]:
        slo["target"] = "<= 0.95" if slo["name"] == LOOSENED else slo["target"]
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")


CONTRACTS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("as it is", as_it_is),
    ("pack emptied", emptied),
    (f"{LOOSENED} <= .95", loosened),
)


def _tried(at: Path, edit: Callable[[Path], None]) -> tuple[Strength, float]:
    root = at / "repo"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("story", ".shipworthy", "model", "__pycache__"))
    edit(root)
    workspace = Workspace(root=root, home=at / "home")
    new_keys(workspace, read_manifest(root))
    stamp_note(root)
    build(workspace, lambda text: None)
    sign(workspace, workspace.contract())
    start = perf_counter()
    record, _ = strength(workspace, lambda text: print(text, file=sys.stderr, flush=True), ONLY, WORKERS)
    return record, perf_counter() - start


def _score(record: Strength, clause: str) -> str:
    found = next((one for one in counts(record) if one.clause == clause), None)
    return "-" if found is None else f"{found.stopped} of {found.mutants}"


def _healthy(record: Strength) -> str:
    return f"{len(record.healthy) - len(record.too_tight)} of {len(record.healthy)}"


def _detected(record: Strength) -> list[str]:
    return [
        f"{one.id}: {one.requests} of {one.sent} requests answered before {', '.join(one.by)}"
        for one in record.tried
        if one.requests is not None
    ]
