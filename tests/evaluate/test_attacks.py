from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks import square
from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.columns import Floats
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.ensemble import ATTACKS, Found, attack_all
from shipworthy.evaluate.attacks.price import LINF, Price
from shipworthy.evaluate.attacks.walks import Walks, to_boundary
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.evaluate.feasible import Space
from shipworthy.expr import compile_expr
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import Given, bench

ALL = tuple(ATTACKS)
NUMBERS = tuple(Feature(name=f"x{at}", type="float", min=0, max=1, mutable="yes") for at in range(6))
KINDS: tuple[Literal["int", "float", "bool", "category"], ...] = ("int", "float", "bool", "category")
WAYS: tuple[Literal["no", "yes", "increase", "decrease"], ...] = ("no", "yes", "yes", "increase", "decrease")
WEIGHT = np.array([3.0, -2.0, 1.0, 0.5, -0.25, 2.0])


@dataclass
class Listening:
    """A linear model that keeps what it was asked."""

    features: tuple[Feature, ...]
    weight: Floats
    asked: list[list[Value]] = field(default_factory=list)

    def __call__(self, batch: list[list[Value]]) -> Answers:
        self.asked += batch
        return Given([self.score(values) for values in batch])

    def score(self, values: list[Value]) -> float:
        z = sum(w * self.number(value) for w, value in zip(self.weight, values, strict=True))
        return float(1 / (1 + np.exp(-np.clip(z, -50, 50))))

    @staticmethod
    def number(value: Value) -> float:
        return float({"a": -1, "b": 0.5, "c": 1}.get(value, 0)) if isinstance(value, str) else float(value or 0)


def declared(draw: st.DrawFn) -> tuple[Feature, ...]:
    """Some features of every type, with ranges or without, that may change in any way or not at all."""
    made = [Feature(name="id", type="float")]
    for at in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(KINDS))
        mutable = draw(st.sampled_from(WAYS))
        low = draw(st.sampled_from([None, -2.0, 0.0])) if kind in ("int", "float") else None
        high = draw(st.sampled_from([None, 1.0, 3.5])) if kind in ("int", "float") else None
        made.append(Feature(name=f"f{at}", type=kind, mutable=mutable, min=low, max=high))
    size = draw(st.sampled_from([0, 1, 3]))
    moves = draw(st.sampled_from(WAYS[:3]))
    made += [Feature(name=f"g{at}", type="bool", mutable=moves, group="g") for at in range(size)]
    return tuple(made)


def drawn_rows(features: tuple[Feature, ...], n: int, rng: np.random.Generator) -> list[Row]:
    groups = [one.name for one in features if one.group]
    rows: list[Row] = []
    for at in range(n):
        row: dict[str, Value] = {"id": float(at + rng.random()), "note": "kept"}
        for one in features[1:]:
            low, high = -3.0 if one.min is None else one.min, 4.0 if one.max is None else one.max
            cells: dict[str, Value] = {
                "float": float(rng.uniform(low, high)),
                "int": int(rng.integers(int(low), int(high) + 1)),
                "bool": int(rng.integers(0, 2)),
                "category": str(rng.choice(["a", "b", "c"])),
            }
            row[one.name] = cells[one.type]
            if rng.random() < 0.05 and not one.group:
                row[one.name] = None
        chosen = str(rng.choice(groups)) if groups else ""
        rows.append({**row, **{name: int(name == chosen) for name in groups}})
    return rows


@st.composite
def worlds(draw: st.DrawFn) -> tuple[tuple[Feature, ...], Listening, int]:
    features = declared(draw)
    seed = draw(st.integers(0, 100_000)) + 17
    weight = np.random.default_rng(seed).normal(size=len(features))
    weight[0] = 0.0
    return features, Listening(features, weight), seed


