"""Against the gate baseline: what was last shipped and passed (DECISIONS §2).

Primary SLOs must be proven non-inferior within their margin; all others block only if worse with p < .05 after Holm
over the release. Rates whose denominator the model or its threshold chooses are compared by their target only.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.facts import Comparison, Digest, Judgement, Measurement, Outcome, Policy, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.stats.paired import holm

ALPHA = 0.05
COMPARED = ("error_rate", "auroc", "decision_ece")  # on the same held-out rows; attacked rows depend on the model


def compare(policy: Policy, measurements: Iterable[Measurement], baseline: Digest) -> tuple[Judgement, ...]:
    """Return a judgement per SLO compared with `baseline` (its artefact digest), named `<slo> vs baseline`."""
    seen = tuple(measurements)
    rows = [
        (slo, segment, _found(slo, segment, seen))
        for slo in policy.slos
        for segment in slo.segments
        if slo.primary or INDICATORS[slo.indicator].paired
    ]
    primary = [_primary(slo, segment, one, baseline) for slo, segment, one in rows if slo.primary]
    others = [(slo, segment, one) for slo, segment, one in rows if not slo.primary and one and one.value is not None]
    compared = [(slo, segment, one.comparison) for slo, segment, one in others if one.comparison is not None]
    missing = [
        _say(slo, segment, Outcome.NO_DATA, "no comparison with the baseline: evaluate again")
        for slo, segment, one in others
        if one.comparison is None and slo.indicator in COMPARED
    ]
    return (*primary, *_others(compared, baseline), *missing)


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


def _primary(slo: Slo, segment: str, one: Measurement | None, baseline: Digest) -> Judgement:
    comparison = one.comparison if one else None
    if comparison is None or comparison.baseline != baseline:
        return _say(slo, segment, Outcome.NO_DATA, "no paired comparison with the baseline: evaluate again")
    if slo.max_regression is None:
        return _say(slo, segment, Outcome.NO_DATA, "a primary SLO needs max_regression")
    told = f"{show(comparison)}, may be worse by {slo.max_regression:g}"
    if comparison.hi <= slo.max_regression:
        return _say(slo, segment, Outcome.MET, told)
    if comparison.lo > slo.max_regression:
        return _say(slo, segment, Outcome.BREACHED, told)
    return _say(slo, segment, Outcome.UNDECIDED, f"{told}: not proven")


def _others(rows: list[tuple[Slo, str, Comparison]], baseline: Digest) -> list[Judgement]:
    adjusted = holm([comparison.p_worse for _, _, comparison in rows])
    judged = []
    for (slo, segment, comparison), p in zip(rows, adjusted, strict=True):
        if comparison.baseline != baseline:
            judged.append(_say(slo, segment, Outcome.NO_DATA, "compared with another baseline"))
        elif p < ALPHA:
            judged.append(_say(slo, segment, Outcome.BREACHED, f"{show(comparison)}, worse: p={p:.3g} after Holm"))
        else:
            judged.append(_say(slo, segment, Outcome.MET, f"{show(comparison)}, not shown to be worse (p={p:.3g})"))
    return judged


def show(comparison: Comparison) -> str:
    """Return a comparison in words; positive means worse."""
    return (
        f"{comparison.delta:+.4f} [{comparison.lo:+.4f}, {comparison.hi:+.4f}] n={comparison.n} ({comparison.method})"
    )


def _say(slo: Slo, segment: str, outcome: Outcome, because: str) -> Judgement:
    return Judgement(slo=f"{slo.name} vs baseline", segment=segment, outcome=outcome, because=because, trial=slo.trial)
