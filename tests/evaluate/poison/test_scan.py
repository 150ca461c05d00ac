"""Cells, grouping and what is new, on small tables whose every sum is known."""

from __future__ import annotations

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.poison.cells import cuts_of, sums_of
from shipworthy.evaluate.poison.scan import scan
from shipworthy.evaluate.poison.surrogate import cross_fitted, folds
from shipworthy.evaluate.poison.table import table_of
from shipworthy.profile.rows import Row

FEATURES = (Feature(name="code", type="category"), Feature(name="hour", type="int"), Feature(name="x", type="float"))


def rows(n: int, seed: int = 0) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [
        {
            "code": f"c{rng.integers(4)}",
            "hour": int(rng.integers(6)),
            "x": float(rng.normal()),
            "y": int(rng.random() < 0.5),
        }
        for _ in range(n)
    ]


def found(suspect: list[Row], trusted: list[Row] | None = None) -> list[tuple[str, tuple[str, ...]]]:
    every = [*suspect, *(trusted or [])]
    cuts = cuts_of(table_of(FEATURES, every), len(suspect))
    y = np.array([row["y"] for row in every], dtype=np.float64)
    return [(one.cell, one.grouped) for one in scan(cuts, len(suspect), y, np.full(len(every), 0.5))]


def with_pair(made: list[Row], share: float) -> list[Row]:
    return [{**row, "code": "c1", "hour": 3, "y": 0} if at < share * len(made) else row for at, row in enumerate(made)]


def test_sums_of_a_pair_are_those_of_the_rows_that_have_both() -> None:
    made = rows(400)
    cuts = cuts_of(table_of(FEATURES, made), len(made))
    y, p = np.array([row["y"] for row in made], dtype=np.float64), np.linspace(0.1, 0.9, len(made))
    sums = sums_of(cuts, len(made), y, p)
    at = [sums.name(one) for one in range(len(sums))].index("code=c2 & hour=5")
    inside = np.array([row["code"] == "c2" and row["hour"] == 5 for row in made])
    assert (sums.n[at], sums.sum_y[at]) == (inside.sum(), y[inside].sum())
    assert np.isclose(sums.sum_p[at], p[inside].sum())
    assert np.isclose(sums.sum_pq[at], (p * (1 - p))[inside].sum())
    assert sums.rows(at).tolist() == np.flatnonzero(inside).tolist()


def test_cells_of_fewer_than_eight_rows_are_not_judged() -> None:
    made = [{**row, "code": "rare", "y": 0} if at < 7 else row for at, row in enumerate(rows(400))]
    sums = sums_of(cuts_of(table_of(FEATURES, made), 400), 400, np.zeros(400), np.full(400, 0.5))
    assert "code=rare" not in [sums.name(at) for at in range(len(sums))]


def test_the_neighbours_of_a_planted_pair_are_grouped_under_it() -> None:
    """At more than half of the rows the pair drags its own values along: those are not findings of their own."""
    ((cell, under),) = found(with_pair(rows(3000), 0.6))
    assert cell == "code=c1 & hour=3"
    assert {"code=c1", "hour=3"} <= set(under)


def test_two_triggers_are_two_findings() -> None:
    made = [{**row, "x": 50.0, "y": 1} if at % 20 == 1 else row for at, row in enumerate(with_pair(rows(3000), 0.3))]
    assert {cell for cell, _ in found(made)} == {"code=c1 & hour=3", "x=50"}


def test_what_the_trusted_rows_show_just_as_pure_is_no_finding() -> None:
    assert found(with_pair(rows(3000), 0.3), with_pair(rows(1000, 1), 0.3)) == []
    assert found(with_pair(rows(3000), 0.3), rows(1000, 1)) != []


def test_seven_trusted_rows_make_nothing_known() -> None:
    few = with_pair(rows(7, 1), 1.0)
    assert found(with_pair(rows(3000), 0.3), few) != []


def test_labels_that_only_lean_to_one_side_are_no_finding() -> None:
    made = with_pair(rows(3000), 0.3)
    leaning = [
        {**row, "y": int(at % 5 == 0)} if row["code"] == "c1" and row["hour"] == 3 else row
        for at, row in enumerate(made)
    ]
    assert found(leaning) == []


def test_bins_and_tails_are_cut_by_the_trusted_rows() -> None:
    """Who puts many rows far out must not move what far is."""
    suspect = [{**row, "x": 40.0 + 0.01 * at} if at % 2 else row for at, row in enumerate(rows(1000))]
    cuts = cuts_of(table_of(FEATURES, [*suspect, *rows(500, 1)]), 1000)
    tails = next(cut for cut in cuts if cut.size == 2 and cut.column == "x")
    assert (tails.rows < 1000).sum() == 500


def test_rows_of_one_unit_share_a_fold() -> None:
    units = [f"u{at // 3}" for at in range(300)]
    fold = folds(300, units, 4)
    assert all(len(set(fold[at : at + 3].tolist())) == 1 for at in range(0, 300, 3))
    assert sorted(set(fold.tolist())) == [0, 1, 2, 3, 4]


def test_an_expectation_across_folds_has_not_seen_the_row() -> None:
    """With a unit a row and labels without any pattern, what is expected says nothing about the label."""
    made = rows(2000, 5)
    y = np.array([row["y"] for row in made], dtype=np.float64)
    expected = cross_fitted(table_of(FEATURES, made), y, folds(2000, None, 1))
    assert abs(np.corrcoef(expected, y)[0, 1]) < 0.06