@settings(max_examples=40, deadline=None)
@given(worlds(), st.sampled_from([200, 60, 5, 0]), st.sampled_from(["mad_l1", "l2"]), st.booleans())
def test_nothing_is_asked_or_reported_that_could_not_exist(
    world: tuple[tuple[Feature, ...], Listening, int], budget: int, cost: str, related: bool
) -> None:
    """Random declarations, all attacks: every question is a valid record of the row it is about, and within budget."""
    features, model, seed = world
    rng = np.random.default_rng(seed)
    rows, donors = drawn_rows(features, 8, rng), drawn_rows(features, 30, rng)
    relations = (compile_expr(f"f0 <= {Listening.number(rows[0]['f0'])}"),) if features[1].type != "category" else ()
    space = Space(features, relations if related else (), donors, cost)
    rows = [row for row, kept in zip(rows, space.holds(rows), strict=True) if kept]
    on = bench(model=model, features=features, datasets={"test": rows})
    scores = [model.score(on.values(row)) for row in rows]
    known = Donors(on, space, donors)
    model.asked.clear()
    found = attack_all(Target(on, space, rows, scores), known, ALL, budget, seed, 8)
    by_id = {row["id"]: row for row in rows}
    for values in model.asked:
        before = by_id[values[0]]
        after = {**before, **dict(zip([one.name for one in features], values, strict=True))}
        assert space.valid(before, after)
        assert any(after[name] != before[name] for name in before)
    assert found.spent.max(initial=0) <= budget
    assert found.spent.sum() == len(model.asked)
    for row in found.flipped():
        after = space.decode(found.best[row], found.target.start[row], rows[row])
        assert space.valid(rows[row], after)
        assert after["note"] == "kept"
        assert (model.score(on.values(after)) >= 0.5) != (scores[row] >= 0.5)


@pytest.mark.parametrize(
    ("before", "wanted", "lands"),
    [
        ({"n": 1}, {"n": 2.7}, {"n": 2}),
        ({"n": 4}, {"n": 1.3}, {"n": 2}),
        ({"n": 1}, {"n": 99.0}, {"n": 9}),
        ({"n": 12}, {"n": 11.0}, {}),
        ({"b": 0}, {"b": 5.0}, {"b": 1}),
        ({"b": None}, {"b": 1.0}, {}),
        ({"c": "a"}, {"c": 0.5}, {}),
        ({"c": "a"}, {"c": 1.0}, {"c": "b"}),
        ({"g0": 1, "g1": 0}, {"g0": 0.0}, {}),
        ({"g0": 1, "g1": 0}, {"g1": 1.0}, {}),
        ({"g0": 1, "g1": 0}, {"g0": 0.4, "g1": 0.6}, {}),
        ({"g0": 1, "g1": 0}, {"g0": 0.0, "g1": 1.0}, {"g0": 0, "g1": 1}),
        ({"k0": 1.0, "k1": 0.0}, {"k0": 0.4, "k1": 0.6}, {}),
        ({"k0": 1.0, "k1": 0.0}, {"k0": 0.0, "k1": 1.0}, {"k0": 0.0, "k1": 1.0}),
        ({"h0": 1, "h1": 0}, {"h0": 0.0, "h1": 1.0}, {}),
        ({"r": None}, {"r": 1.0}, {}),
        ({"r": 1.0}, {"r": 0.5}, {}),
        ({"r": 1.0}, {"r": float("inf")}, {}),
        ({"r": 1.0}, {"r": 1.5}, {"r": 1.5}),
    ],
)
def test_a_point_lands_on_the_nearest_change_that_may_be_made(
    before: dict[str, Value], wanted: dict[str, float], lands: dict[str, Value]
) -> None:
    features = (
        Feature(name="n", type="int", min=0, max=9, mutable="yes"),
        Feature(name="b", type="bool", mutable="yes"),
        Feature(name="c", type="category", mutable="yes"),
        *(Feature(name=name, type="bool", mutable="yes", group="g") for name in ("g0", "g1")),
        *(Feature(name=f"k{at}", type="float", mutable="yes", group="k") for at in (0, 1)),
        *(Feature(name=f"h{at}", type="bool", mutable=WAYS[at], group="h") for at in (0, 1)),
        Feature(name="r", type="float", mutable="increase"),
    )
    row: Row = {"n": 1, "b": 0, "c": "a", "g0": 1, "g1": 0, "k0": 1, "k1": 0, "h0": 1, "h1": 0, "r": 1.0, **before}
    space = Space(features, (), [row, {**row, "c": "b"}])
    start = space.encode([row])
    point = start.copy()
    for name, number in wanted.items():
        point[0, [one.name for one in features].index(name)] = number
    assert space.decode(space.project(point, start)[0], start[0], row) == {**row, **lands}


