"""The one table of a release: accuracy and security side by side, per clause, candidate against target and baseline.

In: verdict, policy, evidence. Out: plain rows that every report format prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shipworthy.decide import judge
from shipworthy.facts import Case, Clause, Evidence, Judgement, Measurement, Outcome, Policy, Slo, Verdict
from shipworthy.gate.baseline import AGAINST

NEVER = ("never_event",)
FOUND = ("artefact_findings", "backdoor_findings", "rebuild_match")
MARK = {Outcome.MET: "✓", Outcome.BREACHED: "✗", Outcome.UNDECIDED: "?", Outcome.NO_DATA: "–"}
WORD = {Outcome.MET: "met", Outcome.BREACHED: "breached", Outcome.UNDECIDED: "undecided", Outcome.NO_DATA: "no data"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table; all texts. `because` and `mend` say why a row is not green and what would make it so.

    `against` is the comparison with the baseline, row by row; `was` the value last shipped of what only its target
    judges.
    """

    clause: str
    name: str
    segment: str
    value: str
    n: str
    target: str
    against: str
    was: str
    outcome: Outcome
    deciding: bool
    because: str
    mend: str


def rows(
    verdict: Verdict,
    policy: Policy,
    cases: Iterable[Case],
    evidence: Evidence | None,
    before: Mapping[str, float] | None = None,
) -> tuple[Row, ...]:
    """Return the rows by clause, in the policy's order; SLOs first, then pack cases.

    `before` holds the values last shipped (`Lock.values`): printed beside what is not compared row by row.
    """
    clause_of = {slo.name: slo.clause.value for slo in policy.slos} | {f"case:{case.id}": case.clause for case in cases}
    against = {(one.slo.removesuffix(AGAINST), one.segment): one for one in verdict.judgements if _vs(one)}
    made = [
        _row(
            one,
            clause_of.get(one.slo, ""),
            _shown(one, policy, evidence),
            against.get((one.slo, one.segment)),
            before or {},
            verdict.first,
        )
        for one in verdict.judgements
        if not _vs(one)
    ]
    order = [clause.value for clause in Clause]
    return tuple(sorted(made, key=lambda row: order.index(row.clause) if row.clause in order else len(order)))


def _vs(one: Judgement) -> bool:
    return one.slo.endswith(AGAINST)


def _row(
    one: Judgement, clause: str, shown: _Shown, beside: Judgement | None, before: Mapping[str, float], first: bool
) -> Row:
    outcome = worst(one.outcome, beside.outcome if beside else Outcome.MET) if one.here else one.outcome
    told = beside if beside is not None and one.here and one.outcome is Outcome.MET else one
    op = shown.target.partition(" ")[0]
    mends = (mend(one, op, first), mend(beside, op, first) if beside and one.here else "")
    return Row(
        clause=clause,
        name=one.slo,
        segment=one.segment,
        value=span(shown.value, shown.lo, shown.hi) if shown.n not in ("", "0") else "",
        n=shown.n,
        target=shown.target,
        against=beside.because if beside else "",
        was="" if beside else _before(one, shown.value, before),
        outcome=outcome,
        deciding=one.here and not one.trial,
        because=told.because,
        mend="; against baseline: ".join(dict.fromkeys(text for text in mends if text)),
    )


def worst(a: Outcome, b: Outcome) -> Outcome:
    """Return the worse of two outcomes: breached, no data, undecided, met."""
    order = (Outcome.MET, Outcome.UNDECIDED, Outcome.NO_DATA, Outcome.BREACHED)
    return max(a, b, key=order.index)


class _Shown(msgspec.Struct, frozen=True):
    """What was measured of one row: value and bounds, n, and the target it is held against."""

    value: float | None
    lo: float | None
    hi: float | None
    n: str
    target: str


_NOTHING = _Shown(None, None, None, "", "")


def _shown(one: Judgement, policy: Policy, evidence: Evidence | None) -> _Shown:
    if one.slo.startswith("case:"):
        cases = evidence.cases if evidence else ()
        found = next((case for case in cases if f"case:{case.case}" == one.slo), None)
        return _NOTHING if found is None else _Shown(found.value, found.lo, found.hi, str(found.n), found.target)
    slo = next((slo for slo in policy.slos if slo.name == one.slo), None)
    if slo is None:
        return _NOTHING
    seen = _judged(one, slo, evidence.measurements if evidence else ())
    if seen is None:
        return _Shown(None, None, None, "0", str(slo.target))
    return _Shown(seen.value, seen.lo, seen.hi, str(seen.n), str(slo.target))


def _judged(one: Judgement, slo: Slo, measured: Iterable[Measurement]) -> Measurement | None:
    """Return the measurement that this judgement was passed on: of our own and imported ones the worst decided."""
    key = (slo.indicator, one.segment, slo.quantile, None)
    fits = [
        seen
        for seen in measured
        if (seen.indicator, seen.segment, seen.quantile, seen.part) == key
        and (seen.origin is None or seen.origin.slo == slo.name)
    ]
    told = [seen for seen in fits if judge(slo, one.segment, (seen,)).because == one.because]
    return next(iter(told or fits), None)


def values_of(judgements: Iterable[Judgement], policy: Policy, evidence: Evidence | None) -> dict[str, float]:
    """Return what was measured, by `<slo or case> on <segment>`: the lock keeps it for the next release's report."""
    shown = {_name(one): _shown(one, policy, evidence).value for one in judgements if not _vs(one)}
    return {name: value for name, value in shown.items() if value is not None}


def _name(one: Judgement) -> str:
    return f"{one.slo} on {one.segment}"


def _before(one: Judgement, value: float | None, before: Mapping[str, float]) -> str:
    """The value last shipped beside one that only its target judges."""
    known = before.get(_name(one))
    if known is None or value is None:
        return ""
    return f"{known:.4g}"


def span(value: float | None, lo: float | None, hi: float | None) -> str:
    """Return a value with its bounds, or a dash when it could not be made."""
    if value is None:
        return "–"
    if lo is None or hi is None or (lo == hi == value):
        return f"{value:.4g}"
    return f"{value:.3f} [{lo:.3f}, {hi:.3f}]"


def mend(one: Judgement, op: str = "", first: bool = False) -> str:
    """Return what would turn the row green, empty when it is green or does not decide here.

    Where data is short, it also says which limit (against a baseline: which margin) these samples do prove.
    """
    if one.outcome is Outcome.MET or not one.here:
        return ""
    if one.outcome is Outcome.NO_DATA:
        if one.slo.startswith("contract_strength"):
            return "evidence: run `shipworthy strength`"
        return f"{one.needs_n} more samples" if one.needs_n else "evidence: run `shipworthy evaluate`"
    if one.outcome is Outcome.BREACHED:
        return _better(one.slo, first)
    more = f"{one.needs_n} more samples, if the rate stays" if one.needs_n else "more samples, or a better candidate"
    return more + _proven(one, op)


def _better(name: str, first: bool) -> str:
    if name.startswith(NEVER):
        return "a candidate that does not do it: a never event cannot be overridden"
    if name.startswith(FOUND):
        return "take out what was found: it cannot be overridden"
    if first:
        return "a better candidate, or a target that people stand for"
    return "a better candidate; if it cannot wait, two people: `shipworthy override request`"


def _proven(one: Judgement, op: str) -> str:
    if one.proves is None:
        return ""
    if one.slo.endswith(AGAINST):
        return f"; these samples prove a margin of {max(one.proves, 0.0):.3g}"
    return f"; these samples prove {op} {one.proves:.3g}" if op in (">=", "<=") else ""
