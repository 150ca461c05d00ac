from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.drift import evaluate
from shipworthy.facts import Measurement
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, bench, model_of, rows, truth

FEATURE, SCORE = Ask(indicator="drift_excess"), Ask(indicator="prediction_drift")


@cache
def train() -> list[dict[str, Value]]:
    return rows(3000, 301)


def faster(row: Mapping[str, Value]) -> dict[str, Value]:
    return {**row, "speed": 4}


def seen(on: Bench, *asks: Ask) -> list[Measurement]:
    return list(evaluate(on, asks, answer(on, on.rows("test"))))


def on(test: list[dict[str, Value]], **changes: object) -> Bench:
    return bench(datasets={"test": test, "train": train(), "calibration": rows(1500, 302)}, **changes)  # type: ignore[arg-type]


def test_rows_from_the_same_source_have_no_drift_that_is_proven() -> None:
    judged, *parts = seen(on(rows(2000, 303), unit=None))
    assert judged.indicator == "drift_excess"
    assert (judged.lo, judged.n, judged.part) == (0.0, 2000, None)
    assert judged.value is not None
    assert judged.value < 0.03
    assert {part.part for part in parts} == {one.name for one in FEATURES}


def test_one_feature_that_moved_is_named_and_proven() -> None:
    moved = [faster(row) if at % 2 else row for at, row in enumerate(rows(2000, 303))]
    judged, *parts = seen(on(moved, unit=None))
    assert judged.method.startswith("speed, worst of 7")
    assert judged.lo is not None
    assert 0.25 < judged.lo < 0.4 < (judged.hi or 0)  # half of the rows move .8 of the others: KS = .4
    speed = next(part for part in parts if part.part == "speed")
    assert speed.lo is not None
    assert judged.lo < speed.lo  # picked from seven: its bound pays for that
    assert judged.hi == max(part.hi or 0.0 for part in parts)


def test_a_category_and_an_emptied_column_drift_too() -> None:
    renamed: list[dict[str, Value]] = [
        {**row, "supplier": "new"} if at % 3 == 0 else row for at, row in enumerate(rows(2000, 303))
    ]
    assert seen(on(renamed))[0].method.startswith("supplier")
    emptied: list[dict[str, Value]] = [
        {**row, "age": None} if at % 3 == 0 else row for at, row in enumerate(rows(2000, 303))
    ]
    assert seen(on(emptied))[0].method.startswith("age")


def test_rows_of_one_unit_count_as_fewer() -> None:
    pairs, alone = seen(on(rows(2000, 303)))[0], seen(on(rows(2000, 303), unit=None))[0]
    assert (pairs.hi or 0) > (alone.hi or 0)


def test_scores_are_compared_with_rows_that_were_not_trained_on() -> None:
    (quiet, *_) = seen(on(rows(2000, 303), unit=None), SCORE)
    assert (quiet.indicator, quiet.lo) == ("prediction_drift", 0.0)
    assert "1500 calibration" in quiet.method
    moved = [faster(row) for row in rows(2000, 303)]
    (loud, *_) = seen(on(moved, unit=None), SCORE)
    assert loud.lo is not None
    assert loud.lo > 0.4


def test_a_memory_of_training_rows_is_no_drift_and_is_told_where_nothing_else_is_there() -> None:
    known = {(row["age"], row["amount"]) for row in train()}

    def remembers(row: Mapping[str, Value]) -> float:
        return 0.99 if (row["age"], row["amount"]) in known else truth(row)

    mine = on(rows(2000, 303), unit=None, model=model_of(remembers))
    assert seen(mine, SCORE)[0].lo == 0.0
    bare = bench(remembers, {"test": rows(2000, 303), "train": train()}, unit=None)
    found = seen(bare, SCORE)[0]
    assert (found.lo or 0) > 0.5
    assert "memory looks like drift" in found.method


def test_a_silent_model_has_no_prediction_drift_to_be_green() -> None:
    silent = on(rows(600, 303), model=model_of(lambda row: None))
    (found, *_) = seen(silent, SCORE)
    assert (found.value, found.hi) == (None, None)
    assert "without a score" in found.method


def test_nothing_to_compare_with_is_nothing() -> None:
    bare = bench()
    assert seen(bare) == []
    assert [one.value for one in seen(bare, FEATURE, SCORE)] == [None, None]
    empty = bench(datasets={"test": [], "train": train(), "calibration": []})
    assert [one.value for one in seen(empty, FEATURE, SCORE)] == [None, None]


def test_a_segment_is_compared_with_itself() -> None:
    """The mix of the segments may differ between the sets without any segment drifting."""
    skewed = [row for row in rows(4000, 304) if row["sex"] == "f" or int(row["age"] or 0) % 4 == 0]
    everyone, *_ = seen(on(skewed, unit=None), FEATURE)
    women = next(one for one in seen(on(skewed, unit=None), Ask(indicator="drift_excess", segment="sex=f")))
    assert (everyone.lo or 0) > 0.1
    assert women.lo == 0.0
    assert women.segment == "sex=f"


def test_only_prediction_drift_asks_the_model() -> None:
    asked: list[int] = []

    def counts(row: Mapping[str, Value]) -> float:
        asked.append(1)
        return 0.5

    mine = on(rows(300, 303), model=model_of(counts))
    answered = answer(mine, mine.rows("test"))
    asked.clear()
    evaluate(mine, (FEATURE, Ask(indicator="auroc")), answered)
    assert not asked
    evaluate(mine, (SCORE, Ask(indicator="prediction_drift", segment="sex=f")), answered)
    assert len(asked) == 1500


def test_a_level_is_the_level_of_the_ask_and_more_of_it_proves_less() -> None:
    mine = on(rows(2000, 303))
    loose, strict = (seen(mine, Ask(indicator="drift_excess", level=level))[0] for level in (0.9, 0.99))
    assert (loose.level, strict.level) == (0.9, 0.99)
    assert (loose.hi or 0) < (strict.hi or 0)


@pytest.mark.parametrize("ask", [FEATURE, SCORE])
def test_the_same_rows_give_the_same_measurement(ask: Ask) -> None:
    mine = on(rows(800, 303))
    assert seen(mine, ask) == seen(mine, ask)
