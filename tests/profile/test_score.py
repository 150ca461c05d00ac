from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import UsageError
from shipworthy.facts import canonical
from shipworthy.profile.calibration import Parts, scored
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import COVARIANCE, MARGINAL, Profile
from tests.profile.tables import FEATURES, rows

TRAIN, CALIBRATION = rows(4000, 1), rows(2000, 2)
PROFILE = fit_profile(FEATURES, TRAIN, CALIBRATION)
SCORER = Scorer(PROFILE)
ORDINARY = TRAIN[0]

cell = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["P01", "P42", "red", "", "nan"])
)


@given(st.dictionaries(st.sampled_from([one.name for one in FEATURES]), cell))
def test_any_row_whatever_gets_a_p_value_and_never_raises(row: dict[str, Value]) -> None:
    seen = SCORER.score(row)
    assert 0.0 < seen.p <= 1.0
    assert seen.flag or seen.p > SCORER.level


@given(st.integers(0, len(TRAIN) - 1), st.floats(min_value=0.001, max_value=100.0))
def test_further_beyond_everything_seen_is_never_less_odd(index: int, away: float) -> None:
    row = {**TRAIN[index], "note": 50.0}
    further = {**row, "note": 50.0 + away}
    assert SCORER.score(further).p <= SCORER.score(row).p


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_the_share_of_ordinary_rows_flagged_keeps_its_promise(seed: int) -> None:
    fresh = rows(500, 10_000 + seed)
    flagged = sum(SCORER.score(row).flag for row in fresh)
    assert flagged <= 500 * 0.01 + 5 * math.sqrt(500 * 0.01)


@pytest.mark.parametrize(
    ("change", "view"),
    [
        ({"supplier": "P99"}, "unseen_category"),
        ({"supplier": "P99", "age": 200}, "unseen_category"),
        ({"age": 111}, "out_of_range"),
        ({"age": -1}, "out_of_range"),
        ({"age": float("nan")}, "not_finite"),
        ({"amount": float("inf")}, "not_finite"),
        ({"amount": "twelve"}, "not_finite"),
        ({"age": None}, "missing"),
        ({"age": ""}, "missing"),
        ({"supplier": None}, "missing"),
    ],
)
def test_what_needs_no_statistics_overrides_them(change: dict[str, Value], view: str) -> None:
    seen = SCORER.score({**ORDINARY, **change})
    assert (seen.view, seen.flag) == (view, True)
    assert seen.p == 1 / (PROFILE.n_calibration + 1)


def test_every_unseen_category_is_named() -> None:
    seen = SCORER.score({**ORDINARY, "supplier": "P99", "colour": "mauve"})
    assert seen.unseen == ("supplier", "colour")


def test_a_field_that_was_empty_in_training_may_be_empty() -> None:
    assert not SCORER.score({**ORDINARY, "note": None}).flag


def test_an_accepted_category_is_known_to_the_contract_and_unknown_to_the_model() -> None:
    row = {**ORDINARY, "supplier": "P42"}
    assert not SCORER.score(row).flag
    assert SCORER.score(row).unseen == ()
    assert SCORER.bucket(row) == ("supplier",)


def test_rows_of_training_are_in_no_bucket() -> None:
    assert all(SCORER.bucket(row) == () for row in TRAIN[:200])


def test_broken_dependence_is_seen_by_the_covariance_view_only() -> None:
    row = {**ORDINARY, "amount": 8.0, "paid": 0.8, "note": 0.1}
    seen = SCORER.score(row)
    assert (seen.flag, seen.view) == (True, "covariance")
    assert seen.feature in ("amount", "paid")


def test_the_same_rows_give_the_same_bytes_and_survive_a_round_trip() -> None:
    again = fit_profile(FEATURES, rows(4000, 1), rows(2000, 2))
    raw = canonical(PROFILE)
    assert canonical(again) == raw
    assert canonical(msgspec.json.decode(raw, type=Profile)) == raw


def test_ties_count_as_odd() -> None:
    """With discrete features most surprises tie; a row tied with all of them must not look odd."""
    flat = [{"belt": i % 2} for i in range(400)]
    profile = fit_profile([FEATURES[3]], flat[:40], flat)
    assert set(profile.calibration[MARGINAL]) == {0.0}
    assert Scorer(profile).score({"belt": 1}).p == 1.0


def test_a_gap_between_the_values_ever_seen_is_odd() -> None:
    column = [{"note": [1.0, 2.0, 7.0][i % 3]} for i in range(600)]
    scorer = Scorer(fit_profile([FEATURES[4]], column, column))
    assert scorer.score({"note": 5.0}).flag
    assert not scorer.score({"note": 7.0}).flag


@pytest.mark.parametrize("huge", [1e160, -1e160, 9e299, 1e305, 10**400])
def test_a_number_so_large_that_distances_overflow_is_odd_not_ordinary(huge: float) -> None:
    features = [FEATURES[4], FEATURES[2]]
    scorer = Scorer(fit_profile(features, TRAIN, CALIBRATION))
    assert scorer.score({"note": huge, "paid": 2.0}).flag