def linear(seed: int, n: int = 30, weight: Floats = WEIGHT) -> tuple[Bench, Target, Donors, Floats]:
    """A linear model on [0, 1]^6, and for each row the true length of the shortest way to the other class."""
    rng = np.random.default_rng(seed)
    data = rng.uniform(0.2, 0.8, (n + 100, 6))
    rows: list[Row] = [dict(zip([one.name for one in NUMBERS], line.tolist(), strict=True)) for line in data]
    shift = float(weight @ np.full(6, 0.5))

    def model(batch: list[list[Value]]) -> Answers:
        z = np.array(batch, dtype=float) @ weight - shift
        return Given((1 / (1 + np.exp(-z))).tolist())

    on = bench(model=model, features=NUMBERS, datasets={})
    space = Space(NUMBERS, (), rows[n:], "l2")
    scores = [float(score) for score in model([on.values(row) for row in rows[:n]]).scores if score is not None]
    target = Target(on, space, rows[:n], scores)
    return on, target, Donors(on, space, rows[n:]), np.abs(data[:n] @ weight - shift) / np.linalg.norm(weight)


@pytest.mark.parametrize(
    ("name", "most"), [("nearest_flip", 1.23), ("boundary", 1.05), ("hop_skip_jump", 1.02), ("random", 1.43)]
)
def test_an_attack_comes_near_the_true_distance_and_never_below(name: str, most: float) -> None:
    """On a linear model the shortest change is known: |z| / |w|."""
    _, target, donors, truth = linear(3)
    found = attack_all(target, donors, (name,), 600, 5, 16)
    assert np.isfinite(found.cost).all()
    assert (found.cost >= truth - 1e-9).all()
    assert np.median(found.cost / truth) <= most


def test_a_walk_is_bisected_to_the_boundary_of_its_own_line() -> None:
    """One feature that flips at 0.5: ten halvings leave a thousandth of the way."""
    features = NUMBERS[:1]
    on = bench(model=lambda batch: Given([float(row[0] or 0) for row in batch]), features=features, datasets={})
    rows: list[Row] = [{"x0": 0.1}, {"x0": 0.3}]
    attack = Attack(Target(on, Space(features, (), rows, "l2"), rows, [0.1, 0.3]), 50)
    walks = Walks(np.array([0, 1]), np.array([[0.9], [0.8]]), np.array([0.8, 0.5]))
    to_boundary(attack, walks, np.array([0, 1]), 10)
    assert np.allclose(walks.points, 0.5, atol=1e-3)
    assert (walks.points >= 0.5).all()


def test_the_ensemble_is_as_good_as_its_best_part_and_spends_no_more() -> None:
    _, target, donors, _ = linear(4)
    found = attack_all(target, donors, ALL, 1000, 5, 16)
    assert np.array_equal(found.cost, np.min([part.cost for part in found.parts.values()], axis=0))
    assert np.array_equal(found.spent, np.sum([part.spent for part in found.parts.values()], axis=0))
    assert found.spent.max() <= 1000
    assert found.parts["random"].spent.max() <= 250
    assert not found.beaten()


def test_what_one_attack_does_not_need_the_next_may_spend() -> None:
    _, target, donors, _ = linear(4)
    found = attack_all(target, donors, ("nearest_flip", "boundary"), 800, 5, 16)
    assert found.parts["boundary"].spent.min() > 400


@pytest.mark.parametrize("names", [(), ("nearest",)])
def test_an_attack_that_is_none_is_refused(names: tuple[str, ...]) -> None:
    _, target, donors, _ = linear(1)
    with pytest.raises(ContractError, match="no attack"):
        attack_all(target, donors, names, 100, 1, 8)


def test_attacks_that_random_changes_beat_prove_nothing() -> None:
    _, target, _, _ = linear(1, n=4)
    parts = {name: Attack(target, 10) for name in ALL}
    parts["random"].cost[:] = [1.0, 1.0, 1.0, np.inf]
    parts["boundary"].cost[:] = [0.995, 2.0, np.inf, np.inf]
    found = Found(target, parts, target.start, parts["random"].cost, np.zeros(4, dtype=np.int64))
    assert found.beaten() == "random changes beat the attacks on 2 rows, they beat it on 0"
    parts["hop_skip_jump"].cost[:] = [0.5, 0.5, np.inf, 3.0]
    assert not found.beaten()
    alone = Found(target, {"random": parts["random"]}, target.start, parts["random"].cost, found.spent)
    assert not alone.beaten()


