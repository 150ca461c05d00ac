"""Against the gate baseline: what was last shipped and passed (DECISIONS §2).

Primary SLOs must be proven non-inferior within their margin; all others block only if worse with p < .05 after Holm
over the release. Rates whose denominator the model or its threshold chooses are compared by their target only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from shipworthy.facts import Comparison, Digest, Judgement, Measurement, Outcome, Policy, Slo
from shipworthy.indicators import INDICATORS, SCORED_METRICS
from shipworthy.stats.bounds import n_for_interval
from shipworthy.stats.paired import holm, n_to_show_non_inferior

ALPHA = 0.05
AGAINST = " vs baseline"

_Key = tuple[str, str]  # indicator and segment; percentiles of one number are compared as that number


class _Row(msgspec.Struct, frozen=True):
    """One SLO on one segment with what was measured of it."""

    slo: Slo
    segment: str
    seen: Measurement | None

    @property
    def comparison(self) -> Comparison | None:
        return self.seen.comparison if self.seen else None


def is_compared(slo: Slo) -> bool:
    """True when the SLO's indicator is measured on the same held-out rows on both sides, whatever the model answers."""
    if not INDICATORS[slo.indicator].paired:
        return False
    return slo.indicator != "subgroup_gap" or (slo.metric or SCORED_METRICS[0]) in SCORED_METRICS


def compare(policy: Policy, measurements: Iterable[Measurement], baseline: Digest) -> tuple[Judgement, ...]:
    """Return a judgement per SLO compared with `baseline` (its artefact digest), named `<slo> vs baseline`."""
    seen = tuple(measurements)
    rows = [
        _Row(slo, segment, _found(slo, segment, seen))
        for slo in policy.slos
        if slo.primary or is_compared(slo)
        for segment in slo.segments
    ]
    primary = [_primary(row, baseline) for row in rows if row.slo.primary]
    others = [row for row in rows if not row.slo.primary and row.seen is not None and row.seen.value is not None]
    return (*primary, *_others(others, baseline))


def _found(slo: Slo, segment: str, seen: tuple[Measurement, ...]) -> Measurement | None:
    return next(
        (
            one
            for one in seen
            if (one.indicator, one.segment, one.quantile, one.part) == (slo.indicator, segment, slo.quantile, None)
            and one.source == "offline"
        ),
        None,
    )


def _unusable(row: _Row, baseline: Digest) -> str:
    """Why a comparison says nothing; empty when it can be judged."""
    one = row.comparison
    if one is None:
        return "no paired comparison with the baseline: evaluate again"
    if one.baseline != baseline:
        return "compared with another baseline: evaluate again"
    if one.level < row.slo.level or one.design_effect < 1.0:
        return f"compared at level {one.level:g}, {row.slo.level:g} asked"
    if one.n < row.slo.min_samples:
        return f"{one.n} paired rows, {row.slo.min_samples} needed"
    if not all(math.isfinite(number) for number in (one.delta, one.lo, one.hi)) or not 0.0 <= one.p_worse <= 1.0:
        return "the comparison is not a finite number"
    return "" if _possible(one) else f"{one.worse} worse and {one.better} better of {one.n} paired rows"


def _possible(one: Comparison) -> bool:
    worse, better = one.worse or 0, one.better or 0
    return min(worse, better) >= 0 and worse + better <= one.n


def _primary(row: _Row, baseline: Digest) -> Judgement:
    missing, one, margin = _unusable(row, baseline), row.comparison, row.slo.max_regression
    if missing or one is None:
        short = max(row.slo.min_samples - one.n, 0) if one else 0
        return _say(row, Outcome.NO_DATA, missing, short or None)
    if margin is None:
        return _say(row, Outcome.NO_DATA, "a primary SLO needs max_regression")
    told = f"{show(one)}; a loss of {margin:g} is allowed"
    if one.hi <= margin:
        return _say(row, Outcome.MET, f"{told}, and kept", proves=one.hi)
    if one.lo > margin:
        return _say(row, Outcome.BREACHED, f"{told}, and exceeded", proves=one.hi)
    return _say(row, Outcome.UNDECIDED, f"{told}, not proven to be kept", _needed(one, margin), one.hi)


def _needed(one: Comparison, margin: float) -> int | None:
    """Return how many more paired rows would prove the margin if the difference stays, or None."""
    if margin <= 0.0:
        return None
    if one.worse is not None and one.better is not None:
        total = n_to_show_non_inferior(one.worse, one.better, one.n, margin, one.level, one.design_effect)
    else:
        total = n_for_interval(one.n, one.delta, margin, one.hi)
    return None if total is None else max(total - one.n, 1)


def _others(rows: list[_Row], baseline: Digest) -> list[Judgement]:
    usable = [row for row in rows if not _unusable(row, baseline)]
    adjusted = _adjusted(usable)
    return [_other(row, _unusable(row, baseline), adjusted) for row in rows]


def _adjusted(rows: list[_Row]) -> dict[_Key, float]:
    """Return Holm's p-values over what decides, each number once: names and trials added beside it do not dilute it."""
    raw: dict[_Key, float] = {}
    for row in rows:
        if row.comparison is not None and not row.slo.trial:
            raw[_key(row)] = min(row.comparison.p_worse, raw.get(_key(row), 1.0))
    return dict(zip(raw, holm(tuple(raw.values())), strict=True))


def _key(row: _Row) -> _Key:
    return row.slo.indicator, row.segment


def _other(row: _Row, missing: str, adjusted: dict[_Key, float]) -> Judgement:
    one = row.comparison
    if missing or one is None:
        return _say(row, Outcome.NO_DATA, missing)
    p = one.p_worse if row.slo.trial else adjusted[_key(row)]
    if p < ALPHA:
        return _say(row, Outcome.BREACHED, f"{show(one)}; shown to be worse (p={p:.3g} after Holm)")
    return _say(row, Outcome.MET, f"{show(one)}; not shown to be worse (p={p:.3g})")


def show(comparison: Comparison) -> str:
    """Return a comparison in words, so that nobody need know which sign is bad.

    >>> one = Comparison(baseline="", n=9, delta=-0.0466, lo=-0.0548, hi=-0.0384, p_worse=1.0, method="DeLong")
    >>> show(one)
    'better by 0.0466 [0.0384, 0.0548] n=9 (DeLong)'
    """
    better = comparison.delta < 0.0
    ends = (-comparison.hi, -comparison.lo) if better else (comparison.lo, comparison.hi)
    by = f"{'better' if better else 'worse'} by {abs(comparison.delta):.4f} [{ends[0]:.4f}, {ends[1]:.4f}]"
    return f"{by} n={comparison.n} ({comparison.method})"


def _say(
    row: _Row, outcome: Outcome, because: str, needs_n: int | None = None, proves: float | None = None
) -> Judgement:
    return Judgement(
        slo=f"{row.slo.name}{AGAINST}",
        segment=row.segment,
        outcome=outcome,
        because=because,
        needs_n=needs_n,
        proves=proves,
        trial=row.slo.trial,
    )
