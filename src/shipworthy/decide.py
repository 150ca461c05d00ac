"""Judge evidence against a policy.

Pure: the same policy, evidence and time give the same judgements, byte for byte, so that an auditor can repeat any past
decision from the ledger alone. The gate by day and the runtime by night call this one function. It says what the
evidence shows (`met`, `breached`, `undecided`, `no_data`); each room maps outcomes to its own orders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from shipworthy.facts import CaseResult, Judgement, Measurement, Outcome, Policy, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.stats.bounds import n_for_interval, n_to_meet, rate_lower, zero_event_bound

STALE_AFTER = timedelta(minutes=5)
_CASE_OUTCOME = {"pass": Outcome.MET, "fail": Outcome.BREACHED, "inconclusive": Outcome.UNDECIDED}
_EXACT = frozenset({"count", "enumerated"})
_SAMPLED = frozenset({"never_event_violations"})  # counts over a sample of requests; scans look at everything there is


class Place(StrEnum):
    """Where judgement is passed."""

    GATE = "gate"
    CANARY = "canary"
    RUNTIME = "runtime"


def decide(
    policy: Policy, evidence: Sequence[Measurement], now: datetime | None = None, place: Place = Place.GATE
) -> tuple[Judgement, ...]:
    """Return one judgement per SLO and segment, in the policy's order.

    `now` is needed where evidence can grow old (canary, runtime). A policy with nothing that decides in `place` is
    refused with ValueError: nothing asked is not the same as nothing wrong.

    >>> from shipworthy.facts import Action, Clause, Target
    >>> slo = Slo(name="auroc", indicator="auroc", objective="o", target=Target(op=">=", value=0.7), window="rolling",
    ...           action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW, clause=Clause.ROBUSTNESS, min_samples=300)
    >>> seen = Measurement(indicator="auroc", n=500, value=0.74, lo=0.72, hi=0.76)
    >>> decide(Policy(slos=(slo,)), [seen])[0].outcome
    <Outcome.MET: 'met'>
    """
    if place is not Place.GATE and now is None:
        raise ValueError(f"judging at the {place} needs the time")
    judgements = [one for slo in policy.slos for one in _of(slo, evidence, now, place)]
    if not any(one.here and not one.trial for one in judgements):
        raise ValueError(f"the policy has nothing that decides at the {place}: add an SLO that is measured there")
    return tuple(judgements)


def _of(slo: Slo, evidence: Sequence[Measurement], now: datetime | None, place: Place) -> list[Judgement]:
    if not slo.segments:  # asked of nothing is not the same as met everywhere
        return [_say(slo, "*", Outcome.NO_DATA, "no segment", here=is_judged(slo, place))]
    return [judge(slo, segment, evidence, now, place) for segment in slo.segments]


def judge(
    slo: Slo, segment: str, evidence: Iterable[Measurement], now: datetime | None = None, place: Place = Place.GATE
) -> Judgement:
    """Judge one SLO on one segment. Missing, thin, stale or broken evidence is `no_data`, and never `met`."""
    if not is_judged(slo, place):
        return _say(slo, segment, Outcome.NO_DATA, f"not judged at the {place}", here=False)
    evidence = tuple(evidence)
    found = _find(slo, segment, evidence, place)
    if len(found) > 1:  # the gate's own measurement and imported ones that the SLO accepts: the worst of them counts
        return max((judge(slo, segment, (one,), now, place) for one in found), key=_how_bad)
    if not found:
        return _say(slo, segment, Outcome.NO_DATA, _nothing(slo, segment, evidence))
    seen = found[0]
    missing = _unusable(slo, seen, now, place)
    if missing:
        short = slo.min_samples - seen.n
        told = missing + (_at_best(slo, seen) if short > 0 else "")
        return _say(slo, segment, Outcome.NO_DATA, told, needs_n=short if short > 0 else None)
    return _weigh(slo, segment, seen)


def judge_case(result: CaseResult) -> Judgement:
    """Judge one pack case: pass is met, fail is breached, inconclusive undecided, anything else no data."""
    outcome = _CASE_OUTCOME.get(result.status, Outcome.NO_DATA)
    return Judgement(
        slo=f"case:{result.case}",
        segment="*",
        outcome=outcome,
        because=result.because,
        needs_n=result.needs_n,
        proves={">=": result.lo, "<=": result.hi}.get(result.target.partition(" ")[0]),
        trial=result.severity == "minor",
    )


def is_judged(slo: Slo, place: Place) -> bool:
    """True when the SLO's indicator has a source in this place: offline at the gate, online elsewhere."""
    row = INDICATORS[slo.indicator]
    return row.offline if place is Place.GATE else row.online


def accepts(slo: Slo, one: Measurement) -> bool:
    """True when an imported measurement was made for this SLO, and the SLO accepts results of its format."""
    if one.source != "imported" or one.origin is None or one.origin.slo != slo.name or one.part is not None:
        return False
    if (one.indicator, one.quantile) != (slo.indicator, slo.quantile):
        return False
    return "imported" in slo.accept or one.origin.format in slo.accept


