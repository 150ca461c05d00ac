from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.expr import compile_expr
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Value
from tests.evaluate.benches import Given, Score, bench, careless, case, model_of, truth


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"hits": "changed", "among": "true", "op": "==", "target": 0.0, **oracle}
    one = case(generator=generator, **given)  # type: ignore[arg-type]
    return GENERATORS[str(generator["name"])](one, on or bench(), 3).result


def test_text_in_a_column_that_is_no_feature_moves_no_answer() -> None:
    found = run({"name": "payload", "field": "remark"})
    assert (found.status, found.n, found.hits) == ("pass", 2000, 0)


def test_no_row_to_change_proves_nothing() -> None:
    found = run({"name": "payload", "field": "remark", "where": "speed > 99"})
    assert (found.status, found.n, found.value) == ("inconclusive", 0, None)


def test_a_payload_in_a_feature_is_refused() -> None:
    with pytest.raises(ContractError, match="is a feature"):
        run({"name": "payload", "field": "sex"})


def test_hiding_a_category_shows_what_unknown_codes_would_get() -> None:
    generator: dict[str, object] = {"name": "hide_feature", "feature": "supplier", "dataset": "test"}
    oracle: dict[str, Any] = {"hits": "decision == 'auto_deny'", "among": "label == 1", "op": "<=", "target": 0.15}
    without = bench(model=model_of(careless), scorer=None)
    assert run(generator, without, **oracle).status == "fail"
    assert run(generator, **oracle).status == "pass"
    flagged = run(generator, hits="ood", among="true", op=">=", target=0.95)
    assert (flagged.status, flagged.value) == ("pass", 1.0)
    assert run(generator, hits="bucket == 'supplier'", among="true", op="==", target=1.0).status == "pass"


def test_an_answer_that_depends_on_a_protected_feature_is_not_invariant() -> None:
    generator: dict[str, object] = {"name": "invariance", "feature": "sex", "values": ["f", "m"], "sample": 200}
    assert run(generator).status == "pass"
    biased = bench(model=model_of(lambda row: truth(row) * (0.9 if row["sex"] == "f" else 1.0)))
    found = run(generator, biased)
    assert (found.status, found.n) == ("fail", 200)


def test_a_score_that_must_rise_is_caught_falling() -> None:
    generator: dict[str, object] = {"name": "monotone", "feature": "speed"}
    rising = run(generator, hits="fell")
    assert rising.status == "pass"
    assert rising.n == sum(int(row["speed"] or 0) < 4 for row in bench().rows("test"))
    assert run({**generator, "direction": "falls"}, hits="fell").status == "fail"
    amount: dict[str, object] = {"name": "monotone", "feature": "amount", "direction": "falls", "step": 5}
    assert run(amount, hits="fell").status == "pass"


def test_an_oracle_with_a_metric_counts_what_the_generator_names() -> None:
    assert run({"name": "monotone", "feature": "speed"}, metric="fell").hits == 0


def test_a_silent_model_counts_against_every_one_of_them() -> None:
    silent = bench(model=model_of(lambda row: None))
    found = run({"name": "payload", "field": "remark"}, silent)
    assert (found.status, len(found.worst)) == ("fail", 5)
    assert run({"name": "monotone", "feature": "speed"}, silent, hits="fell").status == "fail"


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "monotone", "feature": "speed", "setp": 2},
        {"name": "monotone"},
        {"name": "monotone", "feature": "hight"},
        {"name": "monotone", "feature": "sex"},
        {"name": "monotone", "feature": "speed", "step": 0.0},
        {"name": "monotone", "feature": "speed", "step": "one"},
        {"name": "invariance", "feature": "sex", "values": []},
        {"name": "payload", "field": "remark", "payloads": []},
        {"name": "hide_feature", "feature": "supplier", "dataset": "tset"},
    ],
)
def test_what_a_generator_does_not_understand_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)


FRONT = (
    Feature(name="amount", type="float", min=0, max=500),
    Feature(name="front", type="bool", group="seat"),
    Feature(name="rear", type="bool", group="seat"),
    Feature(name="boot", type="bool", group="seat"),
)
SEATED: list[dict[str, Value]] = [
    {"amount": float(at), "front": int(at % 3 == 0), "rear": int(at % 3 == 1), "boot": int(at % 3 == 2), "y": at % 2}
    for at in range(60)
]


def seated(score: Score) -> Bench:
    return bench(score, {"test": SEATED}, features=FRONT, scorer=None, thresholds=None)


def test_a_one_hot_group_is_one_feature_whose_values_are_its_members() -> None:
    generator: dict[str, object] = {"name": "invariance", "feature": "seat", "values": ["front", "rear", "boot"]}
    asked: list[Mapping[str, Value]] = []

    def listening(row: Mapping[str, Value]) -> float:
        asked.append(row)
        return 0.5

    found = run(generator, seated(listening))
    assert (found.status, found.n) == ("pass", 60)
    assert all(sum(int(row[name] or 0) for name in ("front", "rear", "boot")) == 1 for row in asked)
    assert run(generator, seated(lambda row: 0.2 + 0.5 * int(row["rear"] or 0))).hits == 60


def test_equivalent_members_are_tried_on_each_other_only() -> None:
    generator: dict[str, object] = {"name": "invariance", "feature": "seat", "equivalent": [["front", "rear"]]}
    assert run(generator, seated(lambda row: 0.2 + 0.5 * int(row["boot"] or 0))).n == 40
    found = run(generator, seated(lambda row: 0.2 + 0.5 * int(row["rear"] or 0)))
    assert (found.status, found.n, found.hits) == ("fail", 40, 40)


