"""Does an evaluator keep the rules that every evaluator of the pack keeps: a conformance kit.

In: an evaluator (an object with `shape` and `run`), parameters it runs with, and a bench. Out: nothing, or an
AssertionError that names every rule it breaks. What is demanded:

results  - status, target, clause, severity, segment, seed and digest are those of the case; the reason is not empty;
           n is not above what was requested; lo <= value <= hi; a pass has n > 0 and both bounds; at most five examples
seeds    - the same seed gives the same bytes, also after another case; another seed measures the same things
refusals - an unknown parameter, one of the wrong type, a missing one, and rows nobody loaded raise ShipworthyError
empty    - no rows never pass
models   - one that is silent, answers NaN, falls over or miscounts never passes; one that guesses never passes an
           oracle over right and wrong or over what moved; one that wavers never passes one over `changed`; of models
           that always say 0 and always say 1 at most one passes an oracle over right and wrong
cost     - at least ten rows a call of the model
manners  - no row of the bench is changed, and no global random state

A model that falls over may take the evaluator with it: the pack writes that down as an error. An oracle that does not
speak of answers (`ood_flag` alone) is not asked about silent models.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import msgspec
import numpy as np

from shipworthy.contract.generators import REQUIRED, Shape
from shipworthy.errors import ShipworthyError
from shipworthy.evaluate.answered import ANSWER_NAMES, OOD_NAMES
from shipworthy.evaluate.bench import Bench, CaseShown, Model
from shipworthy.evaluate.changes import BEFORE
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.oracle import target_text
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Oracle, canonical, digest
from shipworthy.testing import models
from shipworthy.testing.bench import standard_bench

STATUSES = ("pass", "fail", "inconclusive", "error", "skipped")
WRONG = "(score >= 0.5 and label == 0) or (score < 0.5 and label == 1)"
MOVED = frozenset({"changed", "fell", "fell_short"})
LEAST_ROWS_A_CALL = 10
FEW_ROWS = 200  # below this no batch can be told from a loop
NOBODY = "rows-that-nobody-loaded"


class Evaluator(Protocol):
    """What an entry point of the group `shipworthy.evaluators` loads."""

    @property
    def shape(self) -> Shape: ...
    def run(self, case: Case, bench: Bench, seed: int) -> CaseShown: ...


def check_evaluator(
    evaluator: Evaluator,
    generator: Mapping[str, Any] | None = None,
    oracle: Oracle | None = None,
    bench: Callable[[], Bench] = standard_bench,
) -> None:
    """Raise AssertionError unless the evaluator keeps every rule. `generator` holds the parameters of a case that runs
    on the bench (those without a default at least); `oracle` is by default the first metric of the shape, or how many
    rows are answered wrong, at most .4 of them. `bench` makes a fresh bench; it must not read anything."""
    broken = broken_rules(evaluator, generator, oracle, bench)
    if broken:
        told = "\n".join(f"- {one}" for one in broken)
        raise AssertionError(f"{evaluator.shape.name} breaks {len(broken)} rules:\n{told}")


def broken_rules(
    evaluator: Evaluator,
    generator: Mapping[str, Any] | None = None,
    oracle: Oracle | None = None,
    bench: Callable[[], Bench] = standard_bench,
) -> tuple[str, ...]:
    """Return the rules that the evaluator breaks, in words. Raises what the evaluator raises on a case in order."""
    case = _case(evaluator.shape, generator or {}, oracle)
    trial = _Trial(evaluator, case, bench)
    rules = (_results, _seeds, _refusals, _empty, _sick_models, _false_models, _cost, _manners)
    return tuple(told for rule in rules for told in rule(trial))


class _Trial:
    """An evaluator with its case and benches; the run on the honest model is made once."""

    def __init__(self, evaluator: Evaluator, case: Case, bench: Callable[[], Bench]) -> None:
        self.evaluator, self.case, self.bench = evaluator, case, bench
        self.shape = evaluator.shape
        self.shown = self.run(bench())

    def run(self, bench: Bench, seed: int = 1, case: Case | None = None) -> CaseShown:
        return self.evaluator.run(case or self.case, bench, seed)

    def status(self, bench: Bench) -> str:
        """The status of a run that may end in an exception, which is an error and so no pass."""
        try:
            return self.run(bench).result.status
        except Exception:  # whatever the model raises
            return "error"

    def with_model(self, model: Model) -> Bench:
        return replace(self.bench(), model=model)

    @property
    def names(self) -> frozenset[str]:
        """What the oracle speaks of."""
        texts = [text for text in (self.case.oracle.hits, self.case.oracle.among) if text is not None]
        metric = {self.case.oracle.metric} if self.case.oracle.metric is not None else set()
        return frozenset({*metric, *(name for text in texts for name in compile_expr(text).names)})

    @property
    def of_answers(self) -> bool:
        """True when the oracle speaks of what the model answers."""
        return self.case.oracle.metric is not None or bool(
            self.names & ((ANSWER_NAMES - OOD_NAMES - {"label"}) | BEFORE)
        )

    @property
    def of_right_and_wrong(self) -> bool:
        return self.case.oracle.hits == WRONG


def _results(trial: _Trial) -> Iterator[str]:
    yield from _faults(trial.shown.result, trial.case, 1)
    for measured in trial.shown.measurements:
        if measured.value is not None and not (measured.lo or 0.0) <= measured.value <= _or(measured.hi, math.inf):
            yield f"measurement {measured.indicator} lies outside its bounds"


def _faults(one: CaseResult, case: Case, seed: int) -> Iterator[str]:
    severity = "minor" if case.trial else case.severity
    told = (one.case, one.clause, one.severity, one.segment, one.target, one.seed, one.material)
    asked = (case.id, case.clause, severity, case.segment, target_text(case.oracle), seed, digest(case))
    if told != asked:
        yield f"the result is of another case: {told} for {asked}"
    if one.status not in STATUSES:
        yield f"no status: {one.status!r}"
    if not one.because.strip():
        yield "the result gives no reason"
    if one.requested is not None and one.n > one.requested:
        yield f"{one.n} rows of {one.requested} requested"
    if one.value is not None and not _or(one.lo, -math.inf) <= one.value <= _or(one.hi, math.inf):
        yield f"the value {one.value} lies outside [{one.lo}, {one.hi}]"
    if one.status == "pass" and (one.n == 0 or one.value is None or one.lo is None or one.hi is None):
        yield "a pass without rows or bounds"
    if len(one.worst) > MOST:
        yield f"{len(one.worst)} examples, {MOST} are the most"


def _seeds(trial: _Trial) -> Iterator[str]:
    first = canonical(_plain(trial.shown))
    if canonical(_plain(trial.run(trial.bench()))) != first:
        yield "the same seed gives other bytes"
    if _measures(trial.run(trial.bench(), 2)) != _measures(trial.shown):
        yield "another seed measures other things"
    trial.run(trial.bench(), 3, msgspec.structs.replace(trial.case, id="conformance.another"))
    if canonical(_plain(trial.run(trial.bench()))) != first:
        yield "a case that ran before moves this one"


def _refusals(trial: _Trial) -> Iterator[str]:
    given = dict(trial.case.generator or {})
    wrong: list[tuple[str, dict[str, Any]]] = [("an unknown parameter", {**given, "unknown_parameter": 1})]
    for key, default in trial.shape.parameters.items():
        if default is REQUIRED:
            wrong.append((f"a missing {key}", {name: value for name, value in given.items() if name != key}))
        elif default is not None:
            wrong.append((f"{key} of the wrong type", {**given, key: 3 if isinstance(default, str) else "text"}))
    for key in trial.shape.rows:
        if key in trial.shape.parameters:
            wrong.append((f"{key} of rows that nobody loaded", {**given, key: NOBODY}))
    for told, generator in wrong:
        try:
            trial.run(trial.bench(), case=msgspec.structs.replace(trial.case, generator=generator))
        except ShipworthyError:
            continue
        except Exception as fault:  # a traceback is no refusal
            yield f"{told} raises {type(fault).__name__}, not ShipworthyError"
        else:
            yield f"{told} is not refused"


def _empty(trial: _Trial) -> Iterator[str]:
    bench = trial.bench()
    nothing = replace(bench, datasets=dict.fromkeys(bench.datasets, ()))
    try:
        shown = trial.run(nothing)
    except ShipworthyError:
        return
    except Exception as fault:  # a traceback is no status
        yield f"no rows raise {type(fault).__name__}, not ShipworthyError"
        return
    yield from (f"no rows: {told}" for told in _faults(shown.result, trial.case, 1))
    if shown.result.status == "pass":
        yield "no rows pass"


def _sick_models(trial: _Trial) -> Iterator[str]:
    if not trial.shape.asks:
        return
    well = trial.bench().model
    sick: dict[str, Model] = {
        "falls over": models.crashing,
        "answers a row too few": models.wrong_length(well, -1),
        "answers a row too many": models.wrong_length(well, 1),
    }
    if trial.of_answers:
        sick |= {"is silent": models.silent, "answers NaN": models.not_a_number}
    for told, model in sick.items():
        if trial.status(trial.with_model(model)) == "pass":
            yield f"a model that {told} passes"


def _false_models(trial: _Trial) -> Iterator[str]:
    if not trial.shape.asks:
        return
    if (trial.of_right_and_wrong or trial.names & MOVED) and trial.status(
        trial.with_model(models.guessing())
    ) == "pass":
        yield "a model that guesses passes"
    wavers = models.wavering(trial.bench().model)
    if "changed" in trial.names and trial.status(trial.with_model(wavers)) == "pass":
        yield "a model that wavers passes"
    if trial.of_right_and_wrong:
        same = [trial.status(trial.with_model(models.constant(score))) for score in (0.0, 1.0)]
        if same == ["pass", "pass"]:
            yield "always 0 and always 1 both pass"


def _cost(trial: _Trial) -> Iterator[str]:
    meter = models.Metered(trial.bench().model)
    trial.run(trial.with_model(meter))
    if meter.rows >= FEW_ROWS and meter.rows < LEAST_ROWS_A_CALL * meter.calls:
        yield f"{meter.calls} calls for {meter.rows} rows: ask in batches"
    if trial.shape.asks != bool(meter.calls):
        yield f"asks: {trial.shape.asks}, but the model was asked {meter.rows} rows"


def _manners(trial: _Trial) -> Iterator[str]:
    bench = trial.bench()
    before = copy.deepcopy(dict(bench.datasets))
    plain, legacy = random.getstate(), np.random.get_state()
    try:
        random.seed("states that nobody seeds")
        np.random.seed(20_260_101)
        states = _random_states()
        trial.run(bench)
        if _random_states() != states:
            yield "a global random state was used"
    finally:
        random.setstate(plain)
        np.random.set_state(legacy)
    if dict(bench.datasets) != before:
        yield "rows of the bench were changed"


def _random_states() -> tuple[object, ...]:
    kind, keys, *rest = np.random.get_state(legacy=True)
    return random.getstate(), kind, np.asarray(keys).tobytes(), tuple(rest)


def _case(shape: Shape, generator: Mapping[str, Any], oracle: Oracle | None) -> Case:
    metric = shape.metrics[0] if shape.metrics else None
    usual = Oracle(name="usual", metric=metric, hits=None if metric else WRONG, op="<=", target=0.4)
    return Case(
        id="conformance.one",
        clause="robustness",
        kind="conformance",
        oracle=oracle or usual,
        severity="blocker",
        owner="conformance",
        generator={"name": shape.name, **generator},
    )


def _measures(shown: CaseShown) -> tuple[object, ...]:
    one = shown.result
    names = [(measured.indicator, measured.segment, measured.quantile) for measured in shown.measurements]
    return one.case, one.target, one.segment, one.material, tuple(dict.fromkeys(names))


def _plain(shown: CaseShown) -> Sequence[object]:
    return [shown.result, *shown.measurements]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
