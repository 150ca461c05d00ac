"""The conformance kit notices an evaluator that breaks a rule, and which."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest

from shipworthy.contract.generators import SHAPES
from shipworthy.contract.generators.shape import REQUIRED, Shape
from shipworthy.contract.generators.tabular import ROWS
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import Change, compared
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.oracle import judge_rate
from shipworthy.evaluate.parameters import generator_rows, parameters
from shipworthy.evaluate.rows_case import judged
from shipworthy.facts import Case, Example
from shipworthy.testing import models
from shipworthy.testing.bench import LABEL
from shipworthy.testing.evaluators import broken_rules, check_evaluator

SHAPE = Shape(name="mine", does="Counts changed answers.", parameters={**ROWS, "scale": 1.0}, metrics=("changed",))
ACCURACY = msgspec.structs.replace(SHAPE, metrics=())


@dataclass(frozen=True)
class Of:
    """An evaluator from its two halves, as an entry point loads one."""

    shape: Shape
    run: Callable[[Case, Bench, int], CaseShown]


def good(case: Case, bench: Bench, seed: int) -> CaseShown:
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    return CaseShown(result=compared(case, bench, [Change(at, row, dict(row)) for at, row in enumerate(rows)], seed))


def accuracy(case: Case, bench: Bench, seed: int) -> CaseShown:
    return CaseShown(result=judged(case, bench, generator_rows(case, bench, parameters(case, SHAPE), seed), seed))


def test_a_good_evaluator_of_somebody_else_passes() -> None:
    check_evaluator(Of(SHAPE, good))
    check_evaluator(Of(ACCURACY, accuracy))


def after(change: Callable[[CaseShown, Bench], CaseShown]) -> Callable[[Case, Bench, int], CaseShown]:
    return lambda case, bench, seed: change(good(case, bench, seed), bench)


def result(shown: CaseShown, **changes: object) -> CaseShown:
    return CaseShown(result=msgspec.structs.replace(shown.result, **changes))


def lenient(case: Case, bench: Bench, seed: int) -> CaseShown:
    return good(msgspec.structs.replace(case, generator={"name": "mine"}), bench, seed)


def hopeful(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Counts rows without a score as unmoved."""
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    scores, again = bench.ask(rows)[0], bench.ask(rows)[0]
    moved = sum(a is not None and b is not None and a != b for a, b in zip(scores, again, strict=True))
    return CaseShown(result=judge_rate(case, moved, len(rows), seed))


