from __future__ import annotations

from collections.abc import Mapping

import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.expr import compile_expr
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Value
from tests.evaluate.benches import bench, case, model_of, scorer, truth


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"hits": "score > 0.99", "among": "true", "op": "<=", "target": 0.5, **oracle}
    one = case(generator={"name": "tail", **generator}, **given)  # type: ignore[arg-type]
    return GENERATORS["tail"](one, on or bench(), 3).result


def asked_of(generator: dict[str, object], **changes: object) -> list[Mapping[str, Value]]:
    asked: list[Mapping[str, Value]] = []

    def listens(row: Mapping[str, Value]) -> float:
        asked.append(row)
        return 0.5

    run(generator, bench(listens, **changes))  # type: ignore[arg-type]
    return asked


def test_the_rarest_rows_are_those_with_the_smallest_p() -> None:
    rows = bench().rows("test")
    found = run({"rarest": 0.02})
    assert found.n == 40
    assert "the 40 rarest of 2000 rows" in found.because
    p = sorted(scorer().score(row).p for row in rows)
    seen = asked_of({"rarest": 0.02})
    assert sorted(scorer().score(row).p for row in seen) == p[:40]
    flagged = run({"rarest": 0.02}, hits="ood_flag", op="<=", target=0.99)
    assert flagged.hits is not None
    assert flagged.hits > 0.3 * flagged.n  # one in a hundred is flagged, so about half of these


def test_a_share_that_is_no_whole_number_of_rows_is_rounded_up() -> None:
    assert run({"rarest": 0.0001}).n == 1
    assert run({"rarest": 1}).n == 2000


def test_extremes_are_the_declared_ends_and_the_far_percentile() -> None:
    rows = asked_of({"extremes": ["amount"], "sample": 10})
    values = sorted({float(row["amount"] or 0) for row in rows})
    assert values[0] == 0.0
    assert values[-1] == 500.0
    assert len(values) == 3
    reference = sorted(float(row["amount"] or 0) for row in bench().rows("test"))
    assert values[1] == reference[1997]  # the least value with 99.9 % of 2,000 at or below it
    assert len(rows) == 30


def test_the_ends_of_an_open_range_are_those_of_the_training_rows() -> None:
    features = tuple(one for one in bench().features if one.name != "amount")
    train = [{"speed": 1, "age": at} for at in (20, 33, 71)]
    open_ = tuple(one if one.name != "age" else type(one)(name="age", type="int") for one in features)
    asked = asked_of(
        {"extremes": ["age"], "sample": 1}, features=open_, datasets={"test": bench().rows("test"), "train": train}
    )
    assert [row["age"] for row in asked] == [20, 71]
    assert all(isinstance(row["age"], int) for row in asked)


def test_the_worst_extreme_decides() -> None:
    old = bench(model=model_of(lambda row: 0.995 if row["age"] == 110 else 0.5))
    found = run({"extremes": ["age"], "sample": 100}, old)
    assert (found.status, found.hits, found.n) == ("fail", 100, 100)
    assert "age = 110" in found.because


def test_made_rows_that_cannot_exist_are_left_out_and_counted() -> None:
    on = bench(truth, relations=(compile_expr("paid <= amount"),))
    found = run({"extremes": ["amount"]}, on, op=">=", target=0.0)
    assert "of 2000 made with amount = 0 break a relation and were left out" in found.because
    scenario = run({"combine": {"paid": 30.0, "belt": 1}}, on)
    possible = sum(float(row["amount"] or 0) >= 30.0 for row in on.rows("test"))
    assert scenario.n == possible
    assert f"{possible} rows made; {2000 - possible} of 2000 made break a relation" in scenario.because


def test_a_scenario_keeps_everything_else_and_the_real_rows() -> None:
    rows = asked_of({"combine": {"speed": 4, "supplier": "P05"}, "sample": 50})
    assert len(rows) == 50
    assert {(row["speed"], row["supplier"]) for row in rows} == {(4, "P05")}
    assert len({row["age"] for row in rows}) > 20


def test_an_oracle_may_speak_of_the_row_before() -> None:
    found = run({"combine": {"speed": 4}}, hits="fell", op="==", target=0.0)
    assert (found.status, found.n) == ("pass", 2000)


@pytest.mark.parametrize(
    "generator",
    [
        {},
        {"rarest": 0.1, "combine": {"speed": 4}},
        {"rarest": 0.1, "share": 0.1},
        {"rarest": "a tenth"},
        {"rarest": 0.0},
        {"rarest": 1.5},
        {"extremes": []},
        {"extremes": ["sex"]},
        {"extremes": ["hight"]},
        {"combine": {}},
        {"combine": {"hight": 3}},
        {"combine": {"speed": [1]}},
    ],
)
def test_a_tail_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)


def test_without_a_profile_nothing_is_rare() -> None:
    with pytest.raises(ContractError, match="reference profile"):
        run({"rarest": 0.01}, bench(scorer=None))
