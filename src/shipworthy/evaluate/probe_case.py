"""Cases that test the detector like a model: rows with one known fault each, judged by the case's own oracle.

`{name: probe, probe: <kind>, feature, dataset, where, sample}`: every row altered by one probe of the kind (a unit
mistaken, a sentinel, an empty field, an unseen category, two fields swapped). `feature` keeps to one. Rows without an
eligible field are left out. The oracle reads `ood_flag` and `ood_p` beside the names of every answered row.
"""

from __future__ import annotations

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.rows_case import judged
from shipworthy.facts import Case
from shipworthy.profile.probes import KINDS, nullable_features, probe


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for an unknown kind, or one that no row has a field for."""
    given = parameters(case)
    if given["probe"] not in KINDS:
        raise ContractError(f"no probe {given['probe']!r}", f"case {case.id}", f"one of {', '.join(KINDS)}")
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    rng = np.random.default_rng(seed)
    fields = [one for one in bench.features if given["feature"] in (None, one.name)]
    nullable = frozenset() if bench.scorer is None else nullable_features(bench.scorer.profile)
    altered = [probe(given["probe"], row, fields, rng, nullable, rows) for row in rows]
    probes = [row for row in altered if row is not None]
    if not probes:
        raise ContractError(
            f"no row has a field for {given['probe']!r}", f"case {case.id}", "declare a unit or category"
        )
    return CaseShown(result=judged(case, bench, probes, seed))