@pytest.mark.parametrize(("held", "then"), [(0, 0.8), (1, 0.8), (0, 0.99), (1, 0.99)])
def test_a_flip_that_does_not_hold_each_time_is_forgotten_for_one_that_does(held: int, then: float) -> None:
    """A model that flips near the boundary when first asked, and perhaps once more; then far from it, or nowhere."""
    calls: list[int] = []

    def moody(batch: list[list[Value]]) -> Answers:
        calls.append(len(batch))
        near = 0.4 if len(calls) <= 2 + held else then
        return Given([0.9 if float(values[0] or 0) >= near else 0.1 for values in batch])

    rows: list[Row] = [{"x0": 0.1 + 0.01 * at} for at in range(10)]
    features = NUMBERS[:1]
    on = bench(model=moody, features=features, datasets={})
    space = Space(features, (), [{"x0": 0.95}], "l2")
    attack = Attack(Target(on, space, rows, [0.1] * 10), 100)
    every = np.arange(10)
    for point in (0.95, 0.5):
        attack.ask(every, np.full((10, 1), point))
    assert (attack.best == 0.5).all()
    attack.confirm()
    assert attack.found().size == (10 if then < 0.95 else 0)
    assert np.allclose(attack.cost, 0.95 - attack.start[:, 0] if then < 0.95 else np.inf)
    assert attack.spent.max() <= 100


@pytest.mark.parametrize("name", ALL)
def test_no_attack_believes_an_answer_given_once(name: str) -> None:
    """A model that flips each point the first time it is asked, and never again."""
    _, target, donors, _ = linear(2, n=6)
    asked: set[tuple[Value, ...]] = set()

    def once(batch: list[list[Value]]) -> Answers:
        new = [tuple(values) not in asked for values in batch]
        asked.update(tuple(values) for values in batch)
        return Given([0.9 if one else 0.1 for one in new])

    on = bench(model=once, features=NUMBERS, datasets={})
    found = attack_all(Target(on, target.space, target.rows, [0.1] * 6), donors, (name,), 120, 1, 8)
    assert found.spent.min() > 4
    assert not found.flipped().size


@pytest.mark.parametrize("name", ALL)
def test_answers_that_are_none_or_all_alike_break_no_attack(name: str) -> None:
    on, target, donors, _ = linear(2, n=6)
    for answers in (None, float("nan"), 0.5):
        silent = bench(model=lambda batch, told=answers: Given([told] * len(batch)), features=NUMBERS, datasets={})
        mute = Target(silent, target.space, target.rows, target.scores.tolist())
        found = attack_all(mute, donors, (name,), 120, 1, 8)
        assert np.isfinite(found.cost).any() == (answers == 0.5 and not target.high.all())
    assert on.features == NUMBERS


def test_a_model_that_leaves_rows_unanswered_is_an_error() -> None:
    _, target, donors, _ = linear(2, n=6)
    short = bench(model=lambda batch: Given([0.5] * (len(batch) - 1)), features=NUMBERS, datasets={})
    with pytest.raises(ContractError, match="answer every row once"):
        attack_all(Target(short, target.space, target.rows, target.scores.tolist()), donors, ("random",), 50, 1, 8)


def test_rounding_the_scores_hides_nothing() -> None:
    _, target, donors, _ = linear(6)

    def rounded(batch: list[list[Value]]) -> Answers:
        scores = target.bench.model(batch).scores
        return Given([1.0 if (score or 0) >= 0.5 else 0.0 for score in scores])

    masked = Target(
        bench(model=rounded, features=NUMBERS, datasets={}), target.space, target.rows, target.scores.tolist()
    )
    plain, hidden = (attack_all(one, donors, ALL, 800, 3, 16) for one in (target, masked))
    assert np.array_equal(plain.cost, hidden.cost)


