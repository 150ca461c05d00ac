"""Where calibration scores come from, and that the promise holds on fresh rows within the band that is told."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.profile import calibration as subject
from shipworthy.profile.batch import TOLD, BatchScorer
from shipworthy.profile.calibration import FOLDS, Parts, Scores, alike, cross_fitted, scored, thinned
from shipworthy.profile.promise import promise, told
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.score import Scorer
from shipworthy.stats.conformal import flagged_at_most
from tests.profile.tables import FEATURES, rows

PAIR = (Feature(name="x", type="float"), Feature(name="y", type="float"))


def pairs(n: int, seed: int, spread: float = 1.0) -> list[Row]:
    """Two related numbers; `spread` makes rows odder."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) * spread
    y = 0.8 * x + 0.6 * rng.normal(size=n) * spread
    return [{"x": float(a), "y": float(b), "unit": at // 2} for at, (a, b) in enumerate(zip(x, y, strict=True))]


FRESH = pairs(4000, 99)


@pytest.mark.parametrize(
    ("n", "level", "builds"), [(65, 0.05, 25), (200, 0.01, 25), (1000, 0.01, 6), (10_000, 0.01, 2)]
)
@pytest.mark.parametrize("train", [40, 600])
def test_fresh_rows_are_flagged_no_more_often_than_promised(n: int, level: float, builds: int, train: int) -> None:
    """With 40 training rows nothing is cross-fitted; with 600 it is."""
    shares, most = [], 0.0
    for seed in range(builds):
        profile = fit_profile(PAIR, pairs(train, 2 * seed), pairs(n, 2 * seed + 1))
        assert (profile.cross_fitted > 0) == (train == 600 and n < 10_000)
        scorer = Scorer(profile, level)
        shares.append(np.mean([scorer.score(row).flag for row in FRESH]))
        most = max(most, promise(profile, level).most)
    noise = 3 * np.sqrt(level / len(FRESH))
    assert np.mean(shares) <= level + noise
    assert sum(share > most + noise for share in shares) <= 1 + 0.05 * builds


CODES = tuple(Feature(name=f"x{at}", type="category") for at in range(10))


def codes(n: int, seed: int) -> list[Row]:
    """Ten categories, each one value but for three rare ones: their cells hold a few rows, and tie by the dozen."""
    drawn = np.random.default_rng(seed).random((n, 10))
    rare = np.where(drawn < 0.97, 0, 1 + (drawn - 0.97) // 0.01).astype(int)
    return [{f"x{at}": f"v{code}" for at, code in enumerate(row)} for row in rare.tolist()]


def test_cells_that_hold_a_row_are_as_odd_in_a_fold_as_in_all_rows() -> None:
    fresh, shares = codes(2000, 999), []
    for seed in range(12):
        profile = fit_profile(CODES, codes(200, 2 * seed), codes(20, 2 * seed + 1))
        told = BatchScorer(profile, 0.05).score_rows(fresh)
        shares.append(float((told.flag & (told.view >= TOLD.index("covariance"))).mean()))
    assert np.mean(shares) <= 0.05


def test_a_training_row_is_never_scored_by_parts_that_were_fitted_on_it() -> None:
    train = [{**row, "x": float(at)} for at, row in enumerate(pairs(300, 1))]
    fitted: list[Sequence[Row]] = []
    asked: list[set[Value]] = []
    whole = fit_profile(PAIR, train, train)
    parts = Parts(whole.numbers, whole.categories, whole.texts, whole.covariance)

    def fit(others: Sequence[Row]) -> Parts:
        fitted.append(others)
        asked.append({row["x"] for row in train} - {row["x"] for row in others})
        return parts

    made = cross_fitted(fit, train, "unit")
    assert len(fitted) == FOLDS
    assert len(made.far) == len(made.odd) == 300
    for others, left_out in zip(fitted, asked, strict=True):
        units = {row["unit"] for row in train if row["x"] in left_out}
        assert not units & {row["unit"] for row in others}
    assert set.union(*asked) == {row["x"] for row in train}


def test_calibration_rows_unlike_the_training_rows_stay_alone() -> None:
    alone = fit_profile(PAIR, pairs(800, 1), pairs(400, 2, spread=1.8))
    assert (alone.cross_fitted, alone.n_calibration) == (0, 400)
    both = fit_profile(PAIR, pairs(800, 1), pairs(400, 2))
    assert (both.cross_fitted, both.n_calibration) == (800, 1200)


def test_calibration_rows_that_training_never_had_the_like_of_are_not_made_up_for() -> None:
    strange: list[Row] = [{**row, "supplier": "P99"} for row in rows(300, 3)]
    profile = fit_profile(FEATURES, rows(600, 1), [*rows(300, 2), *strange])
    assert profile.cross_fitted == 0
    assert profile.overridden >= 300


def test_rows_flagged_as_often_as_promised_are_alike_and_others_are_not() -> None:
    ordinary = [float(value) for value in np.random.default_rng(1).exponential(size=2000)]
    pooled = Scores(ordinary, ordinary, 0)
    same = Scores(ordinary[::4], ordinary[::4], 0)
    odder = Scores([value * 1.5 for value in same.far], same.odd, 0)
    assert alike(same, pooled, pooled)
    assert not alike(odder, pooled, pooled)
    assert not alike(with_overridden(same, 20), pooled, pooled)
    assert alike(with_overridden(same, 1), pooled, pooled)


def with_overridden(scores: Scores, overridden: int) -> Scores:
    return scores._replace(overridden=overridden)


def test_never_more_than_ten_thousand_and_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(thinned([{"x": at} for at in range(10)], 4)) == [{"x": 0}, {"x": 3}, {"x": 6}, {"x": 9}]
    assert thinned([], 4) == []
    monkeypatch.setattr(subject, "MOST", 500)
    profile = fit_profile(PAIR, pairs(800, 1), pairs(300, 2))
    assert (profile.n_calibration, profile.cross_fitted) == (500, 200)


def test_scores_belong_to_rows_that_no_override_catches() -> None:
    profile = fit_profile(FEATURES, rows(600, 1), rows(300, 2))
    parts = Parts(profile.numbers, profile.categories, profile.texts, profile.covariance)
    asked: list[Row] = [*rows(50, 3), {**rows(1, 3)[0], "age": 400}]
    made = scored(parts, asked)
    assert len(made.far) + made.overridden == 51
    assert made.overridden >= 1


def test_the_promise_is_told_with_what_it_rests_on() -> None:
    profile = fit_profile(PAIR, pairs(800, 1), pairs(400, 2))
    held = promise(profile)
    assert (held.n, held.level) == (1200, 0.01)
    assert held.most == flagged_at_most(1200, 0.01)
    line = told(profile)
    assert "1,200 calibration scores, 800 of them cross-fitted" in line
    assert f"{held.most:.2%}" in line
    assert "override" not in line
    few = fit_profile(PAIR, pairs(40, 1), pairs(150, 2))
    assert promise(few).most == 0.0
    assert "150 calibration scores are too few to ever flag" in told(few)
    assert "3 more rows were caught by an override" in told(msgspec.structs.replace(profile, overridden=3))
