from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.evaluate.image_flip import pixels, run_case
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import Given, bench, case

FEATURES = (
    *(Feature(name=f"pixel_{at}", type="int", min=0, max=16, mutable="yes") for at in range(64)),
    Feature(name="scanner", type="int", min=0, max=3, mutable="yes"),
)
NAMES = [one.name for one in FEATURES]


@cache
def digits() -> tuple[list[Row], LogisticRegression]:
    """Handwritten digits, a four or above against the rest, with a plain classifier of the first 1,000."""
    images, digit = load_digits(return_X_y=True)
    table = np.column_stack([images, np.arange(len(images)) % 4])
    rows: list[Row] = [dict(zip((*NAMES, "y"), (*map(int, line), int(one >= 5)), strict=True))
                       for line, one in zip(table, digit, strict=True)]  # fmt: skip
    return rows, LogisticRegression(C=0.01, max_iter=2000).fit(table[:1000], digit[:1000] >= 5)


def digit_bench(**changes: Any) -> Bench:
    rows, fitted = digits()

    def model(batch: list[list[Value]]) -> Answers:
        return Given(fitted.predict_proba(np.array(batch, dtype=float))[:, 1].tolist())

    given: dict[str, Any] = {
        "features": FEATURES, "datasets": {"test": rows[1000:], "train": rows[:1000]}, "model": model,
        "scorer": None, "thresholds": None, "unit": None,
    }  # fmt: skip
    return bench(**{**given, **changes})


@cache
def flipped(eps: float, norm: str = "linf", n: int = 40) -> CaseResult:
    generator: dict[str, object] = {"name": "image_flip", "columns": "pixel_*", "norm": norm, "eps": eps, "n": n,
                                    "max_queries": 400}  # fmt: skip
    return run_case(case(generator=generator, metric="image_flip_rate", target=0.5), digit_bench(), 3).result


def test_no_change_flips_nothing_and_a_larger_one_flips_more() -> None:
    hits = [flipped(eps).hits or 0 for eps in (0.0, 0.07, 0.13, 0.3)]
    assert hits[0] == 0
    assert hits == sorted(hits)
    assert hits[1] < hits[-1]
    assert hits[-1] >= 38


def test_the_same_holds_for_the_euclidean_norm() -> None:
    hits = [flipped(eps, "l2").hits or 0 for eps in (0.0, 0.3, 1.5)]
    assert hits[0] == 0
    assert hits[0] < hits[1] < hits[2]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_every_image_shown_is_an_image_within_eps(norm: str) -> None:
    found = flipped(0.25 if norm == "linf" else 1.0, norm)
    assert found.worst
    for one in found.worst:
        moved = np.array([float(one.after[name] or 0) - float(one.before[name] or 0) for name in one.after]) / 16
        assert all(name.startswith("pixel_") for name in one.after)
        assert all(isinstance(value, int) and 0 <= value <= 16 for value in one.after.values())
        assert (np.abs(moved).max() if norm == "linf" else np.linalg.norm(moved)) <= (0.25 if norm == "linf" else 1.0)


def test_a_linear_model_flips_where_its_margin_says() -> None:
    """Largest change that whole pixel values within eps and range make of the log-odds: no row flips that this
    excludes, and of those that it allows nearly all do."""
    rows, fitted = digits()
    few, step = rows[1000:1120], 1  # eps 0.07 of 16, in whole steps
    generator: dict[str, object] = {"name": "image_flip", "columns": "pixel_*", "eps": 0.07, "n": 120,
                                    "max_queries": 1000}  # fmt: skip
    on = digit_bench(datasets={"test": few, "train": rows[:1000]})
    bits = run_case(case(generator=generator, metric="image_flip_rate", target=0.5), on, 3).result.bits
    able = [told for row in few if (told := may_flip(fitted, row, step)) is not None]
    assert len(bits) == len(able)
    assert not [bit for bit, told in zip(bits, able, strict=True) if bit == "1" and not told]
    assert 20 < sum(able) < len(able) - 20
    assert bits.count("1") >= 0.8 * sum(able)


def may_flip(fitted: LogisticRegression, row: Row, step: int) -> bool | None:
    """True when some image within `step` of the row has another class; None when the row's own class is wrong."""
    image = np.array([float(row[name] or 0) for name in NAMES])
    z, weight = float(fitted.decision_function(image[None])[0]), fitted.coef_[0][:64]
    if (z >= 0) != (row["y"] == 1):
        return None
    moved = np.clip(image[:64] - step * np.sign(weight) * np.sign(z), 0, 16) - image[:64]
    return bool((z >= 0) != (z + float(moved @ weight) >= 0))


def test_columns_that_are_no_pixels_are_refused() -> None:
    more = (
        Feature(name="sex", type="category"),
        Feature(name="low", type="int", min=0),
        Feature(name="high", type="int", max=9),
    )
    wrong: list[tuple[object, str]] = [
        ("nothing_*", "names no feature"),
        *((["pixel_1", one.name], "no pixel") for one in more),
    ]
    for columns, told in wrong:
        with pytest.raises(ContractError, match=told):
            pixels((*FEATURES, *more), columns, "c")
    named = pixels(FEATURES, ["pixel_1", "pixel_6?"], "c")
    assert [one.name for one in named if one.mutable == "yes"] == ["pixel_1", *(f"pixel_6{at}" for at in range(4))]


@pytest.mark.parametrize(
    ("key", "value"), [("norm", "l7"), ("eps", -0.1), ("eps", float("nan")), ("eps", "far"), ("eps", True)]
)
def test_a_distance_that_is_none_is_refused(key: str, value: object) -> None:
    generator = {"name": "image_flip", "columns": "pixel_*", "eps": 0.1, key: value}
    with pytest.raises(ContractError, match=r"no norm|no distance"):
        run_case(case(generator=generator, metric="image_flip_rate"), digit_bench(), 1)


def test_pixels_that_may_not_change_do_not() -> None:
    fixed = tuple(Feature(name=one.name, type="int", min=0, max=16) for one in FEATURES)
    generator: dict[str, object] = {"name": "image_flip", "columns": "pixel_*", "eps": 0.9}
    found = run_case(case(generator=generator, metric="image_flip_rate"), digit_bench(features=fixed), 1).result
    assert found.status == "inconclusive"


def test_scores_that_are_masked_hide_no_flip() -> None:
    """Only 0 and 1 leave this model: patches wander, jumps ask for the class alone."""
    plain = digit_bench()

    def masked(batch: list[list[Value]]) -> Answers:
        return Given([1.0 if (score or 0) >= 0.5 else 0.0 for score in plain.model(batch).scores])

    generator: dict[str, object] = {"name": "image_flip", "columns": "pixel_*", "norm": "l2", "eps": 0.6, "n": 30}
    one = case(generator=generator, metric="image_flip_rate", target=0.5)
    seen, hidden = (run_case(one, on, 3).result.hits or 0 for on in (plain, digit_bench(model=masked)))
    assert hidden >= 0.8 * seen
    assert seen >= 15


def test_a_constant_image_model_is_not_robust() -> None:
    generator: dict[str, object] = {"name": "image_flip", "columns": "pixel_*", "eps": 0.1}
    on = digit_bench(model=lambda batch: Given([0.1] * len(batch)))
    found = run_case(case(generator=generator, metric="image_flip_rate", target=0.5), on, 1).result
    assert (found.status, found.hits) == ("inconclusive", 0)
