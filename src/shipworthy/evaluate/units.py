"""One piece of an evaluation: what SLOs ask of the held-out rows, or one case. Whatever the model does, it ends.

In: a bench, answers known already, a limit. Out: what was shown, which travels between processes and survives an
interruption. A piece depends on nothing that another piece did, so that any engine, in any order, shows the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from shipworthy.contract.generators import SHAPES
from shipworthy.errors import CannotDecide, ContractError, PolicySaysNo, ShipworthyError, Unreachable
from shipworthy.evaluate import drift, held_out, never_events, ood_probes, proxy, rows_case, subgroup
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown, Model, asks_of
from shipworthy.evaluate.columns import table_of
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.measure import nothing
from shipworthy.evaluate.metered import BudgetSpent, Known, Limit, Metered, Remembering, metered_chat
from shipworthy.evaluate.oracle import result
from shipworthy.evaluate.paired import compared, paired_rows
from shipworthy.facts import Budget, Case, CaseResult, Fact, Measurement, PairedRows, Policy, seed_of

Evaluator = Callable[[Bench, Sequence[Ask], Sequence[Answered]], tuple[Measurement, ...]]

EVALUATORS: dict[str, Evaluator] = {
    "held_out": held_out.evaluate,
    "subgroup": subgroup.evaluate,
    "proxy": proxy.evaluate,
    "ood_probes": ood_probes.evaluate,
    "drift": drift.evaluate,
}
N = TypeVar("N", int, float)
MEASURED = frozenset(
    name for one in (held_out, subgroup, proxy, ood_probes, drift, never_events) for name in one.INDICATORS
)
"""The indicators whose source is the held-out rows; those of others are measured by cases."""
HELD_OUT = "held-out rows"
PACK = "case_pass_rate"
STATUSES = ("pass", "fail", "inconclusive", "error", "skipped")
_EXPECTED = (ShipworthyError, ValueError, TypeError, LookupError, ArithmeticError)


class Held(Fact, frozen=True, kw_only=True):
    """What the held-out rows showed. `problem` says why they could not be answered."""

    measurements: tuple[Measurement, ...]
    executed: tuple[str, ...]
    paired: PairedRows | None
    queries: int
    problem: str | None = None


class CaseRan(Fact, frozen=True, kw_only=True):
    """What one case showed. `result.queries`: rows it asked; `stopped`: its budget ended it."""

    result: CaseResult
    measurements: tuple[Measurement, ...] = ()
    stopped: bool = False


@dataclass(frozen=True, kw_only=True)
class Around:
    """What every piece is run with. `known` = answers that are there already; `problem` = why the model cannot be
    asked at all; `limit` = the clock that stops a piece."""

    known: Known = field(default_factory=dict)
    problem: str | None = None
    limit: Limit | None = None
    budget: Budget = field(default_factory=Budget)


def run_held_out(bench: Bench, policy: Policy, around: Around) -> Held:
    """Return what SLOs ask of the held-out rows; a model that fails leaves each of them without a value. Raises
    ContractError where there are no such rows, and PolicySaysNo for a model that reaches for the network."""
    asks = asks_of(policy)
    meter = Metered(Remembering(bench.model, around.known))
    seen = replace(bench, model=meter)
    rows = bench.rows(bench.held_out)
    try:
        if around.problem is not None:
            raise CannotDecide(around.problem)
        answered = answer(seen, rows)
        if around.known:
            table_of(bench, bench.held_out).keep(answered)
        made: list[Measurement] = []
        for evaluate in EVALUATORS.values():
            made += evaluate(seen, asks, answered)
        made += never_events.evaluate(seen, asks, answered, policy.never_events)
    except (CannotDecide, Unreachable) as problem:
        told = f"the model could not be asked: {problem}"
        blank = tuple(nothing(ask, told) for ask in asks if ask.indicator in MEASURED)
        return Held(measurements=blank, executed=(), paired=None, queries=meter.asked, problem=str(problem))
    return Held(
        measurements=compared(seen, answered, made),
        executed=(*EVALUATORS, "never_events"),
        paired=paired_rows(answered),
        queries=meter.asked,
    )


def run_guarded(case: Case, bench: Bench, around: Around) -> CaseRan:
    """Run one case within its budget. Never raises for what the model or the case does wrong: that is its status.
    Raises PolicySaysNo for a model that reaches for the network."""
    seed = seed_of(bench.seed, case.id)
    if around.problem is not None and _asks(case):
        return CaseRan(result=result(case, "error", around.problem, seed))
    budget = _budget(case, around.budget)
    remembering = Remembering(bench.model, around.known)
    meter = Metered(remembering, budget.queries, around.limit)
    stopped = False
    if around.limit is not None:
        around.limit.set(budget.seconds)
    try:
        shown = run_case(case, _metered(bench, meter, remembering, around), seed)
        remembering.ask_again()
    except BudgetSpent as problem:
        stopped = True
        shown = CaseShown(result=result(case, "inconclusive", problem.what, seed))
    except PolicySaysNo:
        raise
    except ShipworthyError as problem:
        shown = CaseShown(result=result(case, "error", str(problem), seed))
    except _EXPECTED as problem:
        shown = CaseShown(result=result(case, "error", f"{type(problem).__name__}: {problem}", seed))
    except Exception as problem:
        if _is_ours(case):
            raise
        shown = CaseShown(result=result(case, "error", f"{type(problem).__name__}: {problem}", seed))
    finally:
        if around.limit is not None:
            around.limit.set(None)
    counted = msgspec.structs.replace(shown.result, queries=meter.asked)
    return CaseRan(result=counted, measurements=speaking(case, bench, shown.measurements), stopped=stopped)


def speaking(case: Case, bench: Bench, measured: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Return what a case measured for SLOs; one that asks a milder question than its indicator means measures nothing
    for them, whatever its own oracle says."""
    milder = _milder(case, bench)
    if not milder:
        return tuple(measured)
    why = f"case {case.id} asks a milder question than an SLO means: {milder}"
    return tuple(
        nothing(Ask(indicator=one.indicator, segment=one.segment, quantile=one.quantile, level=one.level), why)
        for one in measured
        if one.part is None
    )


