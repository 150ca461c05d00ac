"""Is one group treated worse than another: by selection, by errors, by calibration.

In: rows with answers, and the columns that make groups (none = the protected features). Out: the metric the oracle
names, of the worst pair, with bounds; every pair is a part. `selected` says what a favourable answer is. How each
metric is made stands in `gap_pairs`.

Not seen: groups nobody declared, and harm that is the same for all. A rate is of those who came here: whoever was kept
from applying is in no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.by_group import splits
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.gap_pairs import CALIBRATION, Told, looked_at, pairs_of
from shipworthy.evaluate.group_lines import group_lines
from shipworthy.evaluate.measure import number
from shipworthy.evaluate.oracle import judge_number, verdict
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.worst_pair import Pair, Worst, unjudged, worst
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Example, Measurement


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result, and a listed part per pair. Rows without an answer make it inconclusive."""
    given = parameters(case)
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    seen = list(answer(bench, rows))
    made = splits(bench, rows, given["by"], given["pairs"])
    metric = str(case.oracle.metric)
    chosen = [compile_expr(given["selected"])(one.named()) for one in seen]
    silent = sum(one.score is None for one in seen) if metric in CALIBRATION else chosen.count(None)
    if silent or not made:
        why = f"{silent} rows without an answer" if silent else "no feature is declared protected and `by` names none"
        return CaseShown(result=judge_number(case, None, None, None, len(seen), seed, f"; {why}"))
    told = Told(
        bench,
        seen,
        np.array([bool(one) for one in chosen], dtype=np.bool_),
        np.array([np.nan if one.label is None else one.label for one in seen], dtype=np.float64),
        np.array([np.nan if one.score is None else one.score for one in seen], dtype=np.float64),
        seed,
    )
    pairs = pairs_of(told, made, metric)
    shown = judged(case, pairs, looked_at(made, metric), metric, seed)
    because = f"{shown.result.because}; {group_lines(told, made, metric, case.oracle.level)}"
    return replace(shown, result=msgspec.structs.replace(shown.result, because=because))


def judged(case: Case, pairs: Sequence[Pair], wanted: Sequence[str], metric: str, seed: int) -> CaseShown:
    """Return the result of the worst pair. A column of which no two groups have enough rows is no pass."""
    is_ratio = metric.endswith("_ratio")
    found = worst(pairs, case.oracle.level, smallest=is_ratio)
    blind = unjudged(pairs, wanted)
    parts = tuple(_part(case, metric, pair) for pair in pairs)
    if found is None:
        why = f"; no two groups with enough rows by {', '.join(blind)}"
        return CaseShown(result=judge_number(case, None, None, None, 0, seed, why), measurements=parts)
    notes = f"; {metric}, {found.pair.name}, worst of {found.pairs} pairs" + _thin(pairs)
    result = judge_number(case, found.value, found.lo, found.hi, found.n, seed, notes)
    shown = _with_examples(_held(result, blind), case, pairs, found, is_ratio)
    return CaseShown(result=_or_proven(shown, case, pairs), measurements=parts)


def _or_proven(result: CaseResult, case: Case, pairs: Sequence[Pair]) -> CaseResult:
    """A pair with too few rows is not judged, but what even they prove, at a level that all pairs share, is no pass."""
    strict = 1.0 - (1.0 - case.oracle.level) / max(1, len(pairs))
    proven = [] if case.oracle.op == "==" else [
        pair.name for pair in pairs if pair.thin and verdict(case.oracle, *pair.bounds(strict)) == "fail"
    ]  # fmt: skip
    if not proven:
        return result
    told = f"{result.because}; few rows, and yet beyond the target: {', '.join(proven[:MOST])}"
    return msgspec.structs.replace(result, status="fail", because=told)


def _held(result: CaseResult, blind: Sequence[str]) -> CaseResult:
    if not blind:
        return result
    told = f"{result.because}; not judged for want of rows: {', '.join(blind)}"
    return msgspec.structs.replace(
        result, status="inconclusive" if result.status == "pass" else result.status, because=told
    )


def _with_examples(result: CaseResult, case: Case, pairs: Sequence[Pair], found: Worst, is_ratio: bool) -> CaseResult:
    """The five worst pairs in words; groups are no rows, so nothing else is shown of them."""
    kept = [(pair, pair.bounds(case.oracle.level)) for pair in pairs if not pair.thin]
    kept.sort(key=lambda one: one[1][0] if is_ratio else -one[1][0])
    told = (f"{pair.name}: {value:.4g} [{lo:.4g}, {hi:.4g}], {pair.n} rows" for pair, (value, lo, hi) in kept[:MOST])
    return msgspec.structs.replace(result, worst=tuple(Example(told=one) for one in told))


def _part(case: Case, metric: str, pair: Pair) -> Measurement:
    ask = Ask(indicator="subgroup_gap", segment=case.segment, level=case.oracle.level)
    value, lo, hi = pair.bounds(ask.level)
    thin = "; not judged: too few rows" if pair.thin else ""
    return number(ask, value, lo, hi, pair.n, f"{metric}{thin}", pair.name)


def _thin(pairs: Sequence[Pair]) -> str:
    thin = sum(pair.thin for pair in pairs)
    return f"; {thin} pairs with too few rows, listed only" if thin else ""
