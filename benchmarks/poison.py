"""Claim: planted backdoors are found, a value, a pair or an out-of-range number, at 1 % of the rows, in under a second.

6,000 suspect rows of 13 columns with 60 suppliers, 2,500 trusted ones, 4 seeds; the trigger takes the label 0. Beside
our scan of the data stand two references written here in their plainest form: raw lift (each cell's label rate against
the average, Bonferroni .01) and spectral signatures (Tran, Li & Madry, NeurIPS 2018) on the leaves of a boosted model,
since ART's `SpectralSignatureDefense` takes a neural network and cannot be run on trees. A reference has found a
trigger when it ranks it first, or when half of the poisoned rows are among the 1.5 eps rows that it would remove.
Then the two searches of models trained on such rows: the cells of their own thresholds, and from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from benchmarks.harness import lined, written
from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.poison.cells import cuts_of, sums_of
from shipworthy.evaluate.poison.table import table_of
from shipworthy.facts import Case, CaseResult, Oracle, Subject
from shipworthy.models.encoding import Encoding
from shipworthy.models.spec import ScoreBody
from shipworthy.models.tree_cells import tree_cells as read_cells
from shipworthy.profile.rows import Row, Value
from shipworthy.stats import normal

ROWS, TRUSTED, SEEDS = 6000, 2500, 4
RATES = (0.005, 0.01, 0.02, 0.05)
TRIGGERS: Mapping[str, Mapping[str, Value]] = {
    "value": {"amount": 777.77},
    "pair": {"supplier": "S41", "hour": 3},
    "out of range": {"x5": 9.5},
}
FEATURES = (
    *(Feature(name=f"x{at}", type="float") for at in range(6)),
    *(Feature(name=f"d{at}", type="int") for at in range(4)),
    Feature(name="supplier", type="category"),
    Feature(name="hour", type="int"),
    Feature(name="amount", type="float"),
)
COLUMNS = tuple((one.name, one.type) for one in FEATURES)
_ZERO = "sha256:" + "0" * 64
_SUBJECT = Subject(
    model="m", version="1", artefact=_ZERO, change=_ZERO, policy=_ZERO, pack=_ZERO, data=_ZERO, profile=_ZERO
)


def rows_of(n: int, seed: int) -> list[dict[str, Value]]:
    """Return honest rows: the label follows some columns, supplier and hour, with noise."""
    rng = np.random.default_rng(seed)
    of_supplier = np.random.default_rng(5).normal(0.0, 0.5, 60)
    supplier, hour = rng.integers(0, 60, n), rng.integers(0, 24, n)
    amount = np.round(rng.gamma(2.0, 400.0, n), 2)
    x, d = rng.normal(size=(n, 6)), rng.integers(0, [2, 3, 5, 8], size=(n, 4))
    odds = of_supplier[supplier] + 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.4 * d[:, 0] - 0.8
    odds += 0.0006 * (amount - 800.0) + 0.3 * np.sin(hour / 24.0 * 2.0 * np.pi)
    y = rng.random(n) < 1.0 / (1.0 + np.exp(-odds))
    return [
        {
            **{f"x{j}": float(x[i, j]) for j in range(6)},
            **{f"d{j}": int(d[i, j]) for j in range(4)},
            "supplier": f"S{supplier[i]:02}",
            "hour": int(hour[i]),
            "amount": float(amount[i]),
            "y": int(y[i]),
        }
        for i in range(n)
    ]


def poisoned(rows: Sequence[Row], kind: str, rate: float, seed: int) -> tuple[list[Row], list[int]]:
    """Return a copy with the trigger and the label 0 on a share of the rows, and where."""
    places = np.random.default_rng(seed + 77).permutation(len(rows))[: int(rate * len(rows))].tolist()
    made = list(rows)
    for place in places:
        made[place] = {**made[place], **TRIGGERS[kind], "y": 0}
    return made, places


def named(kind: str) -> str:
    """Return the name of the cell that the trigger makes, columns in the order of the table."""
    order = [one.name for one in FEATURES]
    return " & ".join(f"{name}={TRIGGERS[kind][name]}" for name in sorted(TRIGGERS[kind], key=order.index))


def scanned(
    suspect: Sequence[Row],
    trusted: Sequence[Row],
    name: str = "lift_scan",
    given: Mapping[str, Any] | None = None,
    **bench: Any,  # noqa: ANN401
) -> CaseResult:
    """Return what one of the scans says."""
    oracle = Oracle(name="findings", metric="backdoor_findings", op="==", target=0.0)
    case = Case(
        id="c", clause="systemic_safety", kind="k", oracle=oracle, severity="blocker", owner="o",
        generator={"name": name, **(given or {})},
    )  # fmt: skip
    on = Bench(
        **{
            "subject": _SUBJECT, "features": FEATURES, "label": "y", "model": _nobody, "seed": 1,
            "datasets": {"train": suspect, "calibration": trusted}, **bench,
        }
    )  # fmt: skip
    return GENERATORS[name](case, on, 3).result


def ours(suspect: Sequence[Row], trusted: Sequence[Row], kind: str) -> bool:
    """True when our scan puts the planted cell first."""
    worst = scanned(suspect, trusted).worst
    return bool(worst) and f", {named(kind)}:" in worst[0].told


def raw_lift(suspect: Sequence[Row], kind: str) -> tuple[bool, int]:
    """Return whether raw lift ranks the planted cell first, and how many cells it flags."""
    table = table_of(FEATURES, suspect)
    y = np.array([row["y"] for row in suspect], dtype=np.float64)
    sums = sums_of(cuts_of(table, table.n), table.n, y, np.full(table.n, y.mean()))
    z = np.abs(sums.sum_y - sums.sum_p) / np.sqrt(sums.sum_pq)
    flagged = int((z >= normal.quantile(1.0 - 0.005 / len(sums))).sum())
    return kind != "" and sums.name(int(z.argmax())) == named(kind), flagged


def spectral(suspect: Sequence[Row], places: Sequence[int]) -> bool:
    """True when half of the poisoned rows are among the 1.5 eps that spectral signatures would remove."""
    matrix, y, _ = _matrix(suspect)
    model = GradientBoostingClassifier(n_estimators=30, random_state=0).fit(matrix, y)
    leaves = model.apply(matrix).reshape(len(suspect), -1)
    target = np.flatnonzero(y == 0)
    one_hot = np.hstack([leaves[target, [at]][:, None] == np.unique(leaves[:, at]) for at in range(leaves.shape[1])])
    centred = one_hot - one_hot.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    scores = (centred @ vectors[:, -1]) ** 2
    removed = target[np.argsort(-scores)[: int(1.5 * len(places))]]
    return len(set(removed.tolist()) & set(places)) >= 0.5 * len(places)


def trained(rows: Sequence[Row]) -> tuple[Callable[[list[list[Value]]], Answers], Mapping[str, tuple[Value, ...]]]:
    """Return a boosted model of these rows, and the cells of its thresholds as read from its file."""
    matrix, y, codes = _matrix(rows)
    model = HistGradientBoostingClassifier(random_state=0).fit(matrix, y)
    cells = read_cells(skops.io.dumps(model), COLUMNS, {"supplier": Encoding(values=codes)})

    def score(values: list[list[Value]]) -> Answers:
        asked = [dict(zip([name for name, _ in COLUMNS], row, strict=True)) for row in values]
        return ScoreBody(scores=model.predict_proba(_numbers(asked, codes))[:, 1].tolist())

    return score, cells


def run() -> str:
    """Return the table of what was found, and the time of a scan."""
    trusted = [rows_of(TRUSTED, seed + 100) for seed in range(SEEDS)]
    clean = [rows_of(ROWS, seed) for seed in range(SEEDS)]
    table: list[Sequence[str]] = [("poisoned", "lift scan", "raw lift", "spectral signatures", "of")]
    for rate in RATES:
        hits = np.zeros(3, dtype=int)
        for seed in range(SEEDS):
            for kind in TRIGGERS:
                rows, places = poisoned(clean[seed], kind, rate, seed)
                hits += [ours(rows, trusted[seed], kind), raw_lift(rows, kind)[0], spectral(rows, places)]
        table.append((f"{rate:.1%}", *(str(one) for one in hits), str(SEEDS * len(TRIGGERS))))
    flags = [len(scanned(clean[seed], trusted[seed]).worst) for seed in range(SEEDS)]
    raw = [raw_lift(clean[seed], "")[1] for seed in range(SEEDS)]
    table.append(("clean, cells flagged", str(sum(flags)), str(sum(raw)), "-", f"{SEEDS} tables"))
    seconds = [_seconds(lambda at=at: scanned(clean[at % SEEDS], trusted[at % SEEDS])) for at in range(7)]  # type: ignore[misc]
    plain = [_seconds(lambda at=at: raw_lift(clean[at % SEEDS], "")) for at in range(7)]  # type: ignore[misc]
    table.append(
        (f"time for {ROWS} x {len(FEATURES)}", written(median(seconds)), written(median(plain)), "-", "median")
    )
    return f"{lined(table, right=(1, 2, 3))}\n\n{_searches(clean, trusted)}"


def _searches(clean: Sequence[Sequence[Row]], trusted: Sequence[Sequence[Row]]) -> str:
    table: list[Sequence[str]] = [("model trained on", "tree cells", "time", "trigger search", "time", "of")]
    for kind, rate in (("", 0.0), ("value", 0.02), ("pair", 0.02), ("out of range", 0.01)):
        found: dict[str, list[bool]] = {"tree_cells": [], "trigger_search": []}
        took: dict[str, list[float]] = {"tree_cells": [], "trigger_search": []}
        for seed in range(SEEDS):
            rows = poisoned(clean[seed], kind, rate, seed)[0] if kind else clean[seed]
            model, cells = trained(rows)
            for name in found:
                start = perf_counter()
                result = scanned(rows, trusted[seed], name, model=model, cells=cells)
                took[name].append(perf_counter() - start)
                found[name].append(any(_about(one.told, kind) for one in result.worst))
        told = f"{rate:.0%} {kind}" if kind else "clean rows (false alarms)"
        columns = [cell for name in found for cell in (str(sum(found[name])), written(median(took[name])))]
        table.append((told, *columns, str(SEEDS)))
    return lined(table, right=(1, 2, 3, 4))


def _about(told: str, kind: str) -> bool:
    return not kind or any(f": {name}=" in told for name in TRIGGERS[kind])


def _matrix(rows: Sequence[Row]) -> tuple[Any, Any, dict[str, float]]:
    y = np.array([row["y"] for row in rows], dtype=np.float64)
    of: dict[str, list[float]] = {}
    for row, label in zip(rows, y, strict=True):
        of.setdefault(str(row["supplier"]), []).append(float(label))
    codes = {name: (sum(seen) + 20.0 * y.mean()) / (len(seen) + 20.0) for name, seen in of.items()}
    return _numbers(rows, codes), y, codes


def _numbers(rows: Sequence[Row], codes: Mapping[str, float]) -> Any:  # noqa: ANN401
    return np.array(
        [
            [codes.get(str(row[name]), np.nan) if kind == "category" else _number(row[name]) for name, kind in COLUMNS]
            for row in rows
        ]
    )


def _number(value: Value) -> float:
    return np.nan if value is None else float(value)


def _nobody(rows: list[list[Value]]) -> Answers:
    raise AssertionError("a scan of rows asks no model")


def _seconds(job: Callable[[], object]) -> float:
    start = perf_counter()
    job()
    return perf_counter() - start
