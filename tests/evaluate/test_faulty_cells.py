from __future__ import annotations

from collections.abc import Mapping

import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, Score, bench, careless, case, model_of, truth


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"hits": "ood_flag", "among": "true", "op": ">=", "target": 0.95, **oracle}
    one = case(generator=generator, **given)  # type: ignore[arg-type]
    return GENERATORS[str(generator["name"])](one, on or bench(), 3).result


def asked_of(generator: dict[str, object], **changes: object) -> list[Mapping[str, Value]]:
    """Return the rows that the model is asked."""
    asked: list[Mapping[str, Value]] = []

    def listens(row: Mapping[str, Value]) -> float:
        asked.append(row)
        return 0.5

    run(generator, bench(listens, **changes), hits="score > 1", op="<=")  # type: ignore[arg-type]
    return asked


def answers(score: Score) -> Bench:
    return bench(model=model_of(score))


def test_each_column_goes_missing_in_turn_and_the_worst_decides() -> None:
    found = run({"name": "missing_columns", "sample": 200})
    assert (found.status, found.value, found.n) == ("pass", 1.0, 200)
    assert f"worst of {len(FEATURES)} parts" in found.because
    assert len(found.bits) == 200 * len(FEATURES)
    jumpy = answers(lambda row: 0.9 if row["paid"] is None else truth(row))
    moved = run({"name": "missing_columns", "sample": 200}, jumpy, hits="score > 0.85", op="<=", target=0.3)
    assert moved.status == "fail"
    assert moved.value == 1.0
    assert "paid empty" in moved.because


def test_one_weak_part_is_not_hidden_by_many_strong_ones() -> None:
    features: dict[str, object] = {"name": "missing_columns", "features": ["speed", "paid", "sex"], "sample": 100}
    pooled = answers(lambda row: 0.9 if row["sex"] is None else 0.1)
    found = run(features, pooled, hits="score > 0.5", op="<=", target=0.5)
    assert (found.status, found.hits, found.n) == ("fail", 100, 100)
    assert "sex empty" in found.because


def test_all_columns_together_are_one_part() -> None:
    rows = asked_of({"name": "missing_columns", "features": ["speed", "belt"], "together": True, "sample": 10})
    assert len(rows) == 10
    assert all(row["speed"] is None and row["belt"] is None and row["age"] is not None for row in rows)


def test_an_empty_column_cannot_go_missing_and_is_told() -> None:
    empty = [{**row, "paid": None} for row in bench().rows("test")[:50]]
    found = run({"name": "missing_columns"}, bench(datasets={"test": empty}), target=0.9)
    assert "no row can be changed in paid empty" in found.because
    assert (found.status, found.n) == ("pass", 50)
    named = run({"name": "missing_columns", "features": ["age", "paid"]}, bench(datasets={"test": empty}))
    assert (named.status, named.n) == ("inconclusive", 0)
    both: dict[str, object] = {"name": "missing_columns", "features": ["age", "paid"]}
    thin = run(both, bench(datasets={"test": empty}), hits="score > 2", op="<=", target=0.01)
    assert (thin.status, thin.n) == ("inconclusive", 0)  # of two that are not proven the one without a row is worse


def test_a_unit_is_mistaken_by_every_known_factor_both_ways() -> None:
    rows = asked_of({"name": "unit_error", "features": ["age"], "where": "age == 60", "sample": 1})
    assert sorted(float(row["age"] or 0) for row in rows) == pytest.approx(
        [0.06, 0.6, 5.0, 6.0, 600.0, 720.0, 6000.0, 60000.0]
    )


def test_inches_are_tried_where_centimetres_are_declared() -> None:
    tall = (Feature(name="height", type="float", unit="cm"), Feature(name="weight", type="float", unit="lb"))
    people: list[dict[str, Value]] = [{"height": 254.0, "weight": 100.0, "y": 0}]
    asked = asked_of({"name": "unit_error"}, features=tall, datasets={"test": people}, scorer=None, thresholds=None)
    assert len(asked) == 2 * 9
    assert any(float(row["height"] or 0) == pytest.approx(100.0) for row in asked)
    assert any(float(row["weight"] or 0) == pytest.approx(45.359237) for row in asked)


def test_only_numbers_with_a_declared_unit_are_mistaken_unless_named() -> None:
    rows = asked_of({"name": "unit_error", "factors": [12], "where": "belt == 1", "sample": 20})
    assert len(rows) == 40
    assert {row["speed"] for row in rows} <= {0, 1, 2, 3, 4}
    assert any(float(row["amount"] or 0) > 200 for row in rows)


