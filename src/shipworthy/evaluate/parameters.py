"""What a case may say to its generator or about its rows, checked before anything runs.

In: the mapping from the pack and the shape of its generator. Out: the full set, or a ContractError that names the key:
a misspelt `sampel: 10` must not quietly mean the default.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from shipworthy.contract.generators import SHAPES, Shape, fault_of
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import in_segment
from shipworthy.evaluate.bench import Bench
from shipworthy.expr import compile_expr
from shipworthy.facts import Case
from shipworthy.profile.rows import Row

T = TypeVar("T")


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
    (drawn by the seed, kept in order). Raises ContractError for an unknown dataset or a sample that is no number of
    rows, and ExprError for a bad filter."""
    whole_number(case, sample)
    keep = compile_expr(where)
    rows = [
        row
        for row in bench.rows(dataset)
        if keep(row) is True and (case.segment == "*" or in_segment(bench, row, case.segment))
    ]
    return rows if sample is None else sampled(rows, sample, seed)


def apart(case: Case, rows: Sequence[Row], others: Sequence[Row], keys: str) -> None:
    """Raise ContractError when every row stands among the others too: compared with itself, nothing ever shows."""
    count = Counter(repr(sorted(row.items(), key=lambda cell: cell[0])) for row in rows)
    if rows and count <= Counter(repr(sorted(row.items(), key=lambda cell: cell[0])) for row in others):
        raise ContractError(f"{keys} are the same rows", f"case {case.id}", "name rows that are not the ones compared")


def generator_rows(case: Case, bench: Bench, given: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of a generator with `dataset`, `where` and `sample`; by default all held-out ones."""
    return case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)


def whole_number(case: Case, sample: Any) -> None:  # noqa: ANN401
    """Raise ContractError unless `sample` is a number of rows, or None for all of them."""
    if sample is not None and (isinstance(sample, bool) or not isinstance(sample, int) or sample < 1):
        raise ContractError(f"sample: {sample!r} is no number of rows", f"case {case.id}", "such as 500")


def feature_of(case: Case, bench: Bench, name: Any) -> Feature:  # noqa: ANN401
    """Return the feature of that name. Raises ContractError where the manifest has none."""
    feature = bench.feature(name) if isinstance(name, str) else None
    if feature is None:
        raise ContractError(f"no feature {name!r}", f"case {case.id}", "name one of shipworthy.yaml")
    return feature


def features_of(case: Case, bench: Bench, names: Any) -> list[Feature]:  # noqa: ANN401
    """Return the features of one name or a list of them, each once. Raises ContractError as `feature_of`."""
    several = names if isinstance(names, list | tuple) else [names]
    found = {one.name: one for one in (feature_of(case, bench, name) for name in several)}
    return list(found.values())


def number_of(case: Case, given: Mapping[str, Any], key: str) -> float:
    """Return a parameter that is a finite number. Raises ContractError for anything else."""
    value = given[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ContractError(f"{key}: {value!r} is no number", f"case {case.id}", "write a finite number")
    return float(value)


def sampled(rows: Sequence[T], n: int, seed: int) -> list[T]:
    """Return at most `n` rows drawn without putting back, in their own order."""
    if len(rows) <= n:
        return list(rows)
    places = np.sort(np.random.default_rng(seed).permutation(len(rows))[:n])
    return [rows[place] for place in places]
