"""Which function runs a generator: one evaluator a file, all of one shape, the ones of users beside ours.

In: the name that a case writes. Out: a runner. A runner takes the case, the bench and the case's seed, and gives a
`CaseShown`; how it is called stands in `contract/generators/`, where `check` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.evaluate import (
    lift_scan,
    membership,
    metamorphic,
    nearest_flip,
    probe_case,
    text_flip,
    text_invariance,
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
    "nearest_flip": nearest_flip.run_case,
    "probe": probe_case.run_case,
    "text_flip": text_flip.run_case,
    "text_invariance": text_invariance.run_case,
    "surface": surface.run_case,
    "screen": screen.run_case,
    "lift_scan": lift_scan.run_case,
    "membership": membership.run_case,
}
