from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.resampled import quotas, tilt
from shipworthy.facts import CaseResult
from tests.evaluate.benches import bench, case, truth
from tests.evaluate.benches import rows as made


def run(generator: dict[str, object], on: Bench | None = None, seed: int = 3, **oracle: object) -> CaseResult:
    given = {"hits": "speed == 4", "among": "true", "op": "<=", "target": 0.5, **oracle}
    one = case(generator=generator, **given)  # type: ignore[arg-type]
    return GENERATORS[str(generator["name"])](one, on or bench(), seed).result


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    shares=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=5),
)
def test_the_shares_hold_no_row_comes_twice_and_as_many_stay_as_can(sizes: list[int], shares: list[float]) -> None:
    names = [f"g{at}" for at in range(len(sizes))]
    groups = [name for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    total = sum(shares[: len(sizes)])
    wanted = {name: share / total for name, share in zip(names, shares, strict=False)}
    kept = quotas(groups, wanted, 1)
    assert len(set(kept)) == len(kept)
    counts = Counter(groups[at] for at in kept)
    most = min(sizes[at] / wanted[names[at]] for at in range(len(sizes)) if names[at] in wanted)
    for name, share in wanted.items():
        assert abs(counts[name] - share * most) < 1.0 + 1e-6
    assert not set(counts) - set(wanted)
    assert len(kept) > most - len(sizes) - 1e-6


def test_values_not_named_keep_their_own_mix_in_what_is_left() -> None:
    groups = ["a"] * 100 + ["b"] * 60 + ["c"] * 20
    counts = Counter(groups[at] for at in quotas(groups, {"a": 0.5}, 1))
    assert counts == {"a": 80, "b": 60, "c": 20}


def test_shares_that_nothing_can_fill_keep_no_row() -> None:
    assert quotas(["a"] * 10, {"b": 0.5, "a": 0.5}, 1) == []
    assert quotas(["a"] * 10, {"a": 0.5}, 1) == []
    assert quotas([], {"a": 1.0}, 1) == []


def test_a_tilted_sample_has_the_wanted_mean_and_the_shape_of_a_tilt() -> None:
    numbers = np.random.default_rng(5).normal(10.0, 2.0, 40_000)
    kept = numbers[tilt(numbers, 12.0, 7)]
    assert kept.size > 400
    assert kept.mean() == pytest.approx(12.0, abs=4 * 2.0 / np.sqrt(kept.size))
    assert kept.std() == pytest.approx(2.0, rel=0.1)  # a tilted normal keeps its spread
    assert tilt(numbers, float(numbers.max()) + 1.0, 7) == []
    assert tilt(np.array([]), 1.0, 7) == []
    assert tilt(np.ones(5), 1.0, 7) == []


def test_the_rows_judged_have_the_mix_that_was_asked_and_how_many_are_left_is_told() -> None:
    generator: dict[str, object] = {"name": "reweight", "feature": "speed", "to": {"4": 0.6, "0": 0.4}}
    found = run(generator, op=">=", target=0.5)
    counts = Counter(row["speed"] for row in bench().rows("test"))
    assert found.value == pytest.approx(0.6, abs=0.002)
    assert found.n == pytest.approx(min(counts[4] / 0.6, counts[0] / 0.4), abs=2)
    assert f"{found.n} of 2000 rows make this mix" in found.because


def test_a_number_with_bins_is_reweighted_by_its_bins() -> None:
    old: dict[str, object] = {"name": "reweight", "feature": "age", "to": {"ge_65": 0.9, "25_to_65": 0.1}}
    found = run(old, hits="age >= 65", op=">=", target=0.8)
    assert found.value == pytest.approx(0.9, abs=0.002)


def test_a_mean_that_moves_by_half_a_deviation_is_told() -> None:
    found = run({"name": "reweight", "feature": "amount", "mean_shift": 0.5}, hits="amount >= 0", op=">=", target=0.5)
    numbers = np.array([float(row["amount"] or 0) for row in bench().rows("test")])
    wanted = numbers.mean() + 0.5 * numbers.std()
    assert f"asked {wanted:.4g}" in found.because
    assert 30 < found.n < 2000


def test_a_mix_that_no_rows_make_proves_nothing() -> None:
    gone = run({"name": "reweight", "feature": "supplier", "to": {"P99": 0.5, "P01": 0.5}})
    assert (gone.status, gone.n) == ("inconclusive", 0)
    assert "no row has P99" in gone.because
    far = run({"name": "reweight", "feature": "speed", "mean_shift": 40})
    assert (far.status, far.n) == ("inconclusive", 0)


def test_a_base_rate_is_drawn_from_labelled_rows_only() -> None:
    rows = [*bench().rows("test")[:600], *({**row, "y": None} for row in bench().rows("test")[600:])]
    found = run({"name": "label_shift", "base_rate": 0.1}, bench(datasets={"test": rows}), hits="label == 1")
    assert found.value == pytest.approx(0.1, abs=0.005)
    assert f"{found.n} of 600 rows make this mix" in found.because


def test_the_bounds_hold_for_the_new_mix_in_at_least_95_of_100_samples() -> None:
    """The error rate of the honest model in a mix of fast crashes, whose truth is known from a million rows' worth."""
    pool = made(3000, 900)
    fast = [row for row in pool if row["speed"] in (3, 4)]
    exact = float(np.mean([min(truth(row), 1 - truth(row)) for row in fast]))
    generator: dict[str, object] = {"name": "reweight", "feature": "speed", "to": {"3": 0.5, "4": 0.5}}
    rng, low, high = np.random.default_rng(1), 0, 0
    for at in range(200):
        drawn = [pool[place] for place in rng.integers(0, len(pool), 300)]
        fresh = [{**row, "y": int(rng.random() < truth(row))} for row in drawn]
        on = bench(datasets={"test": fresh}, scorer=None)
        found = run(generator, on, seed=at, hits="(score >= 0.5 and label == 0) or (score < 0.5 and label == 1)")
        assert found.lo is not None
        assert found.hi is not None
        low, high = low + (found.lo > exact), high + (found.hi < exact)
    assert low <= 16  # 5 % of 200 is 10; P(more than 16 | 5 %) < .03
    assert high <= 16


def test_the_same_seed_draws_the_same_rows_and_another_draws_others() -> None:
    generator: dict[str, object] = {"name": "label_shift", "base_rate": 0.5}
    assert run(generator, seed=1) == run(generator, seed=1)
    assert run(generator, seed=1).value != run(generator, seed=2).value


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "reweight", "feature": "speed"},
        {"name": "reweight", "feature": "speed", "to": {"4": 1.0}, "mean_shift": 1},
        {"name": "reweight", "feature": "speed", "to": {}},
        {"name": "reweight", "feature": "speed", "to": {"4": 0.8, "3": 0.3}},
        {"name": "reweight", "feature": "speed", "to": {"4": -0.1}},
        {"name": "reweight", "feature": "speed", "to": {"4": "half"}},
        {"name": "reweight", "feature": "sex", "mean_shift": 1},
        {"name": "reweight", "feature": "hight", "mean_shift": 1},
        {"name": "label_shift", "base_rate": 1.0},
        {"name": "label_shift", "base_rate": "rare"},
    ],
)
def test_a_mix_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)
