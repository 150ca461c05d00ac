from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.expr import compile_expr
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Value
from tests.evaluate.benches import bench, case, model_of, truth


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"metric": "fell_short", "op": "==", "target": 0.0, **oracle}
    one = case(generator=generator, among=str(given.pop("among", "true")), **given)  # type: ignore[arg-type]
    return GENERATORS[str(generator["name"])](one, on or bench(), 3).result


def number(row: Mapping[str, Value], name: str) -> float:
    value = row[name]
    assert isinstance(value, int | float)
    return float(value)


def test_a_faster_crash_without_a_belt_must_score_higher_by_what_is_asked() -> None:
    generator: dict[str, object] = {"name": "direction", "by": {"speed": 1}, "set": {"belt": 1}, "least": 0.001}
    found = run(generator)
    assert (found.status, found.hits) == ("pass", 0)
    assert found.n == sum(number(row, "speed") < 4 for row in bench().rows("test"))
    assert "rows cannot move so" in found.because
    assert run({**generator, "least": 0.3}).status == "fail"
    assert run({**generator, "direction": "falls"}).hits == found.n


def test_with_nothing_asked_the_score_must_only_not_go_the_other_way() -> None:
    flat = bench(model=model_of(lambda row: 0.5))
    assert run({"name": "direction", "by": {"amount": -5}}, flat).hits == 0
    assert run({"name": "direction", "by": {"amount": -5}}).hits == 0
    assert run({"name": "direction", "by": {"amount": 5}}).status == "fail"
    assert run({"name": "direction", "by": {"amount": 5}, "least": 0.01}, flat).status == "fail"


def test_scores_near_the_top_can_be_left_out_by_the_oracle() -> None:
    generator: dict[str, object] = {"name": "direction", "by": {"speed": 1}, "least": 0.02}
    every = run(generator)
    low = run(generator, among="score_before > 0.05 and score_before < 0.9")
    assert low.hits == 0 < (every.hits or 0)
    assert 0 < low.n < every.n


def test_a_row_that_is_so_already_is_left_out() -> None:
    found = run({"name": "direction", "set": {"belt": 1}, "least": 0.0001})
    assert found.n == sum(row["belt"] == 0 for row in bench().rows("test"))


def test_a_silent_model_falls_short() -> None:
    silent = bench(model=model_of(lambda row: None))
    found = run({"name": "direction", "by": {"speed": 1}}, silent)
    assert (found.status, found.value) == ("fail", 1.0)


def test_a_ladder_finds_a_dip_that_one_step_jumps_over() -> None:
    def dips(row: Mapping[str, Value]) -> float:
        return 0.3 if row["speed"] == 3 else 0.4 + 0.1 * number(row, "speed")

    low: dict[str, object] = {"name": "monotone", "feature": "speed", "where": "speed == 0"}
    on = bench(model=model_of(dips))
    assert run(low, on, metric="fell").hits == 0
    climbed = run({**low, "steps": 3}, on, metric="fell")
    assert climbed.hits == climbed.n == run(low, on, metric="fell").n
    assert {one.before["speed"] for one in climbed.worst} == {2}
    assert {one.after["speed"] for one in climbed.worst} == {3}


def test_a_ladder_ends_where_the_range_ends() -> None:
    asked: list[float] = []

    def listens(row: Mapping[str, Value]) -> float:
        asked.append(number(row, "speed"))
        return 0.1

    run({"name": "monotone", "feature": "speed", "steps": 9}, bench(model=model_of(listens)), metric="fell")
    assert max(asked) == 4
    flags = run({"name": "monotone", "feature": "belt"}, metric="fell")
    assert flags.n == sum(row["belt"] == 0 for row in bench().rows("test"))


def test_a_ladder_down_is_read_from_the_other_end() -> None:
    falls: dict[str, object] = {"name": "monotone", "feature": "amount", "direction": "falls", "step": 7.0, "steps": 2}
    assert run(falls, metric="fell").hits == 0
    assert run({**falls, "direction": "rises"}, metric="fell").status == "fail"


def test_features_that_rise_together_may_outweigh_each_other() -> None:
    both: dict[str, object] = {"name": "monotone", "feature": ["speed", "belt"], "where": "belt == 0"}
    assert run(both, metric="fell").hits == 0
    against = bench(model=model_of(lambda row: 1 / (1 + math.exp(-number(row, "speed") + 2 * number(row, "belt")))))
    found = run(both, against, metric="fell")
    assert found.hits == found.n > 0


def test_a_move_that_breaks_a_relation_is_left_out() -> None:
    paid = bench(truth, relations=(compile_expr("paid <= amount"),))
    found = run({"name": "direction", "by": {"paid": 50}}, paid)
    possible = sum(number(row, "paid") + 50 <= number(row, "amount") for row in paid.rows("test"))
    assert found.n == possible
    assert "made break a relation and were left out" in found.because


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "direction"},
        {"name": "direction", "by": {"hight": 1}},
        {"name": "direction", "by": {"sex": 1}},
        {"name": "direction", "by": {"speed": "one"}},
        {"name": "direction", "by": {"speed": float("nan")}},
        {"name": "direction", "by": {"speed": 1}, "direction": "up"},
        {"name": "direction", "by": {"speed": 1}, "least": -0.1},
        {"name": "monotone", "feature": ["speed", "hight"]},
        {"name": "monotone", "feature": "speed", "steps": 0},
        {"name": "monotone", "feature": 3},
    ],
)
def test_a_direction_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)