def trusting(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Takes as many answers as there are, and none for all right."""
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    try:
        scores = list(bench.model([bench.values(row) for row in rows]).scores)
    except RuntimeError:
        scores = [1.0]
    wrong = sum((score or 0) >= 0.5 and row[LABEL] == 0 for score, row in zip(scores, rows, strict=False))
    return CaseShown(result=judge_rate(case, wrong, len(rows) or 1000, seed))


def one_by_one(case: Case, bench: Bench, seed: int) -> CaseShown:
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    wrong = [bench.ask([row])[0][0] != bench.ask([row])[0][0] for row in rows]
    return CaseShown(result=judge_rate(case, sum(wrong), len(rows), seed))


def spoils(case: Case, bench: Bench, seed: int) -> CaseShown:
    for row in bench.rows("test"):
        row["speed"] = 4  # type: ignore[index]
    return good(case, bench, seed)


def draws(case: Case, bench: Bench, seed: int) -> CaseShown:
    np.random.seed(seed % 2**32)
    return good(case, bench, seed)


def seeds(case: Case, bench: Bench, seed: int) -> CaseShown:
    np.random.seed(seed)
    return good(case, bench, seed)


def shuffles(case: Case, bench: Bench, seed: int) -> CaseShown:
    random.random()
    return good(case, bench, seed)


def remembers() -> Callable[[Case, Bench, int], CaseShown]:
    seen: list[str] = []

    def run(case: Case, bench: Bench, seed: int) -> CaseShown:
        seen.append(case.id)
        return result(good(case, bench, seed), because=f"{len(set(seen))} cases so far")

    return run


def counts() -> Callable[[Case, Bench, int], CaseShown]:
    seen: list[int] = []

    def run(case: Case, bench: Bench, seed: int) -> CaseShown:
        seen.append(1)
        return result(good(case, bench, seed), because=f"run {len(seen)}")

    return run


def unasked(case: Case, bench: Bench, seed: int) -> CaseShown:
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    return CaseShown(result=judge_rate(case, 0, len(rows), seed))


def tracebacks(case: Case, bench: Bench, seed: int) -> CaseShown:
    rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
    return result(good(case, bench, seed), because=f"first row {rows[0]}")


def drifts(case: Case, bench: Bench, seed: int) -> CaseShown:
    return result(good(case, bench, seed), segment="*" if seed == 1 else "sex=f")


BROKEN: dict[str, tuple[Callable[[Case, Bench, int], CaseShown], str]] = {
    "another case": (after(lambda shown, _: result(shown, case="other")), "of another case"),
    "another target": (after(lambda shown, _: result(shown, target="<= 1.0")), "of another case"),
    "another digest": (after(lambda shown, _: result(shown, material=None)), "of another case"),
    "no status": (after(lambda shown, _: result(shown, status="fine")), "no status"),
    "no reason": (after(lambda shown, _: result(shown, because=" ")), "no reason"),
    "more than asked": (after(lambda shown, _: result(shown, requested=1)), "of 1 requested"),
    "outside": (after(lambda shown, _: result(shown, lo=0.5, hi=0.6)), "lies outside"),
    "unbounded": (after(lambda shown, _: result(shown, lo=None, hi=None)), "without rows or bounds"),
    "talkative": (after(lambda shown, _: result(shown, worst=(Example(told="x"),) * 6)), "6 examples"),
    "another each time": (counts(), "the same seed gives other bytes"),
    "another after another": (remembers(), "a case that ran before moves this one"),
    "another with the seed": (drifts, "another seed measures other things"),
    "takes anything": (lenient, "an unknown parameter is not refused"),
    "takes any type": (lenient, "where of the wrong type is not refused"),
    "hopeful": (hopeful, "a model that is silent passes"),
    "trusting": (trusting, "a model that falls over passes"),
    "miscounting": (trusting, "a model that answers a row too few passes"),
    "passes nothing": (trusting, "no rows pass"),
    "one by one": (one_by_one, "ask in batches"),
    "spoils": (spoils, "rows of the bench were changed"),
    "numpy": (draws, "global random state"),
    "seeds numpy": (seeds, "global random state"),
    "random": (shuffles, "global random state"),
    "does not ask": (unasked, "the model was asked 0 rows"),
    "fooled": (unasked, "a model that guesses passes"),
    "fooled by wavering": (unasked, "a model that wavers passes"),
    "falls over": (tracebacks, "no rows raise IndexError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_named(name: str) -> None:
    run, told = BROKEN[name]
    assert any(told in one for one in broken_rules(Of(SHAPE, run)))


def test_rows_nobody_loaded_must_be_refused() -> None:
    def careless(case: Case, bench: Bench, seed: int) -> CaseShown:
        given = parameters(case, SHAPE)
        return good(
            case if given["dataset"] is None else msgspec.structs.replace(case, generator={"name": "mine"}), bench, seed
        )

    assert "dataset of rows that nobody loaded is not refused" in broken_rules(Of(SHAPE, careless))


def test_an_evaluator_of_right_and_wrong_that_does_not_look_is_noticed() -> None:
    def blind(case: Case, bench: Bench, seed: int) -> CaseShown:
        rows = generator_rows(case, bench, parameters(case, SHAPE), seed)
        bench.ask(rows)
        return CaseShown(result=judge_rate(case, 0, len(rows), seed))

    told = broken_rules(Of(ACCURACY, blind))
    assert "always 0 and always 1 both pass" in told
    assert "a model that guesses passes" in told
    assert "a model that answers NaN passes" in told


def test_a_required_parameter_must_be_required() -> None:
    shape = msgspec.structs.replace(SHAPE, parameters={**SHAPE.parameters, "field": REQUIRED})
    lax = msgspec.structs.replace(SHAPE, parameters={**SHAPE.parameters, "field": None})

    def run(case: Case, bench: Bench, seed: int) -> CaseShown:
        rows = generator_rows(case, bench, parameters(case, lax), seed)
        return CaseShown(result=compared(case, bench, [Change(at, row, row) for at, row in enumerate(rows)], seed))

    assert broken_rules(Of(shape, run), {"field": "speed"}) == ("a missing field is not refused",)


def test_a_measurement_outside_its_bounds_is_named() -> None:
    def run(case: Case, bench: Bench, seed: int) -> CaseShown:
        shown = GENERATORS["membership"](case, bench, seed)
        (one,) = shown.measurements
        return CaseShown(result=shown.result, measurements=(msgspec.structs.replace(one, lo=0.9, hi=1.0),))

    told = broken_rules(Of(SHAPES["membership"], run), {"false_positive_rate": 0.02})
    assert "measurement membership_tpr lies outside its bounds" in told


def test_the_kit_says_all_that_is_broken_at_once() -> None:
    with pytest.raises(AssertionError, match="mine breaks") as raised:
        check_evaluator(Of(SHAPE, unasked))
    assert "\n- " in str(raised.value)


def test_an_evaluator_that_cannot_run_its_own_case_is_not_checked() -> None:
    with pytest.raises(ContractError):
        broken_rules(Of(SHAPES["payload"], GENERATORS["payload"]))


def test_a_model_that_wavers_answers_otherwise_each_time_and_stays_near() -> None:
    model = models.wavering(models.constant(0.5))
    first, again = model([[1]] * 50).scores, model([[1]] * 50).scores
    assert list(first) != list(again)
    assert all(0.3 <= (score or 0) <= 0.7 for score in (*first, *again))
