"""Cases that could never pass: even a perfect answer to all their rows would not prove the target.

In: the cases, and how many rows each could count at most. Out: a fault for each case that decides, with the rows that
are needed. A minor case is kept: it runs and is shown as undecided, so that nobody calls it tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, cast

from shipworthy.contract.generators import SHAPES
from shipworthy.contract.problems import Findings
from shipworthy.facts import Case
from shipworthy.stats.bounds import n_to_meet

MostRows = Callable[[Case], int | None]
"""The most rows that could count in a case; None where that cannot be told before it runs."""


def too_thin(cases: Iterable[Case], most_rows: MostRows, found: Findings) -> None:
    """Note each deciding case whose oracle no outcome could satisfy on its rows."""
    for index, case in enumerate(cases):
        if case.severity == "minor" or case.trial:
            continue
        needed = rows_needed(case)
        if needed is None:
            if _never(case):
                told = f"case {case.id!r}: no number of rows proves a share {case.oracle.op} {case.oracle.target:g}"
                found.add(("cases", index, "oracle"), told, "a target that rows can prove, such as 0.01 or 0.99")
            continue
        most = most_rows(case)
        if most is not None and most < needed:
            told = f"case {case.id!r}: {most} rows can count, {needed} are needed before a perfect answer could pass"
            fix = "give it more rows, a target that they can prove, or `severity: minor` (kept, shown as undecided)"
            found.add(("cases", index, "oracle"), told, fix)


def rows_needed(case: Case) -> int | None:
    """Return the rows with which the best outcome would pass; None where the oracle is not a share of rows."""
    oracle = case.oracle
    if oracle.op not in ("<=", ">=") or not (oracle.hits is not None or _is_share(case)):
        return None
    return n_to_meet(
        cast(Literal["<=", ">="], oracle.op), oracle.target, 0.0 if oracle.op == "<=" else 1.0, oracle.level
    )


def _never(case: Case) -> bool:
    oracle = case.oracle
    share = oracle.hits is not None or _is_share(case)
    return share and ((oracle.op == "<=" and oracle.target <= 0.0) or (oracle.op == ">=" and oracle.target >= 1.0))


def _is_share(case: Case) -> bool:
    shape = SHAPES.get(str((case.generator or {}).get("name", "")))
    return shape is not None and case.oracle.metric in shape.shares
