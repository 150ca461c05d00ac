"""Put the pieces of an evaluation together: what SLOs ask of held-out rows, and every case of the pack.

In: what each piece showed. Out: measurements, case results, coverage, and the paired rows for the lock. Asked for and
not run is written down, never passed over: a case that raises is an `error`, one beyond the pack's budget is `skipped`,
one that its own budget stopped is `inconclusive`, and none of these counts as executed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from shipworthy.evaluate.bench import Ask, Bench, CaseShown, asks_of
from shipworthy.evaluate.measure import nothing, number
from shipworthy.evaluate.oracle import result
from shipworthy.evaluate.units import (
    EVALUATORS,
    HELD_OUT,
    Around,
    CaseRan,
    Held,
    finished,
    run_case,
    run_guarded,
    run_held_out,
)
from shipworthy.facts import Budget, Case, CaseResult, Coverage, Measurement, PairedRows, Policy, seed_of
from shipworthy.stats.bounds import rate_bounds

MOST_QUERIES = 5_000_000

Progress = Callable[[str], None]

_PACK = "case_pass_rate"

__all__ = ["EVALUATORS", "MOST_QUERIES", "Shown", "assemble", "evaluate_all", "from_cases", "pass_rates", "run_case"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that one evaluation showed. `queries` = rows the model was asked by what counts. `problem` = why the
    held-out rows have no answers."""

    measurements: tuple[Measurement, ...]
    cases: tuple[CaseResult, ...]
    coverage: Coverage
    paired: PairedRows | None
    queries: int
    problem: str | None = None


def evaluate_all(
    bench: Bench,
    policy: Policy,
    cases: Sequence[Case],
    budget: Budget | None = None,
    progress: Progress = lambda name: None,
    around: Around | None = None,
) -> Shown:
    """Run every piece here, one after the other, and put them together. `progress` hears each name before it runs."""
    around = around or Around(budget=budget or Budget())
    progress(HELD_OUT)
    held = run_held_out(bench, policy, around)
    ran: list[CaseRan] = []
    for case in cases:
        progress(case.id)
        ran.append(run_guarded(case, bench, around))
    return assemble(policy, cases, held, ran, bench.seed, around.budget)


def assemble(
    policy: Policy, cases: Sequence[Case], held: Held, ran: Sequence[CaseRan], seed: int, budget: Budget
) -> Shown:
    """Return the whole. The pack's queries are spent in the order of the pack, whatever ran first: a case that starts
    beyond them is skipped, though it may have run."""
    most = MOST_QUERIES if budget.queries is None else budget.queries
    spent = held.queries
    counted: list[CaseRan] = []
    for case, one in zip(cases, ran, strict=True):
        kept = one if spent < most else skipped(case, seed, f"the budget of {most} queries was spent before")
        spent += kept.result.queries
        counted.append(kept)
    results = tuple(one.result for one in counted)
    executed = [*held.executed, *(one.result.case for one in counted if finished(one))]
    return Shown(
        measurements=(*held.measurements, *from_cases(asks_of(policy), counted), *pass_rates(cases, results)),
        cases=results,
        coverage=Coverage(
            requested=(*EVALUATORS, "never_events", *(case.id for case in cases)), executed=tuple(executed)
        ),
        paired=held.paired,
        queries=spent,
        problem=held.problem,
    )


def skipped(case: Case, seed: int, why: str) -> CaseRan:
    """Return what a case shows that was not begun."""
    return CaseRan(result=result(case, "skipped", why, seed_of(seed, case.id)))


def from_cases(asks: Sequence[Ask], shown: Sequence[CaseShown | CaseRan]) -> tuple[Measurement, ...]:
    """Return the measurements whose source is a case, rates at the level their SLO asks for. Where several cases
    measure the same, each is a part and the worst is judged: one without a value, else the highest upper bound."""
    levels = {(ask.indicator, ask.segment): ask.level for ask in asks}
    made: list[Measurement] = []
    judged: dict[tuple[str, str], list[tuple[str, Measurement]]] = {}
    for one in shown:
        for measured in one.measurements:
            key = (measured.indicator, measured.segment)
            seen = _at_level(measured, levels.get(key, measured.level))
            if seen.part is None:
                judged.setdefault(key, []).append((one.result.case, seen))
            else:
                made.append(msgspec.structs.replace(seen, part=f"{one.result.case}: {seen.part}"))
    for several in judged.values():
        made.append(max((seen for _, seen in several), key=_badness))
        if len(several) > 1:
            made += [msgspec.structs.replace(seen, part=case) for case, seen in several]
    return tuple(made)


def pass_rates(cases: Sequence[Case], results: Sequence[CaseResult]) -> tuple[Measurement, ...]:
    """Return case_pass_rate per kind, and as the judged one the lowest of them. Minor and trial cases do not count."""
    kinds = {case.id: case.kind for case in cases}
    passed: dict[str, list[bool]] = {}
    for one in results:
        if one.severity != "minor":
            passed.setdefault(kinds[one.case], []).append(one.status == "pass")
    ask = Ask(indicator=_PACK)
    if not passed:
        return (nothing(ask, "no case that decides"),)
    parts = [_share(ask, outcomes, kind) for kind, outcomes in sorted(passed.items())]
    lowest = min(parts, key=lambda part: part.value if part.value is not None else 0.0)
    judged = msgspec.structs.replace(lowest, part=None, method=f"lowest of {len(parts)} kinds: {lowest.part}")
    return (judged, *parts)


def _badness(measured: Measurement) -> tuple[bool, float]:
    return measured.hi is None, measured.hi or 0.0


def _at_level(measured: Measurement, level: float) -> Measurement:
    if measured.hits is None or measured.level == level:
        return measured
    lo, hi = rate_bounds(measured.hits, measured.n, level, measured.design_effect)
    return msgspec.structs.replace(measured, lo=lo, hi=hi, level=level)


def _share(ask: Ask, outcomes: list[bool], kind: str) -> Measurement:
    share = sum(outcomes) / len(outcomes)
    made = number(ask, share, share, share, len(outcomes), "passed / cases", kind)
    return msgspec.structs.replace(made, hits=sum(outcomes))
