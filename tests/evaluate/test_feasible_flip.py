"""Models that no attack can move are not robust for that: what stands beside the flip rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.attacks import report
from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.ensemble import Found
from shipworthy.evaluate.attacks.useful import Useful, useful
from shipworthy.evaluate.bench import Answers, Ask, Bench, CaseShown
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.feasible_flip import run_case
from shipworthy.evaluate.rows_to_attack import fit_to_attack
from shipworthy.expr import compile_expr
from shipworthy.facts import seed_of
from shipworthy.gate.recompute import mismatches
from shipworthy.profile.rows import Value
from tests.evaluate.benches import Given, bench, case, model_of, rows, truth

DATASETS = {"test": rows(800, 21), "train": rows(800, 22)}


def attacked(on: Bench, **generator: Any) -> CaseShown:
    given = {"name": "feasible_flip", "n": 100, "max_queries": 200, **generator}
    return run_case(case(generator=given, metric="feasible_flip_rate", target=0.9), on, 3)


def always(score: float | None, decision: str | None = None) -> Callable[[list[list[Value]]], Answers]:
    return lambda batch: Given([score] * len(batch), None if decision is None else [decision] * len(batch))


def by_chance(batch: Sequence[Sequence[Value]]) -> Answers:
    """Another number for every row, the same one each time."""
    return Given([float(np.random.default_rng(seed_of(*values)).random()) for values in batch])


def abstains(batch: list[list[Value]]) -> Answers:
    return Given(model_of(truth)(batch).scores, ["review"] * len(batch))


def rounded(row: Mapping[str, Value]) -> float:
    return round(truth(row), 1)


@pytest.mark.parametrize("thresholds", [True, False])
@pytest.mark.parametrize("model", [always(0.1), always(0.9), by_chance, abstains, always(0.1, "auto_deny")])
@pytest.mark.parametrize("name", ["nearest_flip", "feasible_flip"])
def test_a_useless_model_never_looks_robust(
    name: str, model: Callable[[list[list[Value]]], Answers], thresholds: bool
) -> None:
    on = bench(datasets=DATASETS, model=model)
    found = attacked(on if thresholds else dataclasses.replace(on, thresholds=None), name=name)
    assert found.result.status in (("inconclusive", "fail") if model is by_chance else ("inconclusive",))
    assert found.measurements[0].value is None
    assert "useful accuracy" in found.result.because


def test_a_model_that_rounds_is_as_easy_to_flip_as_one_that_does_not() -> None:
    plain, coarse = (attacked(bench(score, DATASETS, thresholds=None)) for score in (truth, rounded))
    assert coarse.result.status == "pass"
    assert abs((plain.result.hits or 0) - (coarse.result.hits or 0)) <= 10


def test_a_different_answer_each_time_flips_only_where_it_holds() -> None:
    """A coin at every question: a quarter of the lucky flips would hold twice, and it is no better than one answer."""
    rng = np.random.default_rng(1)
    coin = bench(datasets=DATASETS, model=lambda batch: Given(rng.random(len(batch)).tolist()), thresholds=None)
    found = attacked(coin)
    assert found.result.status != "pass"
    assert found.measurements[0].value is None


def test_what_was_flipped_fails_a_case_even_where_nothing_can_be_shown() -> None:
    flips = bench(datasets=DATASETS, model=by_chance, thresholds=None)
    one = case(generator={"name": "feasible_flip", "n": 100, "max_queries": 200, "at_cost": 99.0},
               metric="feasible_flip_rate", target=0.05)  # fmt: skip
    assert run_case(one, flips, 3).result.status == "fail"


def test_attacks_that_random_changes_beat_show_nothing() -> None:
    on, few = bench(datasets=DATASETS), rows(100, 21)
    target = Target(on, Space(on.features, (), few), few, [truth(row) for row in few])
    parts = {name: Attack(target, 10) for name in ("boundary", "random")}
    parts["random"].cost[:2] = 0.5
    found = Found(target, parts, target.start, parts["random"].cost, parts["random"].spent)
    one = case(metric="feasible_flip_rate", target=0.9)
    worth = Useful(100, 100, 80, 60, 0.95)
    shown = report.result(one, found, worth, 1.0, 3)
    assert (shown.status, shown.hits) == ("inconclusive", 2)
    assert "random changes beat the attacks on 2 rows" in shown.because
    assert report.measurements(Ask(indicator=report.INDICATOR), found, worth, 1.0, 10)[0].value is None


def test_every_attack_is_told_apart_and_the_whole_is_the_best_of_them() -> None:
    found = attacked(bench(datasets=DATASETS))
    parts = {one.part: one for one in found.measurements}
    assert set(parts) == {None, "any cost", "nearest_flip", "boundary", "hop_skip_jump", "random"}
    assert not mismatches(found.measurements)
    whole = parts[None].hits or 0
    assert whole >= max(parts[name].hits or 0 for name in ("nearest_flip", "boundary", "hop_skip_jump", "random"))
    assert whole == found.result.hits
    assert (found.result.most_queries or 0) <= 200
    for told in (
        "median cost",
        "median L2",
        "median fields changed",
        "queries a row mean",
        "at most",
        "useful accuracy",
    ):
        assert told in found.result.because


def test_the_same_seed_finds_the_same_flips_and_another_way_of_counting_others() -> None:
    on = bench(datasets=DATASETS)
    assert attacked(on) == attacked(on)
    assert attacked(on, cost="l2").result.because != attacked(on).result.because


def test_a_cost_or_an_attack_that_is_none_is_refused() -> None:
    wrongs: tuple[dict[str, object], ...] = ({"cost": "linf"}, {"attacks": ["zoo"]}, {"attacks": []})
    for wrong in wrongs:
        with pytest.raises(ContractError, match=r"no cost|no attack"):
            attacked(bench(datasets=DATASETS), **wrong)


def test_useful_accuracy_counts_what_is_right_and_alone() -> None:
    on = bench()
    seen = answer(on, rows(500, 5))
    worth = useful(on, seen, 0.95)
    alone = [one for one in seen if one.route == "machine"]
    right = [one for one in alone if one.decision == ("auto_approve" if one.label == 1 else "auto_deny")]
    assert (worth.n, worth.alone, worth.right) == (500, len(alone), len(right))
    assert worth.accuracy == len(right) / 500
    assert not worth.useless()


@pytest.mark.parametrize(
    ("alone", "right", "majority", "useless"),
    [(0, 0, 0, True), (100, 60, 60, True), (100, 62, 60, True), (100, 75, 60, False), (10, 8, 6, True)],
)
def test_better_than_one_answer_to_all_must_be_shown(alone: int, right: int, majority: int, useless: bool) -> None:
    assert bool(Useful(200, alone, right, majority, 0.95).useless()) == useless


def test_only_rows_that_the_model_gets_right_and_that_are_valid_are_attacked() -> None:
    on = bench(datasets=DATASETS)
    seen = answer(on, rows(800, 21))
    space = Space(on.features, (compile_expr("paid <= 40"),), rows(50, 22))
    fit = fit_to_attack(space, seen, 60, 5)
    assert len(fit) == 60
    assert all((one.score or 0) >= 0.5 if one.label == 1 else (one.score or 0) < 0.5 for one in fit)
    assert all(float(one.row["paid"] or 0) <= 40 for one in fit)
    assert fit == fit_to_attack(space, seen, 60, 5)
    assert fit != fit_to_attack(space, seen, 60, 6)


def test_rows_without_a_score_are_not_answered() -> None:
    on = bench(model=always(None), thresholds=None)
    assert useful(on, answer(on, rows(50, 5)), 0.95).alone == 0
