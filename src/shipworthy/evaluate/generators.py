"""Which function runs a generator: one evaluator a file, all of one shape, the ones of users beside ours.

In: the name that a case writes. Out: a runner. A runner takes the case, the bench and the case's seed, and gives a
`CaseShown`; how it is called stands in `contract/generators/`, where `check` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.evaluate import (
    duplicates,
    feasible_flip,
    image_flip,
    label_noise,
    lift_scan,
    membership,
    memorised,
    metamorphic,
    probe_case,
    redteam,
    target_leak,
    text_flip,
    text_invariance,
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
    "hide_feature": metamorphic.hide_feature,
    "invariance": metamorphic.invariance,
    "monotone": metamorphic.monotone,
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
}