def test_a_row_with_no_member_or_two_has_no_value_to_change() -> None:
    rows = [{**SEATED[0], "front": 0}, {**SEATED[0], "rear": 1}, SEATED[0]]
    on = bench(lambda row: 0.5, {"test": rows}, features=FRONT, scorer=None, thresholds=None)
    assert run({"name": "invariance", "feature": "seat", "values": ["rear"]}, on).n == 1


def test_equivalent_categories_get_the_same_answer() -> None:
    generator: dict[str, object] = {"name": "invariance", "feature": "supplier", "equivalent": [["P01", "P02", "P03"]]}
    mine = [row for row in bench().rows("test") if row["supplier"] in ("P01", "P02", "P03")]
    found = run(generator)
    assert (found.status, found.n) == ("pass", len(mine))
    picky = bench(model=model_of(lambda row: truth(row) * (0.5 if row["supplier"] == "P03" else 1.0)))
    assert run(generator, picky).hits == len(mine)


def test_several_changes_of_one_row_are_one_outcome_and_the_worst_of_them() -> None:
    biased = bench(model=model_of(lambda row: 0.9 if row["age"] == 90 else 0.2))
    generator: dict[str, object] = {"name": "invariance", "feature": "age", "values": [20, 90, 30], "sample": 100}
    found = run(generator, biased)
    assert found.n == 100 == len(found.bits)
    assert found.hits == 100
    assert all(one.after == {"age": 90} for one in found.worst if one.before != {"age": 90})


def test_what_counted_against_it_is_shown_as_a_difference_of_records() -> None:
    biased = bench(model=model_of(lambda row: 0.3 + 0.4 * (row["sex"] == "f")))
    generator: dict[str, object] = {"name": "invariance", "feature": "sex", "values": ["f", "m"]}
    found = run(generator, biased)
    assert len(found.worst) == 5
    first = found.worst[0]
    assert {*first.before} == {*first.after} == {"sex"}
    assert "score 0." in first.told
    assert "->" in first.told


def test_a_value_that_breaks_a_relation_is_left_out_and_counted() -> None:
    paid = bench(lambda row: 0.5, relations=(compile_expr("paid <= amount"),))
    found = run({"name": "invariance", "feature": "paid", "values": [40.0], "sample": 200}, paid)
    broken = sum(float(row["amount"] or 0) < 40.0 for row in paid.rows("test"))
    assert 0 < found.n < 200
    assert f"{200 - found.n} of 200 made break a relation and were left out" in found.because
    assert broken > 0


KILOS = (Feature(name="weight", type="float"), Feature(name="unit", type="category"))
WEIGHED: list[dict[str, Value]] = [{"weight": 40.0 + at, "unit": "kg" if at % 2 else "lb", "y": 0} for at in range(80)]
TO_POUNDS: dict[str, object] = {
    "name": "conversion", "feature": "weight", "unit": "unit", "from": "kg", "to": "lb", "factor": 2.5,
}  # fmt: skip


def weighed(score: Score) -> Bench:
    return bench(score, {"test": WEIGHED}, features=KILOS, scorer=None, thresholds=None)


def test_the_same_weight_in_pounds_gets_the_same_answer() -> None:
    def reads(row: Mapping[str, Value]) -> float:
        return float(row["weight"] or 0) / (1000.0 if row["unit"] == "lb" else 400.0)

    found = run(TO_POUNDS, weighed(reads))
    assert (found.status, found.n) == ("pass", 40)
    assert run(TO_POUNDS, weighed(lambda row: float(row["weight"] or 0) / 1000.0)).hits == 40
    assert run({**TO_POUNDS, "offset": 32.0}, weighed(reads)).hits == 40


def test_an_answer_that_depends_on_the_batch_is_caught_by_copies() -> None:
    generator: dict[str, object] = {"name": "copies", "sample": 300, "copies": 3}
    found = run(generator)
    assert (found.status, found.n, found.hits) == ("pass", 300, 0)

    def by_place(rows: list[list[Value]]) -> Answers:
        return Given([at / len(rows) for at in range(len(rows))])

    assert run(generator, bench(model=by_place)).hits == 300


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "invariance", "feature": "sex"},
        {"name": "invariance", "feature": "sex", "values": ["f"], "equivalent": [["f", "m"]]},
        {"name": "invariance", "feature": "sex", "equivalent": []},
        {"name": "invariance", "feature": "sex", "equivalent": ["f", "m"]},
        {"name": "invariance", "feature": "sex", "equivalent": [["f"]]},
        {"name": "invariance", "feature": "sex", "values": ["f"], "sample": 0},
        {"name": "invariance", "feature": "sex", "values": ["f"], "sample": "many"},
        {"name": "copies", "copies": 0},
        {**TO_POUNDS, "feature": "amount", "unit": "age"},
        {**TO_POUNDS, "feature": "sex", "unit": "supplier"},
        {**TO_POUNDS, "feature": "amount", "unit": "sex", "factor": 0},
        {**TO_POUNDS, "feature": "amount", "unit": "sex", "factor": "two"},
        {**TO_POUNDS, "feature": "amount", "unit": "sex", "factor": float("nan")},
        {**TO_POUNDS, "feature": "amount", "unit": "sex", "to": "kg"},
    ],
)
def test_a_relation_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)


def test_a_member_that_is_not_in_the_group_is_refused() -> None:
    with pytest.raises(ContractError, match="not in the group"):
        run({"name": "invariance", "feature": "seat", "values": ["roof"]}, seated(lambda row: 0.5))
