"""Claim: an ordinary model file is scanned in less than 20 ms, raw array bytes and every opcode included.

Fitted scikit-learn models of a few kB to a few MB, as pickle, joblib and packed joblib, each scanned from memory. The
peer is picklescan where it is installed: it lists the globals of a stream and reads neither array bytes nor calls, so
it does less, and on joblib files it gives up at the first array; its column is there for the scale. The note says the
slowest file of ours: a packed forest of 100 trees (4.5 MB unpacked) spends nearly half of its time in zlib.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.harness import Result, compare, written
from shipworthy.artifact.scan import scan_bytes

BAR_S = 0.020
ROWS, COLUMNS, ROUNDS = 2000, 20, 5


def run() -> list[Result]:
    """Return the time per file over all models, form by form."""
    models = _fitted()
    forms: dict[str, Callable[[Any], bytes]] = {
        "pickle": pickle.dumps,
        "joblib": lambda model: _joblib(model, 0),
        "joblib zlib": lambda model: _joblib(model, 3),
    }
    results = []
    for form, dump in forms.items():
        files = {name: dump(model) for name, model in models.items()}
        results.append(_compared(form, files))
    return results


def _compared(form: str, files: dict[str, bytes]) -> Result:
    times = {name: _best_of_all(raw) for name, raw in files.items()}
    slowest = max(times, key=lambda name: times[name])
    note = f"slowest {slowest}, {len(files[slowest]) / 1e3:.0f} kB: {written(times[slowest])}"
    note += " (under 20 ms)" if times[slowest] < BAR_S else " (OVER 20 ms)"
    blobs = tuple(files.values())

    def ours() -> None:
        for raw in blobs:
            if scan_bytes("model", raw):
                raise RuntimeError("a benign model with a finding")

    peer = _picklescan(blobs)
    name = "picklescan" if peer else "none installed: ours against itself"
    return compare(f"scan a {form} file", name, ours, peer or ours, rounds=ROUNDS, jobs=len(blobs)).said(note)


def _picklescan(blobs: tuple[bytes, ...]) -> Callable[[], None] | None:
    """The same files through picklescan, or None with a line why not."""
    if find_spec("picklescan") is None:
        print("picklescan is not installed: no peer to compare with (pip install picklescan)")
        return None
    scan: Any = import_module("picklescan.scanner").scan_bytes

    def theirs() -> None:
        for raw in blobs:
            scan(io.BytesIO(raw), "model.pkl")

    return theirs


def _best_of_all(raw: bytes) -> float:
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        scan_bytes("model", raw)
        times.append(perf_counter() - start)
    return median(times)


def _joblib(model: Any, compress: int) -> bytes:  # noqa: ANN401
    out = io.BytesIO()
    joblib.dump(model, out, compress=compress)
    return out.getvalue()


def _fitted() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(ROWS, COLUMNS))
    labels = (rows[:, 0] + rng.normal(size=ROWS) > 0).astype(int)
    models = {
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest of 100": RandomForestClassifier(100, random_state=1),
        "boosting": GradientBoostingClassifier(n_estimators=100, random_state=1),
        "histograms": HistGradientBoostingClassifier(max_iter=100, random_state=1),
        "neighbours": KNeighborsClassifier(),
        "network": MLPClassifier((64, 64), max_iter=20, tol=10.0, random_state=1),
    }
    return {name: model.fit(rows, labels) for name, model in models.items()}