def _milder(case: Case, bench: Bench) -> str:
    given = case.generator or {}
    shape = SHAPES.get(str(given.get("name", "")))
    if shape is None:
        return ""
    for key, rule in shape.floors.items():
        default, value = shape.parameters[key], given.get(key)
        if value is None or value == default or value == getattr(bench, rule, None):
            continue
        if rule != "least" or not isinstance(value, int | float) or value < default:
            return f"{key}: {value}, an SLO takes {'at least ' if rule == 'least' else ''}{default or 'the default'}"
    return ""


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Run one case by its rows or its generator. Raises ContractError for a generator that does not exist."""
    if case.generator is None:
        return rows_case.run_case(case, bench, seed)
    name = str(case.generator.get("name", ""))
    if name in GENERATORS:
        return GENERATORS[name](case, bench, seed)
    if name in bench.plugins:
        return _about(case, bench.plugins[name].run(case, bench, seed), seed)
    known = ", ".join(sorted({*GENERATORS, *bench.plugins}))
    raise ContractError(f"no generator {name!r}", f"case {case.id}", f"`name:` is one of {known}")


def _about(case: Case, shown: CaseShown, seed: int) -> CaseShown:
    """Return what another package's evaluator showed, if it is about this case; numbers of the held-out rows are none
    of its business. Raises ContractError."""
    told, wrong = shown.result, strange(case, shown.result, seed)
    measured = sorted({one.indicator for one in shown.measurements} & {*MEASURED, PACK})
    if wrong or measured or told.status not in STATUSES:
        what = ", ".join(wrong or measured or [f"status {told.status!r}"])
        raise ContractError(f"the evaluator answers for something else: {what}", f"case {case.id}", "see `judge_rows`")
    return shown


def strange(case: Case, told: CaseResult, seed: int) -> list[str]:
    """Return in what a result is not about this case as it is written, judged against its own target."""
    mine = result(case, "", "", seed)
    same = ("case", "clause", "severity", "target", "segment", "material", "seed")
    return [key for key in same if getattr(told, key) != getattr(mine, key)]


def finished(one: CaseRan) -> bool:
    """True when the case ran to its end: what is an error, skipped or stopped by its budget did not."""
    return one.result.status not in ("error", "skipped") and not one.stopped


def whole(one: Held | CaseRan) -> bool:
    """True when running the piece again could show nothing else: what failed or ran out may not the next time."""
    return one.problem is None if isinstance(one, Held) else finished(one)


def _metered(bench: Bench, meter: Metered, known: Model, around: Around) -> Bench:
    """The bench as one case sees it: what it asks of the model or of the assistant is counted and bounded."""
    chat = None if bench.chat is None else metered_chat(bench.chat, meter)
    if not around.known:
        return replace(bench, model=meter, chat=chat)
    return replace(bench, model=meter, chat=chat, charge=meter.charge, known=known)


def _asks(case: Case) -> bool:
    """Whether the case asks the model; what another package brings may."""
    shape = SHAPES.get(str((case.generator or {}).get("name", "")))
    return shape is None or shape.asks


def _is_ours(case: Case) -> bool:
    return case.generator is None or str(case.generator.get("name", "")) in GENERATORS


def _budget(case: Case, whole: Budget) -> Budget:
    """The tighter of the case's own budget and the pack's."""
    own = case.budget or Budget()
    return Budget(queries=_least(own.queries, whole.queries), seconds=_least(own.seconds, whole.seconds))


def _least(a: N | None, b: N | None) -> N | None:
    return b if a is None else a if b is None else min(a, b)
