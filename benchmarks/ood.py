"""Claim: one row's out-of-distribution score costs a ninth of the fastest peer's, and whole columns 3 µs a row.

30 mixed features (20 numbers, 10 categories), 4,000 training rows, one row at a time as a gateway sees them. Ours takes
the request's row as it is, checks it for overrides and gives a calibrated p-value with the feature to blame; the peers
take a ready matrix of numbers and give a score without a meaning of its own. HBOS of pyod is the fastest peer known; it
is no dependency, and where it is not installed this says so.

The second profile is of rows in several clouds, so that it has centres to compare with: that costs about 2 µs more.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from itertools import cycle
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from benchmarks.harness import Result, compare, show, written
from shipworthy.contract.manifest import Feature
from shipworthy.profile.batch import BatchScorer
from shipworthy.profile.columns import Column, columns_of
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer

NUMBERS, CATEGORIES = 20, 10
TRAINING, CALIBRATION, ASKED = 4000, 4000, 200
BATCH, ROUNDS = 100_000, 100
FEATURES = (
    *(Feature(name=f"x{at}", type="float", min=-1000.0, max=1000.0) for at in range(NUMBERS)),
    *(Feature(name=f"c{at}", type="category") for at in range(CATEGORIES)),
)
Rows = list[dict[str, Value]]


def run() -> str:
    """Return the time of one row against each peer, its median and 99th percentile, and that of a row in a batch."""
    told: list[str] = []
    results: list[Result] = []
    for name, clouds in (("one row", 1), ("one row, with centres", 6)):
        rows = made(TRAINING + CALIBRATION + ASKED, clouds)
        scorer = Scorer(fit_profile(FEATURES, rows[:TRAINING], rows[TRAINING:-ASKED]))
        results += _against(name, scorer, rows)
        told.append(f"{name}: {_spread(scorer, rows[-ASKED:])}; {len(scorer.profile.covariance.centres)} centres")
        told.append(_batch(scorer, rows[TRAINING:-ASKED]))
    if find_spec("pyod") is None:
        told.append("pyod is not installed: HBOS, the fastest peer, is not compared (pip install pyod==3.6.7)")
    return "\n".join((show(results), *told))


def made(n: int, clouds: int) -> Rows:
    """Return related numbers in so many clouds, with categories that follow a number each."""
    rng = np.random.default_rng(7)
    mixing = np.eye(NUMBERS) + 0.5 * rng.normal(size=(NUMBERS, NUMBERS))
    centres = 12.0 * rng.normal(size=(clouds, NUMBERS)) if clouds > 1 else np.zeros((1, NUMBERS))
    table = rng.normal(size=(n, NUMBERS)) @ mixing + centres[rng.integers(0, clouds, n)]
    cuts = [np.quantile(table[:, at], np.linspace(0, 1, 4 + 2 * at)[1:-1]) for at in range(CATEGORIES)]
    noisy = table[:, :CATEGORIES] + rng.normal(size=(n, CATEGORIES))
    words = np.stack([np.searchsorted(cut, noisy[:, at]) for at, cut in enumerate(cuts)], axis=1)
    return [
        {
            **{f"x{at}": value for at, value in enumerate(row)},
            **{f"c{at}": f"v{code}" for at, code in enumerate(codes)},
        }
        for row, codes in zip(table.tolist(), words.tolist(), strict=True)
    ]


def matrix(rows: Rows) -> NDArray[np.float64]:
    """Return rows as the peers take them: numbers, and the codes of categories."""
    return np.array([[float(str(cell).removeprefix("v")) for cell in row.values()] for row in rows])


def _against(name: str, scorer: Scorer, rows: Rows) -> list[Result]:
    train, asked = matrix(rows[:TRAINING]), [row.reshape(1, -1) for row in matrix(rows[-ASKED:])]
    peers: dict[str, Any] = {}
    if find_spec("pyod") is not None:
        peers["pyod HBOS.decision_function"] = importlib.import_module("pyod.models.hbos").HBOS().fit(train)
    if name == "one row":
        peers["IsolationForest.score_samples"] = IsolationForest(n_estimators=100, random_state=0).fit(train)
        peers["NearestNeighbors.kneighbors"] = NearestNeighbors(n_neighbors=5).fit(train)
    results = []
    for peer, fitted in peers.items():
        theirs, as_rows, as_tables = getattr(fitted, peer.rsplit(".", 1)[1]), cycle(rows[-ASKED:]), cycle(asked)
        calls = ASKED if "Isolation" not in peer else ASKED // 4
        results.append(
            compare(
                f"score of {name}", peer,
                lambda ours=as_rows: scorer.score(next(ours)),  # type: ignore[misc]
                lambda theirs=theirs, tables=as_tables: theirs(next(tables)), calls=calls, rounds=15,  # type: ignore[misc]
            )
        )  # fmt: skip
    return results


def _spread(scorer: Scorer, rows: Rows) -> str:
    """The median and the 99th percentile of single rows."""
    taken = []
    for _ in range(ROUNDS):
        for row in rows:
            start = perf_counter_ns()
            scorer.score(row)
            taken.append(perf_counter_ns() - start)
    taken.sort()
    return f"median {written(median(taken) / 1e9)}, p99 {written(taken[int(0.99 * len(taken))] / 1e9)}"


def _batch(scorer: Scorer, rows: Rows) -> str:
    many = BatchScorer(scorer.profile)
    columns: dict[str, Column] = {
        name: np.resize(np.array(column), BATCH) for name, column in columns_of(scorer.profile, rows).items()
    }
    taken = []
    for _ in range(5):
        start = perf_counter_ns()
        many.score(columns)
        taken.append(perf_counter_ns() - start)
    typical, best = (written(taken_ns / 1e9 / BATCH) for taken_ns in (median(taken), min(taken)))
    return f"  {BATCH:,} rows at once: {typical} a row, best {best}"
