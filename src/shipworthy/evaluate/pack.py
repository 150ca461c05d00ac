"""Run the whole evaluation: what SLOs ask of held-out rows, and every case of the pack.

In: a bench, the policy, the cases. Out: measurements, case results, coverage, and the paired rows for the lock. Every
case draws from its own generator, seeded by the bench's seed and its id, so that adding one never moves another.
Asked for and not run is written down, never passed over: a case that raises is an `error`, one beyond the budget is
`skipped`, and neither counts as executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from shipworthy.errors import ContractError, ShipworthyError
from shipworthy.evaluate import held_out, never_events, ood_probes, proxy, rows_case, subgroup
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Answers, Ask, Bench, CaseShown, Model, asks_of
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.measure import nothing, number
from shipworthy.evaluate.oracle import result
from shipworthy.evaluate.paired import compared, paired_rows
from shipworthy.facts import Case, CaseResult, Coverage, Measurement, PairedRows, Policy, seed_of
from shipworthy.profile.rows import Value
from shipworthy.stats.bounds import rate_bounds

MOST_QUERIES = 5_000_000

Evaluator = Callable[[Bench, Sequence[Ask], Sequence[Answered]], tuple[Measurement, ...]]
Progress = Callable[[str], None]

EVALUATORS: dict[str, Evaluator] = {
    "held_out": held_out.evaluate,
    "subgroup": subgroup.evaluate,
    "proxy": proxy.evaluate,
    "ood_probes": ood_probes.evaluate,
}
_PACK = "case_pass_rate"
_EXPECTED = (ShipworthyError, ValueError, TypeError, LookupError, ArithmeticError)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that one evaluation showed. `queries` = rows the model was asked."""

    measurements: tuple[Measurement, ...]
    cases: tuple[CaseResult, ...]
    coverage: Coverage
    paired: PairedRows
    queries: int


class Metered:
    """A model that counts the rows it is asked, so that a case cannot spend another's budget unseen."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.asked = 0

    def __call__(self, rows: list[list[Value]]) -> Answers:
        self.asked += len(rows)
        return self._model(rows)


def evaluate_all(
    bench: Bench,
    policy: Policy,
    cases: Sequence[Case],
    most_queries: int = MOST_QUERIES,
    progress: Progress = lambda name: None,
) -> Shown:
    """Return what the evaluation showed. Raises what the model or the held-out rows raise: without them there is
    nothing to show. `progress` hears the name of each evaluator and case before it runs."""
    meter = Metered(bench.model)
    bench = replace(bench, model=meter)
    asks = asks_of(policy)
    answered = answer(bench, bench.rows(bench.held_out))
    measured, executed = _held_out(bench, policy, asks, answered, progress)
    shown = list(_cases(bench, cases, meter, most_queries, progress))
    results = tuple(one.result for one in shown)
    executed += [one.case for one in results if one.status not in ("error", "skipped")]
    measured += from_cases(asks, shown)
    return Shown(
        measurements=(*measured, *pass_rates(cases, results)),
        cases=results,
        coverage=Coverage(
            requested=(*EVALUATORS, "never_events", *(case.id for case in cases)), executed=tuple(executed)
        ),
        paired=paired_rows(answered),
        queries=meter.asked,
    )


def from_cases(asks: Sequence[Ask], shown: Sequence[CaseShown]) -> tuple[Measurement, ...]:
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


def _badness(measured: Measurement) -> tuple[bool, float]:
    return measured.hi is None, measured.hi or 0.0


def _at_level(measured: Measurement, level: float) -> Measurement:
    if measured.hits is None or measured.level == level:
        return measured
    lo, hi = rate_bounds(measured.hits, measured.n, level, measured.design_effect)
    return msgspec.structs.replace(measured, lo=lo, hi=hi, level=level)


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


def _share(ask: Ask, outcomes: list[bool], kind: str) -> Measurement:
    share = sum(outcomes) / len(outcomes)
    made = number(ask, share, share, share, len(outcomes), "passed / cases", kind)
    return msgspec.structs.replace(made, hits=sum(outcomes))


def _held_out(
    bench: Bench, policy: Policy, asks: Sequence[Ask], answered: Sequence[Answered], progress: Progress
) -> tuple[list[Measurement], list[str]]:
    made: list[Measurement] = []
    for name, evaluate in EVALUATORS.items():
        progress(name)
        made += evaluate(bench, asks, answered)
    progress("never_events")
    made += never_events.evaluate(bench, asks, answered, policy.never_events)
    return list(compared(bench, answered, made)), [*EVALUATORS, "never_events"]


def _cases(
    bench: Bench, cases: Sequence[Case], meter: Metered, most_queries: int, progress: Progress
) -> Iterator[CaseShown]:
    for case in cases:
        seed = seed_of(bench.seed, case.id)
        progress(case.id)
        if meter.asked >= most_queries:
            why = f"the budget of {most_queries} queries was spent before"
            yield CaseShown(result=result(case, "skipped", why, seed))
            continue
        try:
            yield run_case(case, bench, seed)
        except _EXPECTED as problem:
            yield CaseShown(result=result(case, "error", f"{type(problem).__name__}: {problem}", seed))


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Run one case by its rows or its generator. Raises ContractError for a generator that does not exist."""
    if case.generator is None:
        return rows_case.run_case(case, bench, seed)
    name = str(case.generator.get("name", ""))
    runner = GENERATORS.get(name)
    if runner is None:
        raise ContractError(
            f"no generator {name!r}", f"case {case.id}", f"`name:` is one of {', '.join(sorted(GENERATORS))}"
        )
    return runner(case, bench, seed)
