from __future__ import annotations

from collections.abc import Sequence

import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.duplicates import run_case
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Row
from tests.evaluate.benches import bench, case, rows

TRAIN, TEST = rows(1000, 61), rows(400, 62)


def judged(
    train: Sequence[Row],
    test: Sequence[Row],
    metric: str = "duplicates",
    op: str = "==",
    target: float = 0.0,
    **given: object,
) -> CaseResult:
    on = bench(datasets={"train": train, "test": test})
    return run_case(case(generator={"name": "duplicates", **given}, metric=metric, op=op, target=target), on, 1).result


def test_rows_of_the_training_set_among_the_held_out_ones_are_counted_and_shown() -> None:
    clean, leaky = judged([*TRAIN], [*TEST]), judged([*TRAIN], [*TEST, *TRAIN[:3]])
    assert (clean.status, clean.value) == ("pass", 0.0)
    assert (leaky.status, leaky.value) == ("fail", 3.0)
    assert [one.row for one in leaky.worst] == [400, 401, 402]


def test_a_number_is_the_same_however_it_was_read() -> None:
    """A table read as floats and one read as integers hold the same record; an empty cell equals an empty cell."""
    again = [{**row, "age": float(row["age"] or 0), "speed": float(row["speed"] or 0)} for row in TRAIN[:2]]
    assert judged([*TRAIN], [*TEST, *again]).value == 2.0
    empty = {**TRAIN[0], "amount": None}
    assert judged([*TRAIN, empty], [*TEST, {**empty, "amount": ""}]).value == 1.0


def test_the_same_crash_in_both_is_found_though_every_field_differs() -> None:
    leaky = [{**row, "crash": TRAIN[at]["crash"]} if at < 4 else row for at, row in enumerate(TEST)]
    assert judged([*TRAIN], leaky).value == 0.0
    assert judged([*TRAIN], leaky, by=["crash"]).value == 4.0


def test_a_row_without_the_unit_is_compared_with_nothing_and_told() -> None:
    bare = [{**row, "crash": None} for row in TEST]
    found = judged([*TRAIN, {**TRAIN[0], "crash": None}], bare, by=["crash"])
    assert found.value == 0.0
    assert "401 rows lack a column" in found.because


def test_rows_that_coincide_by_chance_are_in_the_rate_and_not_in_the_excess() -> None:
    """Over two columns nearly every held-out row has a like; the training rows have as many among themselves."""
    by = {"by": ["speed", "sex"]}
    assert judged([*TRAIN], [*TEST], "duplicate_rate", "<=", 0.5, **by).status == "fail"
    assert judged([*TRAIN], [*TEST], "excess_duplicate_rate", "<=", 0.05, **by).status == "pass"
    half = [*TEST[:200], *TRAIN[:200]]
    found = judged([*TRAIN], half, "excess_duplicate_rate", "<=", 0.05)
    assert found.status == "fail"
    assert found.value == pytest.approx(0.5)


def test_like_rows_with_other_labels_are_conflicts() -> None:
    turned = [{**row, "y": 1 - int(row["y"] or 0)} for row in TRAIN[:100]]
    found = judged([*TRAIN], turned, "conflicting_label_rate", "<=", 0.01)
    assert (found.hits, found.n, found.status) == (200, 1100, "fail")
    assert len(found.worst) == 5
    assert judged([*TRAIN], [*TEST], "conflicting_label_rate", "<=", 0.05).hits == 0


def test_without_rows_or_columns_nothing_is_clean() -> None:
    assert judged([*TRAIN], []).status == "inconclusive"
    assert judged([*TRAIN[:4]], [*TEST]).status == "inconclusive"
    with pytest.raises(ContractError, match="no column 'passport'"):
        judged([*TRAIN], [*TEST], by=["passport"])
