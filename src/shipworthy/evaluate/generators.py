"""Which function runs a generator: one evaluator a file, all of one shape, the ones of users beside ours.

In: the name that a case writes. Out: a runner. A runner takes the case, the bench and the case's seed, and gives a
`CaseShown`; how it is called stands in `contract/generators/`, where `check` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.evaluate import (
    direction,
    duplicates,
    extraction,
    faulty_cells,
    feasible_flip,
    group_gaps,
    image_flip,
    label_noise,
    lift_scan,
    membership,
    memorised,
    metamorphic,
    probe_case,
    proxy_features,
    redteam,
    resampled,
    tail,
    target_audit,
    target_leak,
    text_flip,
    text_invariance,
    time_split,
    tool_policy,
    tree_cells,
    trigger_search,
)
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.surface import case as surface
from shipworthy.evaluate.surface import screen
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
    "nearest_flip": feasible_flip.run_case,
    "feasible_flip": feasible_flip.run_case,
    "image_flip": image_flip.run_case,
    "probe": probe_case.run_case,
    "text_flip": text_flip.run_case,
    "text_invariance": text_invariance.run_case,
    "surface": surface.run_case,
    "screen": screen.run_case,
    "lift_scan": lift_scan.run_case,
    "tree_cells": tree_cells.run_case,
    "trigger_search": trigger_search.run_case,
    "label_noise": label_noise.run_case,
    "duplicates": duplicates.run_case,
    "target_leak": target_leak.run_case,
    "membership": membership.run_case,
    "redteam": redteam.run_case,
    "memorised": memorised.run_case,
    "tool_policy": tool_policy.run_case,
    "group_gaps": group_gaps.run_case,
    "proxy_features": proxy_features.run_case,
    "target_audit": target_audit.run_case,
    "extraction": extraction.run_case,
}
