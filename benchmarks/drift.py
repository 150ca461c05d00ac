"""Claim: batch drift of 30 features costs about one pass over the table, a hundredth of what drift packages take.

1,000,000 live rows (20 numbers, 10 categories as codes) against a reference of 100,000. Ours: every feature counted
into its equal-mass cells, KS with certified slack or total variation, their nulls and bounds. `plain pass`: what numpy
cannot do with less: one fixed grid of 1,024 cells per number, one count per category, no statistic. Packages run on
fewer rows, where named, because they take minutes. What is not installed is named and left out.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Job, Result, compare, show
from shipworthy.profile.binned import CategoryCells, NumberCells, atoms_of
from shipworthy.profile.bins import InputBins
from shipworthy.profile.fit_bins import fit_bins
from shipworthy.stats.binned import ordered_apart, unordered_apart

LIVE, REFERENCE, NUMBERS, CATEGORIES, WORDS = 1_000_000, 100_000, 20, 10, 12
FEWER = 100_000
Table = dict[str, NDArray[Any]]


def run() -> str:
    """Return the tables, and what could not be compared."""
    live, reference = _table(LIVE, 1, 0.02), _table(REFERENCE, 2, 0.0)
    bins = _bins(reference)
    results = [
        _against(bins, live, "plain pass", lambda: _plain(live), 9),
        compare(
            "drift of 1M x 30", "KS by sorting (20)", lambda: drift(bins, live), _sorted_ks(live, reference), rounds=3
        ),
    ]
    missing = []
    for name, job, rows, rounds in (
        ("duckdb", _duckdb, LIVE, 3),
        ("polars", _polars, LIVE, 3),
        ("whylogs", _whylogs, FEWER, 1),
        ("evidently", _evidently, FEWER, 1),
    ):
        if find_spec(name) is None:
            missing.append(name)
            continue
        part = {column: values[:rows] for column, values in live.items()}
        theirs = job(import_module(name), part, reference)
        results.append(_against(bins, part, name, theirs, rounds))
    told = f"\nnot installed, left out: {', '.join(missing)}" if missing else ""
    return show(results) + told


def drift(bins: InputBins, live: Table) -> float:
    """Return the largest excess over all features: the whole job."""
    excess = []
    for number in bins.numbers:
        counts, single = NumberCells(number).count(live[number.name]), atoms_of(number)
        order = [-1, -3, *range(len(counts) - 3), -2]
        found = ordered_apart(counts[order], np.array(number.counts)[order], single[order])
        excess.append(found.apart.excess)
    for category in bins.categories:
        codes = np.bincount(live[category.name], minlength=WORDS)
        counts = CategoryCells(category).count_codes([f"v{code}" for code in range(WORDS)], codes)
        excess.append(unordered_apart(counts, category.counts).apart.excess)
    return max(excess)


def _against(bins: InputBins, part: Table, name: str, theirs: Job, rounds: int) -> Result:
    rows = len(part["x0"])
    return compare(f"drift of {rows:,} x 30", name, lambda: drift(bins, part), theirs, rounds=rounds)


def _table(rows: int, seed: int, shift: float) -> Table:
    rng = np.random.default_rng(seed)
    table: Table = {f"x{at}": rng.normal(size=rows) + shift * at for at in range(NUMBERS)}
    return table | {f"c{at}": rng.integers(0, WORDS, rows).astype(np.int16) for at in range(CATEGORIES)}


def _bins(reference: Table) -> InputBins:
    numbers = {name: column.tolist() for name, column in reference.items() if name.startswith("x")}
    words = {name: [f"v{code}" for code in column] for name, column in reference.items() if name.startswith("c")}
    return fit_bins(numbers, words)


def _plain(live: Table) -> int:
    total = 0
    for name, column in live.items():
        if name.startswith("x"):
            cell = ((column + 5.0) * (1024 / 10.0)).astype(np.int64)
            np.clip(cell, 0, 1023, out=cell)
            total += int(np.bincount(cell, minlength=1024)[0])
        else:
            total += int(np.bincount(column, minlength=WORDS)[0])
    return total


def _sorted_ks(live: Table, reference: Table) -> Job:
    known = {name: np.sort(column) for name, column in reference.items() if name.startswith("x")}

    def job() -> float:
        worst = 0.0
        for name, ordered in known.items():
            below = np.searchsorted(np.sort(live[name]), ordered, side="right") / len(live[name])
            worst = max(worst, float(np.abs(below - np.arange(1, ordered.size + 1) / ordered.size).max()))
        return worst

    return job


def _duckdb(duckdb: ModuleType, live: Table, reference: Table) -> Job:
    """Histograms by group-by of the same grid, in two threads."""
    connection = duckdb.connect(config={"threads": 2})
    connection.register("live", _arrow(live))
    queries = [
        f"select cast(floor(({name} + 5) * 102.4) as int) as cell, count(*) from live group by 1"
        if name.startswith("x")
        else f"select {name}, count(*) from live group by 1"
        for name in live
    ]
    connection.execute("create table kept as select * from live")
    return lambda: [connection.execute(query.replace("from live", "from kept")).fetchall() for query in queries]


def _polars(polars: ModuleType, live: Table, reference: Table) -> Job:
    frame = polars.DataFrame(live)
    cells = [
        ((polars.col(name) + 5) * 102.4).floor().cast(polars.Int32) if name.startswith("x") else polars.col(name)
        for name in live
    ]
    return lambda: [frame.lazy().group_by(cell.alias("cell")).len().collect() for cell in cells]


def _whylogs(why: ModuleType, live: Table, reference: Table) -> Job:
    frame = _pandas(live)
    return lambda: why.log(frame).view()


def _evidently(evidently: ModuleType, live: Table, reference: Table) -> Job:
    presets = import_module("evidently.presets")
    words = [name for name in live if name.startswith("c")]
    definition = evidently.DataDefinition(
        numerical_columns=[name for name in live if name.startswith("x")], categorical_columns=words
    )
    now, then = (evidently.Dataset.from_pandas(_pandas(one), definition) for one in (live, reference))
    return lambda: evidently.Report([presets.DataDriftPreset()]).run(now, then)


def _pandas(table: Table) -> Any:  # noqa: ANN401
    frame = import_module("pandas").DataFrame(table)
    return frame.astype({name: str for name in table if name.startswith("c")})


def _arrow(table: Table) -> Any:  # noqa: ANN401
    return import_module("pyarrow").table(table)
