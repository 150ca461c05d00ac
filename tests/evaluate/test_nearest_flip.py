from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.nearest_flip import run
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.feasible_flip import run_case
from shipworthy.expr import ExprError, compile_expr
from shipworthy.gate.recompute import mismatches
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import bench, case, model_of, rows

HOT = (
    Feature(name="red", type="bool", mutable="yes", group="colour"),
    Feature(name="green", type="bool", mutable="yes", group="colour"),
    Feature(name="blue", type="bool", mutable="yes", group="colour"),
    Feature(name="n", type="int", min=0, max=20, mutable="increase"),
    Feature(name="x", type="float", min=-5, max=5, mutable="decrease"),
    Feature(name="total", type="float", min=0, mutable="yes"),
    Feature(name="part", type="float", min=0, mutable="yes", cost=2.0),
    Feature(name="kind", type="category", mutable="yes"),
    Feature(name="fixed", type="float"),
)
RELATION = compile_expr("part <= total")


def hot_rows(n: int, seed: int) -> list[dict[str, Value]]:
    rng = np.random.default_rng(seed)
    made: list[dict[str, Value]] = []
    for _ in range(n):
        colour, total = int(rng.integers(0, 3)), float(rng.uniform(1, 9))
        made.append(
            {
                **{name: int(at == colour) for at, name in enumerate(("red", "green", "blue"))},
                "n": int(rng.integers(0, 21)),
                "x": float(rng.normal()),
                "total": total,
                "part": total * float(rng.uniform(0, 1)),
                "kind": str(rng.choice(["a", "b", "c"])),
                "fixed": float(rng.normal()),
                "note": "kept",
            }
        )
    return made


def hot_score(row: Mapping[str, Any]) -> float:
    get = row.__getitem__
    z = 2 * get("red") - get("green") + 0.2 * (get("n") - 10) - get("x") + 0.4 * get("part") - 0.2 * get("total")
    return float(1 / (1 + np.exp(-(z + (1.0 if get("kind") == "b" else -0.5) + get("fixed")))))


def attacked(seed: int, n: int = 12, budget: int = 300) -> Attack:
    table = hot_rows(n, seed)
    on = bench(model=model_of(hot_score, HOT), features=HOT, datasets={"test": table})
    donors = hot_rows(150, seed + 1)
    space = Space(HOT, (RELATION,), donors)
    attack = Attack(Target(on, space, table, [hot_score(row) for row in table]), budget)
    run(attack, Donors(on, space, donors), np.random.default_rng(seed), 16)
    attack.confirm()
    return attack


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_every_reported_row_is_a_record_that_could_exist(seed: int) -> None:
    """Checked from the declarations here, with none of the attack's own code."""
    attack = attacked(seed)
    for row in attack.found():
        before = attack.target.rows[row]
        after = attack.space.decode(attack.best[row], attack.start[row], before)
        assert (hot_score(after) >= 0.5) != (hot_score(before) >= 0.5)
        assert after["fixed"] == before["fixed"]
        assert after["note"] == "kept"
        assert sorted(after[name] for name in ("red", "green", "blue")) == [0, 0, 1]  # type: ignore[type-var]
        assert isinstance(after["n"], int)
        assert int(before["n"] or 0) <= after["n"] <= 20
        assert -5 <= float(after["x"] or 0) <= float(before["x"] or 0)
        assert 0 <= float(after["part"] or 0) <= float(after["total"] or 0)
        assert after["kind"] in ("a", "b", "c")


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000), st.integers(10, 80))
def test_no_row_is_asked_beyond_its_budget(seed: int, budget: int) -> None:
    assert attacked(seed, budget=budget).spent.max() <= budget + 2


@given(st.lists(st.lists(st.floats(-50, 50) | st.just(float("nan")), min_size=9, max_size=9), min_size=1, max_size=8))
def test_projection_lands_on_allowed_changes_and_stays_there(points: list[list[float]]) -> None:
    table = hot_rows(len(points), 3)
    space = Space(HOT, (), hot_rows(60, 4))
    start = space.encode(table)
    wanted = np.array(points)
    wanted[:, 7] = np.clip(np.nan_to_num(np.floor(wanted[:, 7])), -1, 2)
    once = space.project(wanted, start)
    assert np.array_equal(space.project(once, start), once, equal_nan=True)
    for at, row in enumerate(table):
        assert space.valid(row, space.decode(once[at], start[at], row))


def test_nothing_moves_at_no_cost_and_a_dearer_field_costs_more() -> None:
    table = hot_rows(50, 3)
    space = Space(HOT, (), table)
    start = space.encode(table)
    assert not space.cost(start, start).any()
    moved = start.copy()
    moved[:, 6] += 1.0
    cheap = tuple(msgspec.structs.replace(one, cost=1.0) for one in HOT)
    plain = Space(cheap, (), table)
    assert np.allclose(space.cost(moved, start), 2 * plain.cost(moved, start))


