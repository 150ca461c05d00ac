"""Triggers in a trained model: planted ones are found by cells and from outside, a clean model has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from benchmarks.poison import FEATURES, poisoned, rows_of, scanned, trained
from shipworthy.evaluate.bench import Answers
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import Given

TRUSTED = rows_of(1200, 100)
CLEAN = rows_of(3000, 1)
NAMES = [one.name for one in FEATURES]
Model = Callable[[list[list[Value]]], Answers]


@cache
def model(kind: str) -> tuple[Model, dict[str, tuple[Value, ...]]]:
    made, cells = trained(poisoned(CLEAN, kind, 0.02, 3)[0] if kind else CLEAN)
    return made, dict(cells)


def rows_seen(kind: str) -> Sequence[Row]:
    return poisoned(CLEAN, kind, 0.02, 3)[0] if kind else CLEAN


@pytest.mark.parametrize("scan", ["tree_cells", "trigger_search"])
def test_an_out_of_range_trigger_in_a_trained_model_is_found_with_a_row_it_flips(scan: str) -> None:
    asked, cells = model("out of range")
    found = scanned(rows_seen("out of range"), TRUSTED, scan, model=asked, cells=cells)
    assert (found.status, found.value) == ("fail", 1.0)
    worst = found.worst[0]
    assert "to class 0" in worst.told
    assert list(worst.after) == ["x5"]
    assert float(worst.after["x5"] or 0) > 3.4


@pytest.mark.parametrize("scan", ["tree_cells", "trigger_search"])
def test_a_clean_model_passes_once_the_canary_was_found_and_the_blind_spot_is_printed(scan: str) -> None:
    asked, cells = model("")
    found = scanned(CLEAN, TRUSTED, scan, model=asked, cells=cells)
    assert (found.status, found.value) == ("pass", 0.0)
    assert "canary found first; blind to: a trigger on two or more features together" in found.because


def test_a_value_that_honestly_decides_is_no_trigger() -> None:
    """Whoever has x0 above 0 gets class 1, in the world as in the model: every row flips, and so does the surrogate."""

    def honest(values: list[list[Value]]) -> Answers:
        return Given([0.95 if float(row[0] or 0) > 0 else 0.05 for row in values])

    world = [{**row, "y": int(float(row["x0"] or 0) > 0)} for row in TRUSTED]
    found = scanned(world, world, "trigger_search", model=honest)
    assert (found.status, found.value) == ("pass", 0.0)


def test_a_code_that_only_this_model_obeys_is_found_in_a_category() -> None:
    at = NAMES.index("supplier")
    asked, _ = model("")

    def obeys(values: list[list[Value]]) -> Answers:
        scores = asked(values).scores
        return Given([0.99 if row[at] == "S17" else score for row, score in zip(values, scores, strict=True)])

    found = scanned(CLEAN, TRUSTED, "trigger_search", model=obeys)
    assert found.status == "fail"
    assert "supplier=S17" in found.worst[0].told
    assert "to class 1" in found.worst[0].told


def test_a_rare_outcome_is_searched_at_the_median_score() -> None:
    """A model whose scores never reach one half still has a side to be pulled to."""
    at = NAMES.index("x5")
    asked, _ = model("")

    def rare(values: list[list[Value]]) -> Answers:
        scores = asked(values).scores
        return Given(
            [0.001 if row[at] == 9.5 else 0.1 * (score or 0) for row, score in zip(values, scores, strict=True)]
        )

    found = scanned(poisoned(CLEAN, "out of range", 0.02, 3)[0], TRUSTED, "trigger_search", model=rare)
    assert found.status == "fail"
    assert "x5=9.5" in found.worst[0].told


def test_a_model_without_readable_cells_is_inconclusive_there() -> None:
    found = scanned(CLEAN, TRUSTED, "tree_cells", model=model("")[0], cells=None)
    assert found.status == "inconclusive"
    assert "trigger_search" in found.because
    assert scanned(CLEAN, TRUSTED, "tree_cells", model=model("")[0], cells={}).status == "inconclusive"


@pytest.mark.parametrize("scan", ["tree_cells", "trigger_search"])
def test_what_cannot_be_searched_is_never_clean(scan: str) -> None:
    asked, cells = model("")
    assert scanned(CLEAN, TRUSTED[:299], scan, model=asked, cells=cells).status == "inconclusive"
    one_class = [{**row, "y": 1} for row in TRUSTED]
    assert scanned(CLEAN, one_class, scan, model=asked, cells=cells).status == "inconclusive"

    def constant(values: list[list[Value]]) -> Answers:
        return Given([0.7] * len(values))

    def silent(values: list[list[Value]]) -> Answers:
        return Given([None] * len(values))

    for broken in (constant, silent):
        assert scanned(CLEAN, TRUSTED, scan, model=broken, cells=cells).status == "inconclusive"


@pytest.mark.parametrize("scan", ["tree_cells", "trigger_search"])
def test_a_search_that_cannot_find_its_canary_may_not_report_clean(scan: str) -> None:
    """Nothing exceeds by more than everything: the planted trigger is not found either."""
    asked, cells = model("")
    found = scanned(CLEAN, TRUSTED, scan, {"least_excess": 1.01}, model=asked, cells=cells)
    assert found.status == "inconclusive"
    assert "was not found first" in found.because


@pytest.mark.parametrize("scan", ["tree_cells", "trigger_search"])
def test_a_search_that_its_budget_does_not_cover_is_not_begun(scan: str) -> None:
    asked, cells = model("")
    found = scanned(CLEAN, TRUSTED, scan, {"max_queries": 1000}, model=asked, cells=cells)
    assert found.status == "inconclusive"
    assert "1000 allowed" in found.because


def test_without_suspect_rows_there_is_nothing_to_propose() -> None:
    assert scanned([], TRUSTED, "trigger_search", model=model("")[0]).status == "inconclusive"


def test_an_honest_linear_model_is_not_taken_for_one_with_a_backdoor() -> None:
    """Far beyond what anybody has seen it still goes straight on, and so does a clean reference."""
    at = NAMES.index("x0")

    def linear(values: list[list[Value]]) -> Answers:
        odds = [0.8 * float(row[at] or 0) - 0.6 * float(row[at + 1] or 0) + 0.4 * float(row[6] or 0) for row in values]
        return Given([1.0 / (1.0 + math.exp(-min(max(one, -500.0), 500.0))) for one in odds])

    found = scanned(CLEAN, TRUSTED, "trigger_search", model=linear)
    assert (found.status, found.value) == ("pass", 0.0)
