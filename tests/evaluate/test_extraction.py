from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import CaseShown
from shipworthy.evaluate.extraction import run_case
from shipworthy.evaluate.questions import questions
from shipworthy.gate.recompute import mismatches
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, Score, bench, case, model_of, rows, truth

SOURCE, TEST = rows(1500, 71), rows(1200, 72)


def shown(score: Score, target: float = 0.9, **given: object) -> CaseShown:
    one = case(generator={"name": "extraction", **given}, metric="extraction_fidelity", op="<=", target=target)
    data = {"calibration": given.pop("source", SOURCE), "test": TEST}
    one = case(generator={"name": "extraction", **given}, metric="extraction_fidelity", op="<=", target=target)
    return run_case(one, bench(score, datasets=data), 4)  # type: ignore[arg-type]


def hashed(row: Mapping[str, Value]) -> float:
    """Answers that follow nothing."""
    return (crc32(repr(sorted(row.items())).encode()) % 1000) / 999.0


def test_a_smooth_model_is_copied_and_more_queries_copy_it_better() -> None:
    found = shown(truth, queries=[100, 1000])
    assert found.result.status == "fail"
    parts = {one.part: one.value or 0.0 for one in found.measurements if one.part}
    assert parts["1000 queries"] > parts["100 queries"] > 0.8
    judged = next(one for one in found.measurements if one.part is None)
    assert judged.hits == found.result.hits
    assert (judged.value or 0.0) > 0.97
    assert not mismatches(found.measurements)


def test_the_commonest_answer_and_a_model_of_ones_own_stand_beside() -> None:
    told = shown(truth, queries=[100, 1000]).result.because
    assert "the commonest answer 0.6" in told
    assert "a model of one's own on 1500 true labels 0.9" in told
    bare = [{**row, "y": None} for row in SOURCE]
    few = [{**row, "y": row["y"] if at < 40 else None} for at, row in enumerate(SOURCE)]
    for source in (bare, few):
        assert "no labels to train a model" in shown(truth, queries=[200], source=source).result.because


@pytest.mark.parametrize("score", [lambda row: 0.7, lambda row: 0.2, hashed])
def test_a_constant_and_a_random_model_are_neither_safe_nor_extracted(score: Score) -> None:
    for target in (0.3, 0.9):
        found = shown(score, target, queries=[100, 500])
        assert found.result.status == "inconclusive"
        assert "not proven better than the commonest answer" in found.result.because
        assert found.measurements[0].value is None


def test_the_largest_budget_is_judged_whatever_the_order() -> None:
    up, down = shown(truth, queries=[100, 500]).result, shown(truth, queries=[500, 100]).result
    assert up.value == down.value
    assert "500 queries" in up.because


def test_the_declared_ranges_are_enough_to_ask_with() -> None:
    found = shown(truth, queries=[200, 1500], draw="ranges").result
    assert found.status == "fail"


def test_questions_of_a_larger_budget_hold_the_smaller() -> None:
    on = bench(datasets={"test": TEST})
    small, large = questions(on, SOURCE[:300], "reference", 200, 9), questions(on, SOURCE[:300], "reference", 900, 9)
    assert large[:200] == small
    assert len(large) == 900
    assert all(set(one) == {feature.name for feature in FEATURES} for one in large)


def test_when_rows_run_out_their_cells_are_mixed() -> None:
    on = bench(datasets={"test": TEST})
    made = questions(on, SOURCE[:60], "reference", 400, 9)
    real = {tuple(str(row[one.name]) for one in FEATURES) for row in SOURCE[:60]}
    inside = [tuple(str(row[one.name]) for one in FEATURES) in real for row in made]
    assert all(inside[:60])
    assert sum(inside[60:]) < 20
    ages = {row["age"] for row in SOURCE[:60]}
    assert all(row["age"] in ages for row in made)


def test_drawn_from_ranges_every_cell_is_a_declared_one() -> None:
    on = bench(datasets={"test": TEST})
    made = questions(on, SOURCE, "ranges", 500, 9)
    assert {row["speed"] for row in made} == {0, 1, 2, 3, 4}
    assert {row["belt"] for row in made} == {0, 1}
    assert all(isinstance(row["amount"], float) and 0.0 <= row["amount"] <= 500.0 for row in made)
    assert {row["supplier"] for row in made} == {row["supplier"] for row in SOURCE}


def test_a_range_that_nobody_declared_is_not_guessed() -> None:
    features = (*FEATURES, Feature(name="paid2", type="float"))
    on = bench(features=features, model=model_of(lambda row: 0.5, features), datasets={"test": TEST})
    with pytest.raises(ContractError, match="paid2 declares none"):
        questions(on, SOURCE, "ranges", 10, 1)
    with pytest.raises(ContractError, match="draw"):
        questions(on, SOURCE, "guess", 10, 1)


@pytest.mark.parametrize("queries", [[], [10], [100, 10], [100, 100.5], [True], ["100"]])
def test_budgets_that_are_none_are_an_error(queries: list[object]) -> None:
    with pytest.raises(ContractError, match="queries"):
        shown(truth, queries=queries)


def test_a_silent_model_and_missing_rows_are_no_pass() -> None:
    found = shown(lambda row: None if row["speed"] == 4 else truth(row), queries=[100]).result
    assert "without a score" in found.because
    assert found.status == "inconclusive"
    assert shown(truth, queries=[100], source=[]).result.status == "inconclusive"


def test_the_same_case_gives_the_same_bytes() -> None:
    assert shown(truth, queries=[100, 400]) == shown(truth, queries=[100, 400])
