"""Claim: a report over a million logged requests takes seconds, from the Parquet file to the verdicts.

1,000,000 rows of 20 numbers and 10 categories against 100,000 reference rows, seven periods of a day, in one process
and one thread: read, count into windows, measure drift, judge. Out-of-distribution scores cost extra and are told
apart. Peers run in environments of their own (`SHIPWORTHY_PEERS` names a folder that holds `evidently`, `whylogs` and
`groups`, each a virtual environment) and time themselves without their imports, reading the same file. evidently and
whylogs get 100,000 rows, which is told. DuckDB and Polars make the same 30 histograms and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.accidents import by_year
from shipworthy.errors import UsageError
from shipworthy.flows.monitor.count import count_file
from shipworthy.flows.monitor.lens import Lens, Names
from shipworthy.flows.monitor.logs import chunks, header, pyarrow
from shipworthy.flows.monitor.monitor import Asked, monitor
from shipworthy.flows.monitor.periods import every
from shipworthy.flows.monitor.reference import fitted
from shipworthy.runtime.workspace import Workspace

ROWS, REFERENCE, FEWER, ROUNDS = 1_000_000, 100_000, 100_000, 3
PEERS = (("groups", "duckdb", ROWS), ("groups", "polars", ROWS), ("evidently", "evidently", FEWER),
         ("whylogs", "whylogs", FEWER))  # fmt: skip
Row = tuple[str, int, float]


def run() -> str:
    """Return the table of seconds, and the years of US_Accidents."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        for name, rows, seed in (("log", ROWS, 1), ("fewer", FEWER, 2), ("reference", REFERENCE, 3)):
            _write(at / f"{name}.parquet", rows, seed)
        told = _ours(at) + _peers(at)
    lines = [
        f"  {what:<58}{rows:>10,} rows{seconds:>9.2f} s{1e6 * seconds / rows:>9.2f} µs/row"
        for what, rows, seconds in told
    ]
    return "\n".join([*lines, "", by_year()])


def _ours(at: Path) -> list[Row]:
    lens = _lens(at / "reference.parquet", ood=False)
    scored = _lens(at / "reference.parquet", ood=True)
    asked = Asked(every="1d", reference=str(at / "reference.parquet"), ood=False)
    here = Workspace(root=at, home=at / "home")
    return [
        ("read and count, one pass", ROWS, _seconds(lambda: count_file((lens, at / "log.parquet", 0)))),
        (
            "the whole verb: reference fitted, counted, judged",
            ROWS,
            _seconds(lambda: monitor(here, [at / "log.parquet"], asked, lambda _: None)),
        ),
        ("read and count, every row scored", FEWER, _seconds(lambda: count_file((scored, at / "fewer.parquet", 0)))),
        ("read and count, one pass", FEWER, _seconds(lambda: count_file((lens, at / "fewer.parquet", 0)))),
    ]


def _peers(at: Path) -> list[Row]:
    folder = os.environ.get("SHIPWORTHY_PEERS")
    told: list[Row] = []
    for room, name, rows in PEERS:
        python = Path(folder or "") / room / "bin" / "python"
        if folder is None or not python.exists():
            print(f"{name}: no environment {python}; set SHIPWORTHY_PEERS")
            continue
        log = at / ("log.parquet" if rows == ROWS else "fewer.parquet")
        script = str(Path(__file__).parent / "monitor_peers.py")
        args = [str(python), script, name, str(at / "reference.parquet"), str(log)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        seconds = []
        for _ in range(ROUNDS if name in ("duckdb", "polars") else 1):
            ran = subprocess.run(args, capture_output=True, text=True, check=False, env=environment)
            if ran.returncode:
                print(f"{name}: {ran.stderr.strip().splitlines()[-1]}")
                break
            seconds.append(float(ran.stdout.split()[-1]))
        if seconds:
            told.append((name, rows, median(seconds)))
    return told


def _seconds(job: Callable[[], object]) -> float:
    job()
    taken = []
    for _ in range(ROUNDS):
        began = perf_counter()
        job()
        taken.append(perf_counter() - began)
    return median(taken)


def _lens(reference: Path, ood: bool) -> Lens:
    made = fitted(chunks(reference, header(reference), frozenset()), None, Names(), (), "reference")
    names = Names()
    return Lens(profile=made.profile, features=made.features, names=names, every=every("1d"), key=b"k" * 32, ood=ood)


def _write(path: Path, rows: int, seed: int) -> None:
    try:
        arrow = pyarrow()
    except UsageError as problem:
        raise SystemExit(str(problem)) from problem
    rng = np.random.default_rng(seed)
    columns = {"time": (1_767_225_600 + np.linspace(0, 7 * 86_400 - 1, rows)).astype("int64")}
    columns |= {f"x{i}": rng.normal(size=rows) * (i + 1) for i in range(10)}
    columns |= {f"x{i}": rng.lognormal(0, 0.5, size=rows) for i in range(10, 20)}
    words = [np.array([f"v{j}" for j in range(3 + 5 * i)]) for i in range(10)]
    columns |= {f"c{i}": words[i][rng.integers(0, words[i].size, rows)] for i in range(10)}
    arrow.parquet.write_table(arrow.table(columns), path)