def test_a_change_that_breaks_a_relation_is_moved_back_before_it_is_asked() -> None:
    features = (*NUMBERS[:2], Feature(name="k", type="bool", mutable="yes"))
    rows: list[Row] = [{"x0": 0.2, "x1": 0.6, "k": 0}]
    space = Space(features, (compile_expr("x0 <= x1"),), rows)
    target = Target(bench(features=features, datasets={}), space, rows, [0.1])
    every = np.array([0, 0, 0])
    made, kept = target.settle(every, np.array([[0.8, 0.6, 1.0], [0.4, 0.6, 1.0], [1.0, 0.1, 1.0]]))
    assert kept.all()
    assert made.tolist() == [[0.5, 0.6, 1.0], [0.4, 0.6, 1.0], [0.2, 0.6, 1.0]]


def test_a_row_whose_relation_cannot_be_told_or_mended_is_never_asked() -> None:
    asked: list[list[Value]] = []

    def model(batch: list[list[Value]]) -> Answers:
        asked.extend(batch)
        return Given([0.9] * len(batch))

    features = (*NUMBERS[:2], Feature(name="k", type="float"))
    rows: list[Row] = [{"x0": x, "x1": 0.5, "k": k} for x, k in ((0.2, None), (0.9, 0.5), (0.2, 0.5))]
    space = Space(features, (compile_expr("x0 <= k"),), rows)
    on = bench(model=model, features=features, datasets={})
    attack = Attack(Target(on, space, rows, [0.1] * 3), 50)
    seen = attack.ask(np.arange(3), np.array([[0.3, 0.6, np.nan], [0.95, 0.6, 0.5], [0.3, 0.6, 0.5]]))
    assert seen.flips.tolist() == [False, False, True]
    assert asked == [[0.3, 0.6, 0.5]]


def priced(kind: str, **after: float) -> float:
    features = (
        Feature(name="a", type="float", min=0, max=10, mutable="yes", cost=2.0),
        Feature(name="b", type="float", mutable="yes"),
        *(Feature(name=name, type="bool", mutable="yes", group="g") for name in "cd"),
    )
    reference: list[Row] = [{"a": a, "b": b, "c": 1, "d": 0} for a, b in ((1, 0), (2, 1), (3, 2), (9, 5))]
    space = Space(features, (), reference, kind)
    before: Row = {"a": 5.0, "b": 1.0, "c": 1, "d": 0}
    start, point = space.encode([before]), space.encode([{**before, **after}])
    return float(space.cost(point, start)[0])


def test_a_cost_is_what_the_page_says() -> None:
    """By hand: the spread of a is 1, of b 1; the range of a is 10 as declared, of b 5 as seen; a counts twice."""
    change: Mapping[str, Any] = {"a": 8.0, "b": 3.0, "c": 0, "d": 1}
    assert priced("mad_l1", **change) == pytest.approx(2 * 3 / 1 + 2 / 1 + 1)
    assert priced("l2", **change) == pytest.approx(np.sqrt((2 * 0.3) ** 2 + 0.4**2 + 1))
    assert priced(LINF, **change) == pytest.approx(1.0)
    assert priced(LINF, a=8.0, b=3.0) == pytest.approx(0.6)
    with pytest.raises(ContractError, match="no cost"):
        Price("l0", NUMBERS, (), np.empty((0, 6)))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["linf", "l2"]), st.floats(0.0, 1.5), st.integers(0, 1000))
def test_patches_stay_within_the_change_allowed(norm: str, eps: float, seed: int) -> None:
    """Square images and lines; the model is flat, so that the search wanders as far as it can."""
    for width in (16, 7):
        features = tuple(Feature(name=f"p{at}", type="float", min=0, max=2, mutable="yes") for at in range(width))
        asked: list[list[Value]] = []

        def flat(batch: list[list[Value]], asked: list[list[Value]] = asked) -> Answers:
            asked.extend(batch)
            return Given([0.2] * len(batch))

        rows: list[Row] = [{one.name: 1.0 for one in features}]
        on = bench(model=flat, features=features, datasets={})
        attack = Attack(Target(on, Space(features, (), rows, norm), rows, [0.2]), 60)
        square.run(attack, eps, np.random.default_rng(seed))
        moved = (np.array(asked, dtype=float).reshape(-1, width) - 1.0) / 2.0
        length = np.abs(moved).max(axis=1, initial=0) if norm == "linf" else np.linalg.norm(moved, axis=1)
        assert (length <= eps).all()
        assert bool(asked) == (eps >= 1e-6)
