"""The one table of a release: accuracy and security side by side, per clause, candidate against target and baseline.

In: verdict, policy, evidence. Out: plain rows that every report format prints.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipworthy.facts import Case, Clause, Evidence, Judgement, Measurement, Outcome, Policy, Verdict

MARK = {Outcome.MET: "✓", Outcome.BREACHED: "✗", Outcome.UNDECIDED: "?", Outcome.NO_DATA: "–"}
WORD = {Outcome.MET: "met", Outcome.BREACHED: "breached", Outcome.UNDECIDED: "undecided", Outcome.NO_DATA: "no data"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table; all texts. `mend` says what would make a row green that is not."""

    clause: str
    name: str
    segment: str
    value: str
    n: str
    target: str
    against: str
    outcome: Outcome
    deciding: bool
    because: str
    mend: str


def rows(verdict: Verdict, policy: Policy, cases: Iterable[Case], evidence: Evidence | None) -> tuple[Row, ...]:
    """Return the rows by clause, in the policy's order; SLOs first, then pack cases."""
    measured = evidence.measurements if evidence else ()
    clause_of = {slo.name: slo.clause.value for slo in policy.slos} | {f"case:{case.id}": case.clause for case in cases}
    against = {(one.slo.removesuffix(" vs baseline"), one.segment): one for one in verdict.judgements if _vs(one)}
    made = [
        _row(one, clause_of.get(one.slo, ""), policy, measured, against, evidence)
        for one in verdict.judgements
        if not _vs(one)
    ]
    order = [clause.value for clause in Clause]
    return tuple(sorted(made, key=lambda row: order.index(row.clause) if row.clause in order else len(order)))


def _vs(one: Judgement) -> bool:
    return one.slo.endswith(" vs baseline")


def _row(
    one: Judgement,
    clause: str,
    policy: Policy,
    measured: Iterable[Measurement],
    against: dict[tuple[str, str], Judgement],
    evidence: Evidence | None,
) -> Row:
    value, n, target = _numbers(one, policy, measured, evidence)
    beside = against.get((one.slo, one.segment))
    return Row(
        clause=clause,
        name=one.slo,
        segment=one.segment,
        value=value,
        n=n,
        target=target,
        against=beside.because if beside else "",
        outcome=worst(one.outcome, beside.outcome if beside else Outcome.MET) if one.here else one.outcome,
        deciding=one.here and not one.trial,
        because=one.because,
        mend=mend(one),
    )


def worst(a: Outcome, b: Outcome) -> Outcome:
    """Return the worse of two outcomes: breached, no data, undecided, met."""
    order = (Outcome.MET, Outcome.UNDECIDED, Outcome.NO_DATA, Outcome.BREACHED)
    return max(a, b, key=order.index)


def _numbers(
    one: Judgement, policy: Policy, measured: Iterable[Measurement], evidence: Evidence | None
) -> tuple[str, str, str]:
    if one.slo.startswith("case:"):
        found = [case for case in (evidence.cases if evidence else ()) if f"case:{case.case}" == one.slo]
        if not found:
            return "", "", ""
        case = found[0]
        return span(case.value, case.lo, case.hi), str(case.n), case.target
    slo = next((slo for slo in policy.slos if slo.name == one.slo), None)
    if slo is None:
        return "", "", ""
    for seen in measured:
        if seen.origin is not None and seen.origin.slo != slo.name:
            continue  # an imported result speaks for one SLO only
        key = (seen.indicator, seen.segment, seen.quantile, seen.part)
        if key == (slo.indicator, one.segment, slo.quantile, None):
            return span(seen.value, seen.lo, seen.hi), str(seen.n), str(slo.target)
    return "", "0", str(slo.target)


def span(value: float | None, lo: float | None, hi: float | None) -> str:
    """Return a value with its bounds, or a dash when it could not be made."""
    if value is None:
        return "–"
    if lo is None or hi is None or (lo == hi == value):
        return f"{value:.4g}"
    return f"{value:.3f} [{lo:.3f}, {hi:.3f}]"


def mend(one: Judgement) -> str:
    """Return what would turn the row green, empty when it is green or does not decide here."""
    if one.outcome is Outcome.MET or not one.here:
        return ""
    if one.needs_n:
        return f"{one.needs_n} more samples, if the rate stays"
    if one.outcome is Outcome.BREACHED:
        return "a better candidate, or a decision under the last shipped contract"
    return "evidence: run `shipworthy evaluate`" if one.outcome is Outcome.NO_DATA else "more samples"
