"""Claim: what is kept of traffic is small, adds up in microseconds, and a week of a thousand segments is read at once.

One minute of 500 requests with 30 features (20 numbers of 64 cells, 10 categories) goes through the collector of a
gateway; its full window and a slim one are packed as the store keeps them. Then a store is filled with 168,000 slim
windows, an hour each: 1,000 segments, 7 days; `ood_rate` of every segment is asked of it. No peer keeps windows: the
rows are ours alone, and beside the question stands what reading every window whole would cost.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from msgspec.structs import replace

from benchmarks.harness import Job, lined, written
from shipworthy.contract.manifest import Feature
from shipworthy.facts import OOD_P_BINS, SCORE_BINS, Event, WindowSummary
from shipworthy.observe.collector import Collector
from shipworthy.observe.inputs import Inputs, inputs_of
from shipworthy.observe.windows import merge
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row
from shipworthy.stats.bounds import rate_bounds
from shipworthy.store.sqlite import SqliteStore
from shipworthy.store.summaries import packed

NUMBERS, CATEGORIES, REFERENCE, MINUTE = 20, 10, 4000, 500
SEGMENTS, HOURS = 1000, 7 * 24
START = 29_000_040  # the first minute of an hour
VERSION, ARM = "2.0", "candidate"


def run() -> str:
    """Return sizes and times."""
    windows, each = minute_of_traffic()
    full, slim = windows["*"], windows["supplier=P002"]
    other = minute_of_traffic(seed=8)[0]["*"]
    rows = [
        ("full window, packed", f"{len(packed(full))} bytes", f"n={full.n}, {len(full.cells)} cells of inputs"),
        ("slim window, packed", f"{len(packed(slim))} bytes", f"n={slim.n}"),
        ("two full windows added", written(_time(lambda: merge(full, replace(other, minute=full.minute)))), ""),
        ("one row counted, 30 features", written(each), "Collector.add and its share of the roll"),
        *_a_week(slim),
    ]
    return lined([("what", "ours", ""), *rows], right=(1,))


def minute_of_traffic(requests: int = MINUTE, seed: int = 7) -> tuple[dict[str, WindowSummary], float]:
    """Return the windows of all tenants of one minute by segment, and the seconds that one row took."""
    rng = np.random.default_rng(seed)
    rows = thirty_features(np.random.default_rng(1), REFERENCE)
    inputs = _inputs(rows)
    sent = thirty_features(rng, requests)
    events = [_event(row, float(score)) for row, score in zip(sent, rng.beta(2, 5, requests), strict=True)]
    collector = Collector(START)
    collector.watch(VERSION, inputs)
    begin = perf_counter()
    for event, row in zip(events, sent, strict=True):
        collector.add(event, row)
    closed = collector.roll(START + 1)
    each = (perf_counter() - begin) / requests
    return {one.segment: one for one in closed if one.tenant == "*" and one.arm == ARM}, each


def thirty_features(rng: np.random.Generator, n: int) -> list[Row]:
    """Return rows of 20 numbers, some skewed, some empty, and 10 categories."""
    numbers = np.exp(rng.normal(size=(n, NUMBERS)) * np.linspace(0.1, 1.0, NUMBERS))
    missing = rng.random((n, NUMBERS)) < 0.02
    words = rng.zipf(1.6, size=(n, CATEGORIES)) % 20
    return [
        {
            **{f"x{j}": None if missing[i, j] else float(numbers[i, j]) for j in range(NUMBERS)},
            **{f"c{j}": f"v{words[i, j]}" for j in range(CATEGORIES)},
            "supplier": f"P{words[i, 0]:03d}",
        }
        for i in range(n)
    ]


def _inputs(rows: list[Row]) -> Inputs:
    names = [f"x{j}" for j in range(NUMBERS)]
    features = [Feature(name=name, type="float") for name in names]
    features += [Feature(name=f"c{j}", type="category") for j in range(CATEGORIES)]
    inputs = inputs_of(fit_profile(features, rows[:2000], rows[2000:]))
    assert inputs is not None
    return inputs


def _event(row: Row, score: float) -> Event:
    flagged = row["x0"] is None
    return Event(
        request="r",
        at="",
        minute=START,
        version=VERSION,
        arm=ARM,
        tenant="acme",
        segments=(f"supplier={row['supplier']}",),
        score=score,
        decision="approve",
        route="person" if flagged else "machine",
        ood_p=0.005 if flagged else max(score, 0.011),
        ood_view="marginal",
        ood_flag=flagged,
        ood_feature="x0" if flagged else "",
        took_ms=1.0 + 5 * score,
    )


def _a_week(slim: WindowSummary) -> list[tuple[str, str, str]]:
    rng = np.random.default_rng(11)
    hits = rng.binomial(60, 0.01, size=(HOURS, SEGMENTS)).tolist()
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "store.db"
        store = SqliteStore(path)
        begin = perf_counter()
        for hour in range(HOURS):
            shapes = rng.multinomial(60, np.full(SCORE_BINS, 1 / SCORE_BINS), size=SEGMENTS).tolist()
            odd = rng.multinomial(60, np.full(OOD_P_BINS, 1 / OOD_P_BINS), size=SEGMENTS).tolist()
            batch = [
                replace(
                    slim, segment=f"supplier=S{k:04d}", minute=START + 60 * hour, n=60, n_ood=hits[hour][k],
                    scores=tuple(shapes[k]), ood_p=tuple(odd[k]),
                )
                for k in range(SEGMENTS)
            ]  # fmt: skip
            store.add_windows(batch, "gateway", hour)
        filled = perf_counter() - begin
        until = START + 60 * HOURS
        begin = perf_counter()
        store.roll_up(until + 24 * 60)
        rolled = perf_counter() - begin
        asked = _time(lambda: _rates(store, until), rounds=5)
        whole = _time(lambda: store.windows(VERSION, START, until, segment=None), rounds=1)
        size = path.stat().st_size
        store.close()
    many = f"{HOURS * SEGMENTS:,} windows"
    return [
        (f"ood_rate of {SEGMENTS:,} segments over 7 days", written(asked), f"{many}, bounds and all"),
        ("the same windows read whole", written(whole), ""),
        ("written, one row a window", written(filled / HOURS / SEGMENTS), many),
        ("rolled up twice, one row a window", written(rolled / HOURS / SEGMENTS), "minutes to five to hours"),
        ("on disk", f"{size / 1e6:.0f} MB", f"{size / HOURS / SEGMENTS:.0f} bytes a window with its key"),
    ]


def _rates(store: SqliteStore, until: int) -> dict[str, tuple[float, float]]:
    sums = store.sums(VERSION, START, until, ("n", "n_ood"))
    rates = {segment: rate_bounds(one["n_ood"], one["n"], 0.95) for segment, one in sums.items()}
    if len(rates) != SEGMENTS:
        raise ValueError(f"{len(rates)} segments, {SEGMENTS} were written")
    return rates


def _time(job: Job, rounds: int = 21) -> float:
    times = []
    for _ in range(rounds):
        begin = perf_counter()
        job()
        times.append(perf_counter() - begin)
    return median(times)