def _find(slo: Slo, segment: str, evidence: Sequence[Measurement], place: Place) -> tuple[Measurement, ...]:
    """Return the one measurement of this place, and at the gate the imported ones that the SLO accepts."""
    offline = place is Place.GATE
    fits = [
        one
        for one in evidence
        if one.indicator == slo.indicator
        and one.segment == segment
        and one.quantile == slo.quantile
        and one.part is None
        and one.source != "imported"
        and (one.source == "offline") is offline
    ]
    if len(fits) > 1:
        raise ValueError(f"{len(fits)} measurements of {slo.name} on {segment}: which one is meant?")
    imported = [one for one in evidence if offline and segment == one.segment and accepts(slo, one)]
    return (*fits, *imported)


def _nothing(slo: Slo, segment: str, evidence: Sequence[Measurement]) -> str:
    refused = sorted(
        {
            one.origin.format
            for one in evidence
            if one.origin is not None and (one.origin.slo, one.segment) == (slo.name, segment)
        }
    )
    if not refused:
        return "no measurement"
    return f"imported result, not accepted: add accept: [{', '.join(refused)}] to the SLO"


def _how_bad(one: Judgement) -> int:
    return (Outcome.MET, Outcome.UNDECIDED, Outcome.NO_DATA, Outcome.BREACHED).index(one.outcome)


def _unusable(slo: Slo, seen: Measurement, now: datetime | None, place: Place) -> str:
    if seen.origin is not None and seen.origin.counts.skipped:
        return f"{seen.origin.counts.skipped} of {seen.origin.counts.total} imported results were skipped"
    if seen.level < slo.level or seen.design_effect < 1.0:
        return f"bounds at level {seen.level:g}, {slo.level:g} asked"
    if seen.n < slo.min_samples:
        return f"{seen.n} samples, {slo.min_samples} needed"
    numbers = (seen.value, seen.lo, seen.hi)
    if any(number is None or not math.isfinite(number) for number in numbers):
        return "not a finite number"
    if place is not Place.GATE and now is not None:
        if not seen.end:
            return "no time of measurement"
        if now - datetime.fromisoformat(seen.end) > STALE_AFTER:
            return f"stale: measured until {seen.end}"
    return ""


def _weigh(slo: Slo, segment: str, seen: Measurement) -> Judgement:
    value, lo, hi = _bounds(slo, seen)
    limit = slo.target.value
    told = f"{value:.4g} [{lo:.4g}, {hi:.4g}] n={seen.n}, target {slo.target}"
    if slo.target.op == "==":
        good = value == limit and INDICATORS[slo.indicator].kind in _EXACT
        return _say(slo, segment, Outcome.MET if good else Outcome.BREACHED, told + _excluded(slo, seen))
    met, breached = (lo >= limit, hi < limit) if slo.target.op == ">=" else (hi <= limit, lo > limit)
    proves = lo if slo.target.op == ">=" else hi
    if met:
        return _say(slo, segment, Outcome.MET, told + _excluded(slo, seen), proves=proves)
    if breached:
        return _say(slo, segment, Outcome.BREACHED, told, proves=proves)
    told += f": the target lies between the bounds{_at_best(slo, seen)}"
    return _say(slo, segment, Outcome.UNDECIDED, told, needs_n=_needed(slo, seen), proves=proves)


def _excluded(slo: Slo, seen: Measurement) -> str:
    """What no event in n chances leaves possible: a zero is not a proof of never."""
    if slo.indicator not in _SAMPLED or seen.value != 0.0 or seen.n < 1:
        return ""
    return f"; 0 in {seen.n} still allow a rate of {zero_event_bound(seen.n, slo.level):.2g}"


def _at_best(slo: Slo, seen: Measurement) -> str:
    """What n perfect samples would prove, where even that is short of the target."""
    if INDICATORS[slo.indicator].kind != "rate" or seen.n < 1 or seen.design_effect < 1.0 or slo.evidence == "point":
        return ""
    if slo.target.op == ">=":
        best = rate_lower(seen.n, seen.n, slo.level, seen.design_effect)
        return "" if best >= slo.target.value else f"; n={seen.n} can prove at best >= {best:.3g}"
    best = 1.0 - rate_lower(seen.n, seen.n, slo.level, seen.design_effect)
    return "" if best <= slo.target.value else f"; n={seen.n} can prove at best <= {best:.3g}"


def _bounds(slo: Slo, seen: Measurement) -> tuple[float, float, float]:
    value = seen.value if seen.value is not None else math.nan
    if slo.evidence == "point" or INDICATORS[slo.indicator].kind in _EXACT:
        return value, value, value
    return value, seen.lo if seen.lo is not None else math.nan, seen.hi if seen.hi is not None else math.nan


def _needed(slo: Slo, seen: Measurement) -> int | None:
    op, limit = slo.target.op, slo.target.value
    if seen.value is None or op == "==":
        return None
    if INDICATORS[slo.indicator].kind == "rate":
        total = n_to_meet(op, limit, seen.value, slo.level, seen.design_effect)
    else:
        bound = seen.lo if op == ">=" else seen.hi
        total = n_for_interval(seen.n, seen.value, limit, bound if bound is not None else math.nan)
    return None if total is None else max(total - seen.n, 1)


def _say(
    slo: Slo,
    segment: str,
    outcome: Outcome,
    because: str,
    needs_n: int | None = None,
    here: bool = True,
    proves: float | None = None,
) -> Judgement:
    return Judgement(
        slo=slo.name,
        segment=segment,
        outcome=outcome,
        because=because,
        needs_n=needs_n,
        proves=proves,
        trial=slo.trial,
        here=here,
    )
