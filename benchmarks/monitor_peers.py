"""One peer of `benchmarks/monitor.py` in an environment of its own: prints the seconds of its work, imports apart.

In: the peer's name, the reference and the log as Parquet. Stands alone: nothing of ours is imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

EDGES = 64


def evidently(reference: str, log: str) -> Callable[[], object]:
    """The data drift preset over both tables."""
    import pandas  # type: ignore[import-untyped,unused-ignore]
    from evidently import Report  # type: ignore[import-not-found,unused-ignore]
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found,unused-ignore]

    def job() -> object:
        tables = [pandas.read_parquet(path).drop(columns="time") for path in (log, reference)]
        return Report([DataDriftPreset()]).run(*tables).dict()

    return job


def whylogs(reference: str, log: str) -> Callable[[], object]:
    """A profile of the log."""
    import pandas
    import whylogs as why  # type: ignore[import-not-found,unused-ignore]

    return lambda: why.log(pandas.read_parquet(log).drop(columns="time")).profile()


def duckdb(reference: str, log: str) -> Callable[[], object]:
    """30 histograms by group-by, straight from the file; numbers by equal width."""
    import duckdb as duck  # type: ignore[import-not-found,unused-ignore]

    def job() -> object:
        base = duck.connect(config={"threads": 1})
        made = []
        for i in range(20):
            low, high = base.execute(f"select min(x{i}), max(x{i}) from '{reference}'").fetchone()
            cell = f"floor((x{i} - {low}) / {(high - low) / EDGES})"
            made.append(base.execute(f"select {cell} b, count(*) from '{log}' group by b").fetchall())
        return made + [base.execute(f"select c{i}, count(*) from '{log}' group by 1").fetchall() for i in range(10)]

    return job


def polars(reference: str, log: str) -> Callable[[], object]:
    """The same 30 histograms."""
    import polars as pl  # type: ignore[import-not-found,unused-ignore]

    def job() -> object:
        table, before = pl.read_parquet(log), pl.read_parquet(reference)
        made: list[Any] = []
        for i in range(20):
            low, high = before[f"x{i}"].min(), before[f"x{i}"].max()
            made.append(((table[f"x{i}"] - low) / ((high - low) / EDGES)).floor().value_counts())
        return made + [table[f"c{i}"].value_counts() for i in range(10)]

    return job


if __name__ == "__main__":
    name, reference_, log_ = sys.argv[1:]
    work = {"evidently": evidently, "whylogs": whylogs, "duckdb": duckdb, "polars": polars}[name](reference_, log_)
    began = perf_counter()
    work()
    print(perf_counter() - began)
