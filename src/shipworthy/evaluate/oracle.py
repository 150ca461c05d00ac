"""What one case shows: its written oracle against what was counted.

In: a case with the rows it ran on, or a number with bounds. Out: a `CaseResult`. A bound decides, never the point:
`pass` when it holds the target, `fail` when the target is excluded, `inconclusive` between, with the rows still needed.
A case that could not pass at its size even with the best outcome says so. `==` judges the point itself.

An oracle's unknowns never help: a row whose `hits` cannot be told counts against the case, and one whose `among` cannot
be told is left out and counted in `because`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import ContractError
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Oracle, digest
from shipworthy.stats.bounds import n_to_meet, rate_bounds

Codes = NDArray[np.int8]

HIT, MISS, OUTSIDE, UNKNOWN = "1", "0", ".", "?"
_SIGNS = np.array([ord(MISS), ord(HIT), ord(UNKNOWN)])  # by code: 0, 1 and, from the end, -1


def judge_rows(case: Case, named: Sequence[Mapping[str, Any]], seed: int, hits: str | None = None) -> CaseResult:
    """Return the result of a rate oracle over rows of named values. `hits` is what to count when the case names none.

    `bits` has one sign a row, in order: `1` hit, `0` none, `.` not among, `?` cannot be told. Raises ExprError.
    """
    text = case.oracle.hits or hits
    if text is None:
        raise ContractError("the oracle says not what is counted", f"case {case.id}", "write `hits:`")
    among, counted = compile_expr(case.oracle.among), compile_expr(text)
    inside, hit = _codes(among(row) for row in named), _codes(counted(row) for row in named)
    return judge_codes(case, inside, hit, seed)


def judge_codes(case: Case, inside: Codes, counted: Codes, seed: int, requested: int | None = None) -> CaseResult:
    """Return the result of a rate oracle whose `among` (`inside`) and `hits` (`counted`) are told for each row: 1 true,
    0 false, -1 unknown."""
    signs = np.where(inside == 1, _SIGNS[counted], ord(OUTSIDE)).astype(np.uint8)
    bits = signs.tobytes().decode("ascii")
    unknown = bits.count(UNKNOWN)
    hits_seen = bits.count(HIT) + (unknown if _hits_hurt(case.oracle) else 0)
    notes = _notes(unknown, int((inside == -1).sum()))
    return judge_rate(case, hits_seen, len(bits) - bits.count(OUTSIDE), seed, bits, notes, requested)


def judge_rate(
    case: Case, hits: int, n: int, seed: int, bits: str = "", notes: str = "", requested: int | None = None
) -> CaseResult:
    """Return the result of `hits` of `n` by exact one-sided bounds at the oracle's level. `requested` = the rows that
    should have run; where fewer did, what was seen can fail but never pass."""
    oracle = case.oracle
    if n == 0:
        least = _least(oracle)
        why = f"no row to judge{notes}"
        return result(case, "inconclusive", why, seed, bits=bits, needs_n=least, requested=requested)
    value, (lo, hi) = hits / n, rate_bounds(hits, n, oracle.level)
    status = verdict(oracle, value, lo, hi)
    told = f"{oracle.name}: {hits} of {n} = {value:.4g} [{lo:.4g}, {hi:.4g}], target {target_text(oracle)}{notes}"
    needs = None
    if status == "inconclusive":
        least = _least(oracle)
        small = least is not None and n < least
        total = least if small else _needed(oracle, value)
        needs = None if total is None else max(total - n, 1)
        told += f"; {n} rows cannot show it, {least} could at best" if small else "; the target lies between the bounds"
    if requested is not None and n < requested:
        told += f"; {n} of {requested} rows ran"
        status = "fail" if status == "fail" else "inconclusive"
    return result(case, status, told, seed, n, hits, value, lo, hi, needs, bits, requested)


def judge_number(
    case: Case, value: float | None, lo: float | None, hi: float | None, n: int, seed: int, notes: str = ""
) -> CaseResult:
    """Return the result of a number that is no rate; without a value it is inconclusive."""
    if value is None or lo is None or hi is None:
        return result(case, "inconclusive", f"{case.oracle.name}: not measured{notes}", seed, n)
    status = verdict(case.oracle, value, lo, hi)
    told = f"{case.oracle.name}: {value:.4g} [{lo:.4g}, {hi:.4g}], target {target_text(case.oracle)}{notes}"
    return result(case, status, told, seed, n, None, value, lo, hi)


def verdict(oracle: Oracle, value: float, lo: float, hi: float) -> str:
    """Return `pass`, `fail` or `inconclusive`. Raises ContractError on an operator that is none."""
    if oracle.op == "==":
        return "pass" if value == oracle.target else "fail"
    if oracle.op == ">=":
        return "pass" if lo >= oracle.target else "fail" if hi < oracle.target else "inconclusive"
    if oracle.op == "<=":
        return "pass" if hi <= oracle.target else "fail" if lo > oracle.target else "inconclusive"
    raise ContractError(f"no operator {oracle.op!r}", "oracle", "write >=, <= or ==")


def against(oracle: Oracle) -> str:
    """Return the signs of `bits` that count against the case; what cannot be told always does."""
    return (HIT if _hits_hurt(oracle) else MISS) + UNKNOWN


def target_text(oracle: Oracle) -> str:
    """Return `<op> <target>` so that the target reads back as the same number."""
    return f"{oracle.op} {oracle.target!r}"


def result(
    case: Case,
    status: str,
    because: str,
    seed: int,
    n: int = 0,
    hits: int | None = None,
    value: float | None = None,
    lo: float | None = None,
    hi: float | None = None,
    needs_n: int | None = None,
    bits: str = "",
    requested: int | None = None,
) -> CaseResult:
    """Return the result; a trial case is shown as a minor one, because it must not decide."""
    return CaseResult(
        case=case.id,
        status=status,
        clause=case.clause,
        severity="minor" if case.trial else case.severity,
        n=n,
        hits=hits,
        value=_finite(value),
        lo=_finite(lo),
        hi=_finite(hi),
        target=target_text(case.oracle),
        because=f"trial: {because}" if case.trial else because,
        seed=seed,
        needs_n=needs_n,
        bits=bits,
        segment=case.segment,
        material=digest(case),
        requested=requested,
    )


def _hits_hurt(oracle: Oracle) -> bool:
    return oracle.op == "<=" or (oracle.op == "==" and oracle.target < 1.0)


def _codes(told: Iterable[bool | None]) -> Codes:
    return np.fromiter((-1 if one is None else one for one in told), np.int8)


def _notes(unknown: int, left_out: int) -> str:
    told = f"; {unknown} could not be told and count against it" if unknown else ""
    return told + (f"; {left_out} left out, `among` could not be told" if left_out else "")


def _least(oracle: Oracle) -> int | None:
    """The rows with which the best possible outcome would pass."""
    return _needed(oracle, 0.0 if oracle.op == "<=" else 1.0)


def _needed(oracle: Oracle, rate: float) -> int | None:
    if oracle.op not in ("<=", ">="):
        return 1
    return n_to_meet(cast(Literal["<=", ">="], oracle.op), oracle.target, rate, oracle.level)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
