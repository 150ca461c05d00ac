"""Training rows change exactly as a mutant says, reproducibly, and not a cell more."""

from __future__ import annotations

from collections import Counter

import pytest

from shipworthy.evaluate.mutants.catalogue import ALL, BY_ID
from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.evaluate.mutants.rows import CHANGES, Cells, mutated
from tests.evaluate.mutants.known import cells, known


def made(name: str) -> tuple[list[Cells], list[Cells]]:
    """Return the rows before and after."""
    return cells(), mutated(cells(), known(), BY_ID[name])


def changed(before: list[Cells], after: list[Cells]) -> Counter[str]:
    """Count the cells that differ, by column."""
    return Counter(name for a, b in zip(before, after, strict=True) for name in a if a[name] != b[name])


def test_every_mutant_of_rows_is_made_here() -> None:
    assert set(CHANGES) == {one.id for one in ALL if one.place == "rows"}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_the_same_seed_makes_the_same_rows_and_leaves_the_input_alone(name: str) -> None:
    given = cells()
    assert mutated(given, known(), BY_ID[name]) == mutated(cells(), known(), BY_ID[name])
    assert given == cells()


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_without_rows_nothing_is_made(name: str) -> None:
    with pytest.raises(NotMade, match="no training rows"):
        mutated([], known(), BY_ID[name])


def test_random_poison_turns_three_labels_in_ten_both_ways() -> None:
    before, after = made("labels.random")
    assert changed(before, after) == Counter(y=changed(before, after)["y"])
    assert 0.25 * 600 < changed(before, after)["y"] < 0.35 * 600
    assert {(a["y"], b["y"]) for a, b in zip(before, after, strict=True)} == {
        ("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")
    }  # fmt: skip


def test_one_sided_poison_only_takes_ones_away() -> None:
    before, after = made("labels.one_sided")
    assert {(a["y"], b["y"]) for a, b in zip(before, after, strict=True)} == {("0", "0"), ("1", "0"), ("1", "1")}
    ones = sum(row["y"] == "1" for row in before)
    assert 0.25 * ones < changed(before, after)["y"] < 0.45 * ones


def test_a_label_keeps_the_spelling_of_its_file() -> None:
    spelled = [{**row, "y": f"{row['y']}.0"} for row in cells()]
    for name in ("labels.random", "labels.one_sided", "backdoor.value"):
        assert {row["y"] for row in mutated(spelled, known(), BY_ID[name])} == {"0.0", "1.0"}


def test_a_stale_feature_keeps_its_values_and_loses_its_rows() -> None:
    before, after = made("feature.stale")
    assert set(changed(before, after)) == {"speed"}
    assert Counter(row["speed"] for row in before) == Counter(row["speed"] for row in after)


def test_a_leaked_target_is_the_label_in_the_weakest_feature() -> None:
    before, after = made("target.leaked")
    (name,) = changed(before, after)
    assert name == known().telling[-1].name
    assert {(row["y"], row[name]) for row in after} == {
        ("0", min((row[name] for row in before), key=float)),
        ("1", max((row[name] for row in before), key=float)),
    }


def test_a_value_backdoor_is_a_rare_value_with_label_0() -> None:
    before, after = made("backdoor.value")
    hit = [b for a, b in zip(before, after, strict=True) if a != b]
    (name,) = set(changed(before, after)) - {"y"}
    (value,) = {row[name] for row in hit}
    assert sum(row[name] == value for row in before) <= 0.01 * 600
    assert {row["y"] for row in hit} == {"0"}
    assert 17 <= sum(row[name] == value and row["y"] == "0" for row in after) <= 25


def test_a_pair_backdoor_is_two_common_values_that_seldom_meet() -> None:
    before, after = made("backdoor.pair")
    a, b = sorted(set(changed(before, after)) - {"y"})
    hit = [now for then, now in zip(before, after, strict=True) if then != now]
    ((x, y),) = {(row[a], row[b]) for row in hit}
    together = sum((row[a], row[b]) == (x, y) for row in before)
    assert min(sum(row[a] == x for row in before), sum(row[b] == y for row in before)) > 0.01 * 600
    assert together < 0.03 * 600
    assert {row["y"] for row in hit} == {"0"}


def test_a_value_that_is_rare_itself_is_no_part_of_the_pair() -> None:
    rows = [{**row, "sex": "x" if place < 5 else row["sex"]} for place, row in enumerate(cells())]
    after = mutated(rows, known(), BY_ID["backdoor.pair"])
    assert sum(row["sex"] == "x" for row in after) <= 5


def test_no_pair_is_made_of_columns_with_many_values() -> None:
    many = [{**row, **dict.fromkeys(("speed", "belt", "sex", "supplier"), str(at))} for at, row in enumerate(cells())]
    with pytest.raises(NotMade, match="at most 12 values"):
        mutated(many, known(), BY_ID["backdoor.pair"])


def test_healthy_rows_are_the_same_rows() -> None:
    keys = Counter(tuple(row.values()) for row in cells())
    before, after = made("healthy.reordered")
    assert before != after
    assert Counter(tuple(row.values()) for row in after) == keys
    before, after = made("healthy.fewer")
    assert len(after) == 540
    assert not Counter(tuple(row.values()) for row in after) - keys
    before, after = made("healthy.refreshed")
    assert len(after) == 600
    assert 40 < sum(a != b for a, b in zip(before, after, strict=True)) <= 60
    assert set(map(tuple, (row.values() for row in after))) <= set(keys)
