from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import UsageError
from shipworthy.facts import canonical
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import COVARIANCE, MARGINAL, Profile
from shipworthy.profile.views import Cells, Distance
from shipworthy.stats.conformal import p_value, smallest_p
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


@given(st.integers(0, len(CALIBRATION) - 1), st.floats(min_value=-50.0, max_value=50.0))
def test_p_is_the_least_conformal_p_value_of_the_views_times_their_number(index: int, note: float) -> None:
    row = {**CALIBRATION[index], "note": note}
    cells = Cells(PROFILE.numbers, PROFILE.categories, PROFILE.covariance)
    worst, _, standards, override, _, _ = cells(row)
    scores = {MARGINAL: worst, COVARIANCE: Distance(PROFILE.covariance)(standards)}
    each = [p_value(PROFILE.calibration[view], score * (1 - 1e-9) - 1e-9) for view, score in scores.items()]
    assert SCORER.score(row).p == (1 / (PROFILE.n_calibration + 1) if override else smallest_p(each, len(scores)))


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
        Scorer(fit_profile([FEATURES[3]], flat[:40], flat[:198]))
    Scorer(fit_profile([FEATURES[3]], flat[:40], flat[:199]))
