"""Which function runs a generator: one evaluator a file, all of one shape, the ones of users beside ours.

In: the name that a case writes. Out: a runner. A runner takes the case, the bench and the case's seed, and gives a
`CaseShown`; how it is called stands in `contract/generators/`, where `check` reads it too.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.evaluate import (
    extraction,
    group_gaps,
    lift_scan,
    membership,
    metamorphic,
    nearest_flip,
    probe_case,
    proxy_features,
    target_audit,
)
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.facts import Case

Runner = Callable[[Case, Bench, int], CaseShown]

GENERATORS: dict[str, Runner] = {
    "payload": metamorphic.payload,
    "hide_feature": metamorphic.hide_feature,
    "invariance": metamorphic.invariance,
    "monotone": metamorphic.monotone,
    "nearest_flip": nearest_flip.run_case,
    "probe": probe_case.run_case,
    "lift_scan": lift_scan.run_case,
    "membership": membership.run_case,
    "group_gaps": group_gaps.run_case,
    "proxy_features": proxy_features.run_case,
    "target_audit": target_audit.run_case,
    "extraction": extraction.run_case,
}
