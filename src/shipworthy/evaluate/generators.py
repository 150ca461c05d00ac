"""Which function runs a generator: one evaluator a file, all of one shape, the ones of users beside ours.

In: the name that a case writes. Out: a runner. A runner takes the case, the bench and the case's seed, and gives a
`CaseShown`; how it is called stands in `contract/generators/`, where `check` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.evaluate import (
    direction,
    faulty_cells,
    lift_scan,
    membership,
    metamorphic,
    nearest_flip,
    probe_case,
    resampled,
    tail,
    time_split,
)
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.facts import Case

Runner = Callable[[Case, Bench, int], CaseShown]

GENERATORS: dict[str, Runner] = {
    "payload": metamorphic.payload,
    "invariance": metamorphic.invariance,
    "conversion": metamorphic.conversion,
    "copies": metamorphic.copies,
    "monotone": direction.monotone,
    "direction": direction.direction,
    "tail": tail.run_case,
    "reweight": resampled.reweight,
    "label_shift": resampled.label_shift,
    "missing_columns": faulty_cells.missing_columns,
    "unit_error": faulty_cells.unit_error,
    "stale_category": faulty_cells.stale_category,
    "hide_feature": faulty_cells.hide_feature,
    "time_split": time_split.run_case,
    "nearest_flip": nearest_flip.run_case,
    "probe": probe_case.run_case,
    "lift_scan": lift_scan.run_case,
    "membership": membership.run_case,
}