def test_a_zero_has_no_unit_to_mistake() -> None:
    found = run({"name": "unit_error", "features": ["speed"], "factors": [100]})
    assert found.n == sum(row["speed"] != 0 for row in bench().rows("test"))


def test_an_age_in_months_is_noticed_and_one_off_by_a_little_is_not() -> None:
    months = run({"name": "unit_error", "features": ["age"], "factors": [12], "sample": 300})
    assert months.status == "pass"
    little = run({"name": "unit_error", "features": ["age"], "factors": [12, 1.01], "sample": 300})
    assert little.status == "fail"
    assert "age x 1.01" in little.because


def test_an_old_code_stands_in_for_the_new_one() -> None:
    rows = asked_of({"name": "stale_category", "feature": "supplier", "map": {"P01": "A1", "P02": "A1"}})
    assert {row["supplier"] for row in rows} == {"A1"}
    assert len(rows) == sum(row["supplier"] in ("P01", "P02") for row in bench().rows("test"))


def test_without_a_map_all_become_the_most_common_code_of_training() -> None:
    train = [{**row, "supplier": "P07" if at % 3 else row["supplier"]} for at, row in enumerate(bench().rows("test"))]
    datasets = {"test": bench().rows("test"), "train": train}
    rows = asked_of({"name": "stale_category", "feature": "supplier"}, datasets=datasets)
    assert {row["supplier"] for row in rows} == {"P07"}
    assert len(rows) == sum(row["supplier"] != "P07" for row in datasets["test"])


def test_an_empty_cell_gets_no_code() -> None:
    empty = [{**row, "supplier": None} for row in bench().rows("test")[:30]]
    rows = [*empty, {**bench().rows("test")[0], "supplier": "P01"}, {**bench().rows("test")[0], "supplier": "P02"}]
    found = run({"name": "stale_category", "feature": "supplier"}, bench(datasets={"test": rows}))
    assert found.n == 1


def test_a_map_that_no_row_needs_proves_nothing() -> None:
    found = run({"name": "stale_category", "feature": "supplier", "map": {"P99": "P01"}})
    assert (found.status, found.n) == ("inconclusive", 0)


def test_several_features_are_hidden_each_in_turn() -> None:
    generator: dict[str, object] = {"name": "hide_feature", "feature": ["supplier", "sex"], "sample": 100}
    found = run(generator)
    assert (found.status, found.n) == ("pass", 100)
    assert "worst of 2 parts" in found.because
    rows = asked_of(generator)
    assert sum(row["supplier"] == "never-seen-before" for row in rows) == 100
    assert sum(row["sex"] == "never-seen-before" for row in rows) == 100


def test_what_moved_can_be_judged_and_only_then_the_rows_before_are_asked() -> None:
    generator: dict[str, object] = {"name": "hide_feature", "feature": "supplier", "sample": 100}
    assert len(asked_of(generator)) == 100
    found = run(generator, answers(careless), hits="changed and score_before > score", op="==", target=0.0)
    assert (found.status, found.hits, found.n) == ("fail", 100, 100)
    rises = run(generator, answers(lambda row: 0.1 + 0.8 * (row["supplier"] == "never-seen-before")), metric="fell",
                hits=None, op="==", target=0.0)  # fmt: skip
    assert (rises.status, rises.hits) == ("pass", 0)


def test_of_parts_that_fail_by_luck_none_is_called_a_failure() -> None:
    """The one that was picked out of nine must fail at a ninth of the level."""
    nth = iter(range(10**6))
    on = bench(lambda row: 0.9 if next(nth) % 20 == 0 else 0.1)
    parts: dict[str, object] = {"name": "missing_columns", "features": ["speed"], "sample": 60}
    alone = run(parts, on, hits="score > 0.5", op="<=", target=0.007)
    assert (alone.status, alone.hits) == ("fail", 3)
    nth = iter(range(10**6))
    on = bench(lambda row: 0.9 if (at := next(nth)) < 60 and at % 20 == 0 else 0.1)
    among_many = run({"name": "missing_columns", "sample": 60}, on, hits="score > 0.5", op="<=", target=0.007)
    assert among_many.status == "inconclusive"
    assert "no failure at the level that the parts share" in among_many.because


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "missing_columns", "features": ["hight"]},
        {"name": "unit_error", "features": ["sex"]},
        {"name": "unit_error", "factors": [1]},
        {"name": "unit_error", "factors": [0]},
        {"name": "unit_error", "factors": ["ten"]},
        {"name": "stale_category", "feature": "speed"},
        {"name": "stale_category"},
        {"name": "hide_feature", "feature": ["supplier", "hight"]},
    ],
)
def test_a_mistake_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)
