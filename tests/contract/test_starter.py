"""What a first contract takes from a table: no guess that flatters the model, none that stays unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.pack import read_pack
from shipworthy.contract.slos import read_slos
from shipworthy.contract.starter.columns import Row, guess_features, guess_label, guess_unit, number_of, quantile
from shipworthy.contract.starter.manifest_text import Seen, manifest_text, plain
from shipworthy.contract.starter.pack_text import pack_text
from shipworthy.contract.starter.policy_text import policy_text, rarer_share
from shipworthy.contract.starter.split import Split, calibration_places, divided, drawn, guess_split
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.errors import UsageError


def column(name: str, *cells: object) -> list[Row]:
    return [{name: cell} for cell in cells]  # type: ignore[dict-item]


def feature(name: str, *cells: object) -> Feature:
    (found,) = guess_features(column(name, *cells), ()).features
    return found


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ((1, 0, 1), "bool"),
        ((1, 0, None), "bool"),
        ((3, 9, None), "int"),
        ((3, "9.5"), "float"),
        (("1.0", "2.0"), "float"),
        (("a",) * 5 + ("b",) * 5, "category"),
        (("007",) * 10, "category"),
        (("nan",) * 10, "category"),
        ((1, 2, "x") * 5, "category"),
        (("inf",) * 10, "category"),
    ],
)
def test_a_column_is_of_the_type_that_all_its_cells_have(cells: tuple[object, ...], kind: str) -> None:
    assert feature("x", *cells).type == kind


def test_a_range_is_what_the_data_show() -> None:
    assert (feature("x", 3, 9, None).min, feature("x", 3, 9, None).max) == (3.0, 9.0)
    assert feature("x", 0, 1).max is None


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("x", (None, None), "empty"),
        ("customer_id", (1, 2, 3), "an id by its name"),
        ("ID", ("a", "b"), "an id by its name"),
        ("remark", tuple(f"note {n}" for n in range(100)), "text with 100 different values"),
        ("code", ("a", "b", "a", "c"), "text with 3 different values"),
    ],
)
def test_what_cannot_be_an_input_is_left_out_and_said(name: str, cells: tuple[object, ...], why: str) -> None:
    rows = [{"kept": 5, **row} for row in column(name, *cells)]
    guess = guess_features(rows, ())
    assert [one.name for one in guess.features] == ["kept"]
    assert guess.left_out == (f"{name}: {why}",)


def test_a_model_that_names_its_inputs_is_believed_in_its_order_even_about_an_id() -> None:
    rows: list[Row] = [{"a": 1, "b": 2, "customer_id": 3}]
    assert [one.name for one in guess_features(rows, (), ("customer_id", "a")).features] == ["customer_id", "a"]
    with pytest.raises(UsageError, match="the model takes 'c'"):
        guess_features(rows, (), ("a", "c"))


def test_protected_names_are_marked_with_groups_to_audit() -> None:
    age = feature("age", *range(20, 100))
    assert age.protected
    assert age.bins == (40.0, 60.0, 80.0)
    assert feature("Sex", *("f", "m") * 20).protected
    assert not feature("tenure", 1, 2, 3).protected
    assert feature("age", 30, 30, 30, 31).bins in ((31.0,), ())


@pytest.mark.parametrize("name", ["Label", "target", "y"])
def test_a_label_is_known_by_its_name_or_named(name: str) -> None:
    rows: list[Row] = [{"a": 1, name: 0, "b": 0}, {"a": 2, name: 1, "b": 1}]
    assert guess_label(rows, None) == name
    assert guess_label(rows, "b") == "b"


def test_a_label_is_0_and_1_in_every_row_that_has_one() -> None:
    assert guess_label([{"y": "1.0"}, {"y": "0.0"}, {"y": None}], None) == "y"
    for cells in ((0, 1, 2), (0, 0), (1, 1), ("yes", "no"), (0, 1, "?")):
        with pytest.raises(UsageError, match="is not 0/1"):
            guess_label(column("y", *cells), "y")
        with pytest.raises(UsageError, match="cannot be told"):
            guess_label(column("y", *cells), None)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (("train", "test"), Split("split", "train", "test", None)),
        (("Train", "VAL", "Test"), Split("split", "Train", "Test", "VAL")),
        (("train", "calibration", "val", "test"), Split("split", "train", "test", "calibration")),
        (("train", "dev"), None),
        (("test",), None),
        ((1, 2, 3), None),
        ((None, "train"), None),
    ],
)
def test_a_split_is_told_by_words_for_training_and_test(cells: tuple[object, ...], found: Split | None) -> None:
    assert guess_split(column("split", *cells)) == found


def test_a_column_that_merely_holds_the_words_is_no_split() -> None:
    assert guess_split(column("remark", "train", "test")) is None
    assert guess_split([]) is None


@given(st.integers(0, 3000))
def test_rows_are_divided_once_and_the_same_way_again(n: int) -> None:
    roles = divided(n)
    assert len(roles) == n
    assert roles == divided(n)
    assert abs(roles.count("train") - 0.6 * n) <= 1
    assert abs(roles.count("calibration") - 0.2 * n) <= 1


def test_the_division_does_not_follow_the_order_of_the_rows() -> None:
    roles = divided(1000)
    assert 240 < roles[:500].count("train") < 360
    assert drawn(range(5)) != [[place] for place in range(5)]


@given(st.lists(st.integers(0, 40), max_size=400))
def test_rows_of_one_unit_stay_on_one_side(units: list[int]) -> None:
    roles = divided(len(units), units)
    assert all(len({role for role, other in zip(roles, units, strict=True) if other == unit}) == 1 for unit in units)
    chosen = calibration_places(range(len(units)), units)
    assert {units[place] for place in chosen}.isdisjoint(
        units[place] for place in range(len(units)) if place not in chosen
    )


def test_rows_without_a_unit_are_units_of_their_own() -> None:
    assert sorted(drawn([0, 1, 2, 3], [None, "a", None, "a"]), key=min) == [[0], [1, 3], [2]]


def test_a_unit_is_an_id_with_many_values_some_of_them_repeated() -> None:
    rows: list[Row] = [{"customer_id": at // 2, "id": at, "office_id": at % 3, "age": at % 70} for at in range(200)]
    assert guess_unit(rows) == "customer_id"
    assert guess_unit(rows[::2]) is None
    assert guess_unit([]) is None


@given(st.integers(0, 3000))
def test_only_test_rows_calibrate_and_300_stay_where_they_can(n: int) -> None:
    test = list(range(7, 7 + 3 * n, 3))
    chosen = calibration_places(test)
    assert chosen <= set(test)
    left = n - len(chosen)
    assert left >= min(300, n // 2)
    assert len(chosen) == n // 2 or left == 300


def test_a_quantile_is_a_value_that_is_there() -> None:
    rows = column("x", 5, "1.5", None, 9)
    assert quantile(rows, "x", 0.0) == 1.5
    assert quantile(rows, "x", 1.0) == 9.0
    assert quantile(rows, "y", 0.5) is None


@given(st.text(max_size=20))
def test_text_in_the_manifest_reads_back_as_the_same_text(text: str) -> None:
    reading = read_yaml(f"a: {{b: {plain(text)}}}\n", "f")
    if text.isprintable():
        assert not reading.problems
        assert reading.value == {"a": {"b": text}}


ROWS: list[Row] = [
    {"plan": ("basic", "pro")[at % 2], "age": 20 + at % 60, "spend": f"{at % 50}.5", "y": int(at % 3 == 0)}
    for at in range(400)
]


def seen(*features: Feature) -> Seen:
    from shipworthy.contract.manifest import Dataset

    return Seen(
        model="no",
        owner="Ana B.",
        stakes="low",
        features=features or guess_features(ROWS, {"y"}).features,
        label="y",
        datasets={"test": Dataset(path="data/a b.csv", where="split == 'test'")},
        artefacts="model",
        file="m.skops",
    )


@pytest.mark.parametrize(
    "features",
    [
        (),
        (Feature(name="plan", type="category"),),
        (Feature(name="plan", type="category", protected=True),),
        (Feature(name="spend", type="float", min=0.5, max=49.5),),
        (Feature(name="gone", type="bool"),),
        (Feature(name="null", type="int", min=0, max=1e300),),
    ],
)
def test_whatever_was_seen_the_texts_are_read_without_a_fault(features: tuple[Feature, ...]) -> None:
    manifest, _, problems = read_manifest(manifest_text(seen(*features)))
    assert problems == ()
    assert manifest is not None
    assert manifest.features == seen(*features).features
    assert read_slos(policy_text(manifest, ROWS))[1] == ()
    assert read_pack(pack_text(manifest, ROWS, 400))[2] == ()
    assert read_pack(pack_text(manifest, [], 0))[2] == ()


def test_a_model_must_beat_the_commoner_answer() -> None:
    manifest, _, _ = read_manifest(manifest_text(seen()))
    assert manifest is not None
    assert rarer_share(manifest, ROWS) == pytest.approx(134 / 400)
    policy, _ = read_slos(policy_text(manifest, ROWS))
    assert policy is not None
    (errors,) = (slo for slo in policy.slos if slo.indicator == "error_rate")
    assert errors.target.value == 0.33
    assert not errors.trial
    rare: list[Row] = [{"y": int(at == 0)} for at in range(100)]
    assert "error_rate" not in policy_text(manifest, rare)
    assert "auroc" in policy_text(manifest, rare)


def test_every_clause_has_a_case_that_is_not_on_trial() -> None:
    manifest, _, _ = read_manifest(manifest_text(seen()))
    assert manifest is not None
    pack, _, _ = read_pack(pack_text(manifest, ROWS, 400))
    assert pack is not None
    assert {case.clause for case in pack.cases} == {"robustness", "monitoring", "alignment", "systemic_safety"}
    severity = {case.id: case.severity for case in pack.cases}
    assert severity["backdoor.data"] == "blocker"
    assert "severity: blocker" not in pack_text(manifest, ROWS, 299)


@pytest.mark.parametrize("text", ["007", "1e", "", "0x1", "1,5", " 1", "1_0", "inf", "nan", "--1", "00.5"])
def test_a_code_is_no_number(text: str) -> None:
    assert number_of(text) is None
