"""What a release knew when it shipped, in the form the runtime goes on from: calibration counts and probe rows.

In: a release folder and its running model. Out: labelled scores of the calibration rows by cell, per threshold bucket,
and by score bin, per segment that an SLO compares scores in; and probe rows by kind, made from held-out rows with a
seed that follows from the version, or taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.pack import case_files
from shipworthy.deploy.segments import segments_of
from shipworthy.errors import ContractError
from shipworthy.facts import UNSEEN, holds, seed_of
from shipworthy.models.spec import Cell, columns_of, values_of
from shipworthy.models.table import read_rows
from shipworthy.observe.known import Known, ScoreCounts, score_counts
from shipworthy.observe.measure_drift import SCORES
from shipworthy.observe.measure_estimated import ESTIMATED
from shipworthy.observe.over import TENANT
from shipworthy.observe.recalibrate import CellCounts, counted
from shipworthy.profile.groups import groups_declared
from shipworthy.profile.probes import COHORTS, KINDS, not_accepted, nullable_features, probe
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.releases import Loaded

PROBES = 200
OF_REFERENCE = (SCORES, ESTIMATED)  # indicators that compare live scores with those of the calibration rows
HIDDEN_COHORT, INCIDENT = COHORTS
Row = dict[str, Cell]
Edges = tuple[float, ...]
Ask = Callable[[list[list[Cell]]], Sequence[float | None]]


def dataset_rows(one: Loaded, name: str) -> list[Row]:
    """Return the rows of a declared dataset of a release; none when it declares none of that name."""
    manifest = one.contract.manifest
    declared = manifest.datasets.get(name)
    if declared is None:
        return []
    return read_rows(one.folder / declared.path, declared.where, text_columns(manifest))


def warm_rows(one: Loaded) -> dict[str, Row]:
    """Return by version the first row that the release was calibrated on, to keep its model warm; empty without one."""
    rows = dataset_rows(one, "calibration")
    return {one.version: rows[0]} if rows else {}


def asked_once(ask: Ask) -> Ask:
    """Return `ask` with a memory: the same rows are scored once, whoever needs them."""
    known: dict[tuple[tuple[Cell, ...], ...], Sequence[float | None]] = {}

    def again(rows: list[list[Cell]]) -> Sequence[float | None]:
        key = tuple(map(tuple, rows))
        if key not in known:
            known[key] = ask(rows)
        return known[key]

    return again


def calibration_scores(one: Loaded, ask: Ask) -> dict[str, ScoreCounts]:
    """Return the scores of the calibration rows in every segment whose live scores an SLO compares with them; nothing
    when no SLO does, or no calibration rows are declared."""
    manifest = one.contract.manifest
    asked = {segment for slo in one.contract.policy.slos if slo.indicator in OF_REFERENCE for segment in slo.segments}
    rows = dataset_rows(one, "calibration") if asked else []
    if not rows:
        return {}
    columns, keys = columns_of(manifest.features), {key.key for key in manifest.segments.keys}
    bins = {feature.name: feature.bins for feature in manifest.features if feature.bins}
    scores = ask([values_of(row, columns) for row in rows])
    inside = [_values(row, keys, manifest.tenant, bins) for row in rows]
    pairs = [(score, _label(row.get(manifest.label.column))) for score, row in zip(scores, rows, strict=True)]
    return {
        segment: score_counts(pair for pair, values in zip(pairs, inside, strict=True) if holds(segment, values))
        for segment in sorted(asked)
    }


def known_of(one: Loaded, scores: Mapping[str, ScoreCounts]) -> Known:
    """Return what live numbers of a version are compared with."""
    manifest = one.contract.manifest
    protected = tuple(feature.name for feature in manifest.features if feature.protected and groups_declared(feature))
    return Known(one.scorer.profile.bins, scores, protected, manifest.unit or "")


def _values(row: Row, keys: Collection[str], tenant: str | None, bins: Mapping[str, Edges]) -> dict[str, str]:
    """The segment values of a row, as the gateway names them."""
    values, _ = segments_of(row, keys, (), bins=bins)
    return values if tenant is None else {**values, TENANT: str(row.get(tenant))}


def _label(value: Cell) -> int | None:
    return value if isinstance(value, int) and value in (0, 1) else None


def calibration_cells(one: Loaded, ask: Ask) -> dict[str, CellCounts]:
    """Return labelled scores of the calibration rows per bucket; `ask` scores rows of values in model order."""
    manifest = one.contract.manifest
    rows = dataset_rows(one, "calibration")
    if manifest.review is None or not rows:
        return {}
    cells = {"*": _cells(manifest, ask, rows)}
    for feature in manifest.review.buckets:
        cells[feature] = _cells(manifest, ask, [{**row, feature: UNSEEN} for row in rows])
    return cells


def _cells(manifest: Manifest, ask: Ask, rows: list[Row]) -> CellCounts:
    columns = columns_of(manifest.features)
    scores = ask([values_of(row, columns) for row in rows])
    labels = [row.get(manifest.label.column) for row in rows]
    pairs = [
        (score, int(label))
        for score, label in zip(scores, labels, strict=True)
        if score is not None and label in (0, 1) and isinstance(label, int)
    ]
    if not pairs:
        raise ContractError("the calibration rows have no labels", manifest.label.column, "name the label column")
    return counted(pairs)


def probe_rows(one: Loaded) -> Mapping[str, list[Row]]:
    """Return probe rows by kind; a kind without an eligible feature, or without rows of its own, has none."""
    manifest = one.contract.manifest
    held_out = dataset_rows(one, "test")
    nullable = nullable_features(one.scorer.profile)
    made: dict[str, list[Row]] = {}
    for kind in KINDS:
        rng = np.random.default_rng(seed_of(manifest.model, manifest.version, kind))
        altered = [probe(kind, row, manifest.features, rng, nullable, held_out) for row in held_out[:PROBES]]
        made[kind] = [dict(row) for row in altered if row is not None]
    made[HIDDEN_COHORT] = dataset_rows(one, HIDDEN_COHORT)[:PROBES]
    made[INCIDENT] = incident_rows(one.folder, one.contract)[:PROBES]
    return made


def incident_rows(root: Path, contract: Contract) -> list[Row]:
    """Return the rows of incidents about unfamiliar values, without those the contract has come to accept.

    Rows of other incidents look like any other: no detector is to flag them.
    """
    mine = [case for case in contract.cases if case.source_incident and case.kind == INCIDENT]
    files = dict.fromkeys(file for case in mine for file in case_files(case))
    text = text_columns(contract.manifest)
    rows = [row for file in files for row in read_rows(root / file, text=text)]
    return [dict(row) for row in not_accepted(rows, contract.manifest.features)]
