from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.cross_fit import cross_fitted, folds_of
from shipworthy.evaluate.mitigation import Audited, by_group, options, reweighing
from shipworthy.evaluate.need import Need, need_of, ranges, top
from shipworthy.stats.auc import auroc
from tests.evaluate.benches import bench
from tests.evaluate.clinics import people


def test_weights_make_group_and_label_independent() -> None:
    """Kamiran & Calders' own table: of ten, five women with two hired, five men with four hired."""
    groups = np.array(["f"] * 5 + ["m"] * 5)
    labels = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0], dtype=np.float64)
    weights = reweighing(groups, labels, np.array([0] * 5 + [0] * 5) + 1)(0)
    assert weights[0] == pytest.approx(0.5 * 0.6 / 0.2)
    assert weights[2] == pytest.approx(0.5 * 0.4 / 0.3)
    assert weights[5] == pytest.approx(0.5 * 0.6 / 0.4)
    assert weights[9] == pytest.approx(0.5 * 0.4 / 0.1)
    hired = [(weights * labels)[groups == group].sum() / weights[groups == group].sum() for group in ("f", "m")]
    assert hired[0] == pytest.approx(hired[1])


def test_weights_come_from_the_other_folds() -> None:
    rng = np.random.default_rng(1)
    groups = np.where(rng.random(400) < 0.4, "a", "b")
    labels, folds = (rng.random(400) < 0.3).astype(np.float64), np.arange(400) % 2
    turned = labels.copy()
    turned[:80:2] = 1.0
    others, later = folds == 1, (folds == 0) & (np.arange(400) >= 80)
    assert (reweighing(groups, labels, folds)(0)[others] == reweighing(groups, turned, folds)(0)[others]).all()
    assert not (reweighing(groups, labels, folds)(1)[later] == reweighing(groups, turned, folds)(1)[later]).any()


def test_a_score_comes_from_a_learner_that_did_not_see_the_row() -> None:
    """Labels drawn by lot: a learner that saw them would know them, one that did not cannot."""
    rng = np.random.default_rng(2)
    table, labels = rng.normal(size=(1500, 3)), (rng.random(1500) < 0.5).astype(np.float64)
    scores, _ = cross_fitted(table, labels, [False] * 3, folds_of(None, 1500, 3, 0))
    assert auroc(scores, labels) == pytest.approx(0.5, abs=0.05)


def test_units_lie_in_one_fold_and_folds_are_about_alike() -> None:
    units = [f"u{at // 3}" for at in range(900)]
    folds = folds_of(units, 900, 3, 5)
    assert all(len({int(folds[at]), int(folds[at + 1]), int(folds[at + 2])}) == 1 for at in range(0, 900, 3))
    assert np.bincount(folds).tolist() == [300, 300, 300]
    with pytest.raises(ValueError, match="2 units make no 3 folds"):
        folds_of(["a", "b"], 2, 3, 0)


def test_a_fold_whose_others_hold_one_class_answers_that_class() -> None:
    labels = np.array([0.0, 0.0, 0.0, 1.0])
    scores, learners = cross_fitted(np.zeros((4, 1)), labels, [False], np.array([0, 0, 1, 1]))
    assert scores[2:].tolist() == [0.0, 0.0]
    assert learners[1] is None


def test_the_top_share_is_flagged_and_ties_are_drawn_by_lot() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    drawn = [top(scores, 0.5, seed) for seed in range(40)]
    assert all(one[0] and not one[5] and one.sum() == 3 for one in drawn)
    assert all(any(one[at] for one in drawn) for at in range(1, 5))


def test_all_who_tie_for_the_last_place_are_among_the_neediest() -> None:
    on = bench()

    seen = answer(on, [{**row, "worth": at // 2} for at, row in enumerate(on.rows("test")[:10])])
    low = need_of("worth", "low", seen, 0.3)
    assert low.most.tolist() == [True] * 4 + [False] * 6
    high = need_of("worth", "high", seen, 0.2)
    assert high.most.tolist() == [False] * 8 + [True] * 2


def test_ranges_hold_about_the_same_share_and_ties_stay_together() -> None:
    found = ranges(np.arange(1000, dtype=np.float64) ** 3, 10)
    assert np.bincount(found).tolist() == [100] * 10
    tied = ranges(np.array([0.0] * 900 + list(range(1, 101))), 10)
    assert len(set(tied[:900].tolist())) == 1


def _given(n: int = 2000) -> Audited:
    rows = people(n, 4)
    scores = np.array([float(row["visits"] or 0.0) for row in rows])
    ill = np.array([-float(row["health"] or 0.0) for row in rows])
    return Audited(
        scores=scores,
        flagged=top(scores, 0.2, 0),
        labels=np.array([float(row["y"] or 0) for row in rows]),
        needy=ill >= np.quantile(ill, 0.8),
        groups=np.array([str(row["district"]) for row in rows]),
        cost=np.full(n, np.nan),
        table=np.array([[row["visits"], row["drugs"], row["tests"]] for row in rows], dtype=np.float64),
        categories=[False] * 3,
        folds=folds_of(None, n, 3, 1),
        seed=9,
    )


def test_thresholds_flag_each_group_by_its_share_of_the_neediest() -> None:
    drawn = np.random.default_rng(2).random(2000)
    given = replace(_given(), groups=np.where(drawn < np.where(_given().needy, 0.6, 0.2), "frail", "hale"))
    flagged = by_group(given)
    assert flagged.mean() == pytest.approx(0.2, abs=0.02)
    for group in ("frail", "hale"):
        here = given.groups == group
        assert flagged[here].mean() == pytest.approx(0.2 * given.needy[here].mean() / given.needy.mean(), abs=0.03)


def test_every_refit_flags_as_many_as_now() -> None:
    found = options(_given())
    assert len(found) == 5
    assert [int(one.flagged.sum()) for one in found if "thresholds" not in one.name] == [400] * 4


def test_too_few_rows_or_one_class_price_nothing() -> None:
    assert options(_given(200)) == []
    given = _given()
    object.__setattr__(given, "labels", np.zeros(2000))
    assert options(given) == []


def test_nobody_with_the_measure_is_an_empty_need() -> None:

    on = bench()
    seen = answer(on, [{**row, "worth": None} for row in on.rows("test")[:10]])
    assert isinstance(need_of("worth", "low", seen, 0.3), Need)
    assert need_of("worth", "low", seen, 0.3).most.size == 0
