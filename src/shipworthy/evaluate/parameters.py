"""What a case may say to its generator or about its rows, checked before anything runs.

In: the mapping from the pack and the shape of its generator. Out: the full set, or a ContractError that names the key:
a misspelt `sampel: 10` must not quietly mean the default.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shipworthy.contract.generators import SHAPES, Shape, fault_of
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import in_segment
from shipworthy.evaluate.bench import Bench
from shipworthy.expr import compile_expr
from shipworthy.facts import Case
from shipworthy.profile.rows import Row


def parameters(case: Case, shape: Shape | None = None) -> dict[str, Any]:
    """Return the generator's parameters over the defaults of its shape (by default the one the case names). Raises
    ContractError for what the shape does not take."""
    given = dict(case.generator or {})
    shape = shape or SHAPES[str(given.get("name", ""))]
    fault = fault_of(given, shape)
    if fault is not None:
        _, what, fix = fault
        raise ContractError(what, f"case {case.id}", fix)
    return {**shape.parameters, **{key: value for key, value in given.items() if key != "name"}}


def case_rows(bench: Bench, case: Case, dataset: str, where: str, sample: int | None, seed: int) -> list[Row]:
    """Return the rows of a dataset inside the case's segment for which `where` is true, at most `sample` of them
    (drawn by the seed, kept in order). Raises ContractError for an unknown dataset and ExprError for a bad filter."""
    keep = compile_expr(where)
    rows = [
        row
        for row in bench.rows(dataset)
        if keep(row) is True and (case.segment == "*" or in_segment(bench, row, case.segment))
    ]
    return rows if sample is None else sampled(rows, sample, seed)


def sampled(rows: Sequence[Row], n: int, seed: int) -> list[Row]:
    """Return at most `n` rows drawn without putting back, in their own order."""
    if len(rows) <= n:
        return list(rows)
    places = np.sort(np.random.default_rng(seed).permutation(len(rows))[:n])
    return [rows[place] for place in places]