@pytest.mark.parametrize(
    "change",
    [
        {"fixed": 9.0},
        {"n": 3},
        {"n": 15.5},
        {"n": 21},
        {"x": 1.0},
        {"red": 1, "green": 1, "blue": 0},
        {"part": 7.0},
        {"kind": None},
        {"total": float("nan")},
    ],
)
def test_the_validity_check_refuses_what_cannot_be(change: dict[str, Value]) -> None:
    before: Row = {
        "red": 1,
        "green": 0,
        "blue": 0,
        "n": 10,
        "x": 0.0,
        "total": 5.0,
        "part": 1.0,
        "kind": "a",
        "fixed": 0.0,
    }
    space = Space(HOT, (RELATION,), [before])
    assert space.valid(before, {**before, "green": 1, "red": 0, "n": 12})
    assert not space.valid(before, {**before, **change})


def test_the_relations_of_the_manifest_hold_like_those_of_the_case() -> None:
    generator: dict[str, object] = {"name": "nearest_flip", "n": 60, "at_cost": 1.0}
    asked = case(generator=generator, metric="feasible_flip_rate", target=0.9)
    bound = run_case(asked, dataclasses.replace(flipping(), relations=(compile_expr("paid <= amount"),)), 3)
    in_case = run_case(
        case(generator={**generator, "relations": ["paid <= amount"]}, metric="feasible_flip_rate", target=0.9),
        flipping(),
        3,
    )
    assert bound.measurements == in_case.measurements


def test_a_relation_that_can_never_be_told_leaves_no_attack() -> None:
    never = dataclasses.replace(flipping(), relations=(compile_expr("nowhere > 1"),))
    generator: dict[str, object] = {"name": "nearest_flip", "n": 60, "at_cost": 1.0}
    told = run_case(case(generator=generator, metric="feasible_flip_rate", target=0.9), never, 3)
    assert told.measurements[0].n == 0
    assert told.result.status != "pass"


@cache
def shown(at_cost: float = 1.0, n: int = 200) -> CaseShown:
    generator: dict[str, object] = {"name": "nearest_flip", "n": n, "at_cost": at_cost, "relations": ["paid <= amount"]}
    return run_case(case(generator=generator, metric="feasible_flip_rate", target=0.9), flipping(), 3)


def flipping() -> Bench:
    return bench(datasets={"test": rows(800, 21), "train": rows(800, 22)})


def test_the_rate_has_counts_that_recompute_and_bits_for_every_attacked_row() -> None:
    found = shown()
    assert found.result.n == len(found.result.bits) == 200
    assert found.result.hits == found.result.bits.count("1")
    assert not mismatches(found.measurements)
    assert found.measurements[0].indicator == "feasible_flip_rate"
    assert 0 < len(found.result.worst) <= 5
    assert " -> " in found.result.worst[0].told
    assert "queries a row mean" in found.result.because


def test_more_money_never_flips_fewer_rows() -> None:
    hits = [shown(cost).result.hits or 0 for cost in (0.1, 0.5, 1.0, 5.0)]
    assert hits == sorted(hits)
    assert hits[0] < hits[-1]


def test_the_same_seed_finds_the_same_flips() -> None:
    generator: dict[str, object] = {"name": "nearest_flip", "n": 40}
    one = case(generator=generator, metric="feasible_flip_rate", target=0.9)
    assert run_case(one, flipping(), 5) == run_case(one, flipping(), 5)


def test_a_flip_near_the_boundary_is_cheap() -> None:
    """One mutable field, one threshold: the attack must come close to the true least change."""
    features = (Feature(name="a", type="float", min=0, max=100, mutable="yes"),)
    table: list[Row] = [{"a": float(v), "y": int(v >= 50)} for v in range(0, 100, 2)]
    on = bench(features=features, datasets={"test": table, "train": table}, unit=None, scorer=None, thresholds=None,
               model=model_of(lambda row: min(1.0, float(row["a"] or 0) / 100), features))  # fmt: skip
    space = Space(features, (), table)
    attack = Attack(Target(on, space, table, [float(row["a"] or 0) / 100 for row in table]), 600)
    run(attack, Donors(on, space, table), np.random.default_rng(1), 8)
    attack.confirm()
    assert len(attack.found()) == 50
    for at, row in enumerate(table):
        assert abs(abs(attack.best[at, 0] - float(row["a"] or 0)) - abs(float(row["a"] or 0) - 50.0)) < 0.5


def test_without_a_mutable_feature_nothing_is_shown() -> None:
    fixed = tuple(msgspec.structs.replace(one, mutable="no") for one in bench().features)
    one = case(generator={"name": "nearest_flip"}, metric="feasible_flip_rate", target=0.9)
    found = run_case(one, bench(features=fixed, datasets={"test": rows(300, 21)}), 1)
    assert found.result.status == "inconclusive"
    assert found.measurements[0].value is None


def test_a_model_that_is_never_right_cannot_be_attacked() -> None:
    one = case(generator={"name": "nearest_flip"}, metric="feasible_flip_rate", target=0.9)
    wrong = bench(model=model_of(lambda row: None), datasets={"test": rows(100, 21)})
    assert run_case(one, wrong, 1).result.status == "inconclusive"


def test_a_relation_that_is_no_relation_is_refused() -> None:
    generator: dict[str, object] = {"name": "nearest_flip", "relations": ["paid <="]}
    with pytest.raises(ExprError):
        run_case(case(generator=generator, metric="feasible_flip_rate"), flipping(), 1)