def test_a_constant_feature_neither_breaks_fitting_nor_hides_a_change() -> None:
    train = [{**row, "paid": 3.0} for row in TRAIN[:1000]]
    scorer = Scorer(fit_profile(FEATURES, train, [{**row, "paid": 3.0} for row in CALIBRATION]))
    assert "paid" not in scorer.profile.covariance.names
    assert scorer.score({**train[0], "paid": 4.0}).flag


def test_a_feature_never_filled_in_training_is_odd_once_filled() -> None:
    train = [{"note": None, "age": row["age"]} for row in TRAIN[:500]]
    scorer = Scorer(fit_profile([FEATURES[0], FEATURES[4]], train, train))
    assert not scorer.score({"note": None, "age": 40}).flag
    assert scorer.score({"note": 1.0, "age": 40}).flag


def test_a_model_without_numbers_has_a_profile_as_well() -> None:
    scorer = Scorer(fit_profile(FEATURES[6:], TRAIN, CALIBRATION))
    assert scorer.profile.covariance.names == ()
    assert not scorer.score(ORDINARY).flag
    assert scorer.score({**ORDINARY, "colour": "mauve"}).flag


PARTS = Parts(PROFILE.numbers, PROFILE.categories, PROFILE.texts, PROFILE.covariance)


@settings(max_examples=15)
@given(st.integers(0, len(CALIBRATION) - 1), st.floats(min_value=-50.0, max_value=50.0))
def test_p_is_the_share_of_rows_whose_better_rank_is_as_good(index: int, note: float) -> None:
    """Counted the long way: every row ranked among all, the new one included."""
    row = {**CALIBRATION[index], "note": note}
    (far,), (odd,), overridden, _ = scored(PARTS, [row])
    assert not overridden
    at = np.array(PROFILE.paired)
    views = [np.array(PROFILE.calibration[COVARIANCE]), np.array(PROFILE.calibration[MARGINAL])[at]]
    mine = [far * (1 - 1e-9) - 1e-9, odd * (1 - 1e-9) - 1e-9]
    own = [1 + int((view >= score).sum()) for view, score in zip(views, mine, strict=True)]
    ranks = [(view[None, :] >= view[:, None]).sum(axis=1) for view in views]
    among_all = [rank + (score >= view) for rank, view, score in zip(ranks, views, mine, strict=True)]
    counted = (1 + int((np.minimum(*among_all) <= min(own)).sum())) / (len(at) + 1)
    p = SCORER.score(row).p
    assert counted <= p <= counted + 2 / (len(at) + 1) + float(own[0] == own[1])


def test_views_paired_anew_give_the_ranks_of_the_same_rows() -> None:
    found = scored(PARTS, CALIBRATION[:300])
    by_view, at = found.by_view(), found.paired()
    assert sorted(at) == list(range(len(at)))
    pairs = sorted(zip(found.far, found.odd, strict=True))
    assert sorted(zip(by_view[COVARIANCE], (by_view[MARGINAL][one] for one in at), strict=True)) == pairs


def test_a_profile_of_before_the_views_were_paired_has_bonferronis_p_values() -> None:
    old = Scorer(msgspec.structs.replace(PROFILE, paired=()))
    for row in CALIBRATION[:300]:
        assert SCORER.score(row).p <= old.score(row).p
    assert old.score({**ORDINARY, "note": 40.0}).p == 2 / (PROFILE.n_calibration + 1)


@pytest.mark.parametrize(
    "change", [{"paired": (0,)}, {"calibration": {COVARIANCE: (1.0,), MARGINAL: ()}, "paired": ()}]
)
def test_views_that_do_not_have_the_same_rows_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="calibration rows by view"):
        Scorer(msgspec.structs.replace(PROFILE, **change))


def test_calibration_rows_that_an_override_catches_are_counted_and_left_out() -> None:
    profile = fit_profile(FEATURES, TRAIN[:40], [*CALIBRATION, {**ORDINARY, "supplier": "P99"}])
    scorer = Scorer(profile)
    unknown = sum("supplier" in scorer.unseen(row) for row in CALIBRATION)
    assert (profile.n_calibration, profile.overridden) == (2000 - unknown, 1 + unknown)


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan")])
def test_a_level_outside_zero_and_one_is_refused(level: float) -> None:
    with pytest.raises(UsageError):
        Scorer(PROFILE, level)


def test_a_profile_without_rows_is_refused() -> None:
    with pytest.raises(UsageError):
        fit_profile(FEATURES, TRAIN, [])
    with pytest.raises(UsageError):
        Scorer(fit_profile(FEATURES, TRAIN, [{**ORDINARY, "supplier": "P99"}] * 5))


def test_a_calibration_set_too_small_to_ever_flag_is_refused_rather_than_blind() -> None:
    flat = [{"belt": i % 2} for i in range(400)]
    with pytest.raises(UsageError, match="can never flag"):
        Scorer(fit_profile([FEATURES[3]], flat[:40], flat[:98]))
    Scorer(fit_profile([FEATURES[3]], flat[:40], flat[:99]))
