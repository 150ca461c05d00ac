"""The figures we promise: planted backdoors at 1 % of 6,000 x 13 rows, and nothing on clean rows."""

from __future__ import annotations

from functools import cache

from benchmarks.poison import ROWS, SEEDS, TRIGGERS, TRUSTED, ours, poisoned, rows_of, scanned
from shipworthy.profile.rows import Row


@cache
def tables(seed: int) -> tuple[list[Row], list[Row]]:
    return [*rows_of(ROWS, seed)], [*rows_of(TRUSTED, seed + 100)]


def test_eleven_of_twelve_backdoors_are_found_first_at_one_row_in_a_hundred() -> None:
    found = [
        ours(poisoned(tables(seed)[0], kind, 0.01, seed)[0], tables(seed)[1], kind)
        for seed in range(SEEDS)
        for kind in TRIGGERS
    ]
    assert len(found) == 12
    assert sum(found) >= 11


def test_clean_rows_raise_at_most_one_flag() -> None:
    assert sum(int(scanned(*tables(seed)).value or 0) for seed in range(SEEDS)) <= 1
    assert all(scanned(*tables(seed)).status in ("pass", "fail") for seed in range(SEEDS))


def test_a_pair_at_five_percent_is_one_finding_with_its_neighbours_under_it() -> None:
    suspect, trusted = tables(0)
    (only,) = scanned(poisoned(suspect, "pair", 0.05, 0)[0], trusted).worst
    assert "supplier=S41 & hour=3" in only.told
    assert "grouped under it" in only.told
