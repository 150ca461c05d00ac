"""What a case may say to its generator or about its rows, checked before anything runs.

In: the mapping from the pack and the defaults of one generator. Out: the full set, or a ContractError that names the
key: a misspelt `sampel: 10` must not quietly mean the default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import in_segment
from shipworthy.evaluate.bench import Bench
from shipworthy.expr import compile_expr
from shipworthy.facts import Case
from shipworthy.profile.rows import Row

REQUIRED = object()


def parameters(case: Case, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the generator's parameters over their defaults. A number is as good as a whole number where a float is
    the default; anything else of another type, a key nobody knows, or a missing required one is refused."""
    given = {key: value for key, value in (case.generator or {}).items() if key != "name"}
    for key, value in given.items():
        if key not in defaults:
            raise _fault(case, f"unknown parameter {key!r}", f"known: {', '.join(defaults) or 'none'}")
        if not _alike(value, defaults[key]):
            raise _fault(case, f"{key}: {value!r} is of the wrong type", f"such as {defaults[key]!r}")
    made = {**defaults, **given}
    for key, value in made.items():
        if value is REQUIRED:
            raise _fault(case, f"{key} is missing", f"write `{key}:` under `generator:`")
    return made


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


def _alike(value: Any, default: Any) -> bool:  # noqa: ANN401
    if default is REQUIRED or default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))


def _fault(case: Case, what: str, fix: str) -> ContractError:
    return ContractError(what, f"case {case.id}", fix)
