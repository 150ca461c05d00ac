"""What a release knew when it shipped, in the form the runtime goes on from: calibration counts and probe rows.

In: a release folder and its running model. Out: labelled scores of the calibration rows by cell, per threshold bucket;
and probe rows by kind, made from held-out rows with a seed that follows from the version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError
from shipworthy.facts import UNSEEN, seed_of
from shipworthy.models.spec import Cell, columns_of, values_of
from shipworthy.models.table import read_rows
from shipworthy.observe.probes import PLAIN
from shipworthy.observe.recalibrate import CellCounts, counted
from shipworthy.profile.probes import probe
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.releases import Loaded

PROBES = 200
Row = dict[str, Cell]
Ask = Callable[[list[list[Cell]]], Sequence[float | None]]


def dataset_rows(one: Loaded, name: str) -> list[Row]:
    """Return the rows of a declared dataset of a release; none when it declares none of that name."""
    manifest = one.contract.manifest
    declared = manifest.datasets.get(name)
    if declared is None:
        return []
    return read_rows(one.folder / declared.path, declared.where, text_columns(manifest))


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
    """Return probe rows by kind; a kind without an eligible feature has none."""
    manifest = one.contract.manifest
    rows = dataset_rows(one, "test")[:PROBES]
    made: dict[str, list[Row]] = {}
    for kind in PLAIN:
        rng = np.random.default_rng(seed_of(manifest.model, manifest.version, kind))
        altered = [probe(kind, row, manifest.features, rng) for row in rows]
        made[kind] = [dict(row) for row in altered if row is not None]
    return made
