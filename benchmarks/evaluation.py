"""Claims: twenty batch checks cost at most a tenth more than the model's own answers to their rows; the claims pack is
evaluated in less than 30 s; two workers finish a long pack in at most 0.7 of the time of one.

The checks are tails and groups over 10,000 rows of a mixed table, each a filter, an oracle and an exact bound. The peer
is the model itself: `predict_proba` over the rows of each check, once a check, as a checking library calls it. Beside
it the stricter one: every row once. The long pack is the claims example with forty attacks of the whole ensemble more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from benchmarks.harness import Result, compare, lined, show, written
from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.run.engine import evaluate_local
from shipworthy.facts import Case, Oracle, Policy, Subject
from shipworthy.profile.rows import Value

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "claims-triage"
ROWS = 10_000
NAMES = ("speed", "belt", "age", "kind", "amount", "paid", "year", "office", "driver", "doors", "seats", "load")
MODELS: dict[str, Any] = {
    "HistGradientBoosting, 100 rounds": HistGradientBoostingClassifier(random_state=0, early_stopping=False),
    "RandomForest, 100 trees": RandomForestClassifier(100, min_samples_leaf=5, random_state=0, n_jobs=1),
}
ZERO = "sha256:" + "0" * 64
ROUNDS = 5
MORE = """  - id: long.{at}
    clause: robustness
    kind: adversarial
    generator: {{name: feasible_flip, dataset: test, n: 600, max_queries: 4000}}
    oracle: {{name: feasible_flip_rate, metric: feasible_flip_rate, op: "<=", target: 0.9}}
    severity: minor
    owner: ed
"""


def run() -> str:
    """Return the three tables."""
    checks = [result for name, model in MODELS.items() for result in _checks(name, model)]
    return "\n".join((show(checks), "", lined([("what", "figure", "at most", ""), *_claims()], right=(1, 2))))


def _checks(name: str, model: Any) -> list[Result]:  # noqa: ANN401
    rng = np.random.default_rng(7)
    table = np.column_stack([rng.integers(0, 5 + 7 * at, ROWS) for at in range(len(NAMES))]).astype(float)
    logit = 0.6 * table[:, 0] - 0.08 * table[:, 2] + 0.02 * table[:, 4] - 1.0
    label = (rng.random(ROWS) < 1.0 / (1.0 + np.exp(-logit))).astype(int)
    model.fit(table[: ROWS // 2], label[: ROWS // 2])
    rows = [dict(zip(NAMES, line.tolist(), strict=True)) | {"y": int(y)} for line, y in zip(table, label, strict=True)]
    cases = [_case(at) for at in range(20)]
    inside = [_inside(table, at) for at in range(20)]

    def ours() -> None:
        shown = evaluate_local(_bench(rows, model), Policy(slos=()), cases)
        assert all(one.n for one in shown.cases), [one.because for one in shown.cases]

    def per_check() -> None:
        for part in inside:
            model.predict_proba(part)

    asked = sum(len(part) for part in inside)
    what, many = f"20 checks, {name}", f"predict, {asked:,} rows in 20 checks"
    once = compare(what, "predict, every row once", ours, lambda: model.predict_proba(table), rounds=ROUNDS)
    return [_told(compare(what, many, ours, per_check, rounds=ROUNDS), 0.10), _told(once, None)]


def _told(result: Result, most: float | None) -> Result:
    over = 1.0 / result.ratio - 1.0
    told = f"{over:+.0%} over the model's own time"
    if most is not None:
        told += f", at most {most:+.0%}: {'kept' if over <= most else 'BROKEN'}"
    return result.said(told)


def _inside(table: Any, at: int) -> Any:  # noqa: ANN401
    return table[table[:, 1 + at % 11] >= at % 4]


def _case(at: int) -> Case:
    return Case(
        id=f"check.{at}",
        clause="robustness",
        kind="tail",
        input={"rows": "test", "where": f"{NAMES[1 + at % 11]} >= {at % 4}"},
        oracle=Oracle(name="low", hits="score < 0.5", among="label == 1", op="<=", target=0.9),
        severity="major",
        owner="ml",
    )


def _bench(rows: Sequence[dict[str, Value]], model: Any) -> Bench:  # noqa: ANN401
    def ask(batch: list[list[Value]]) -> Any:  # noqa: ANN401
        return _Scores(model.predict_proba(np.array(batch, dtype=float))[:, 1].tolist())

    subject = Subject(
        model="m", version="1", artefact=ZERO, change=ZERO, policy=ZERO, pack=ZERO, data=ZERO, profile=ZERO
    )
    return Bench(
        subject=subject,
        features=tuple(Feature(name=name, type="float") for name in NAMES),
        label="y",
        datasets={"test": rows},
        model=ask,
        seed=7,
    )


class _Scores:
    decisions = None

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores


def _claims() -> list[tuple[str, str, str, str]]:
    """The example, built here: its own pack in one process, and a longer one in one and in two."""
    with tempfile.TemporaryDirectory() as top:
        root = Path(top) / "claims"
        shutil.copytree(EXAMPLE, root)
        _prepare(root)
        whole = median(_seconds(root, 1) for _ in range(3))
        pack = root / "robustness-pack.yaml"
        pack.write_text(pack.read_text() + "".join(MORE.format(at=at) for at in range(40)))
        pairs = [(_seconds(root, 1), _seconds(root, 2)) for _ in range(2)]
    share = median(two / one for one, two in pairs)
    cores = len(os.sched_getaffinity(0))
    return [
        ("the claims pack, one worker", written(whole), "30 s", "kept" if whole < 30 else "BROKEN"),
        ("a long pack, one worker", written(median(one for one, _ in pairs)), "", ""),
        (f"a long pack, two workers of {cores} cores", written(median(two for _, two in pairs)), "", ""),
        ("two workers / one", f"{share:.2f}", "0.70", "kept" if share <= 0.7 else "BROKEN"),
    ]


def _prepare(root: Path) -> None:
    from shipworthy.contract.files.reader import read_manifest
    from shipworthy.flows.build import build
    from shipworthy.flows.keys import new_keys

    new_keys(_workspace(root), read_manifest(root))
    build(_workspace(root), lambda line: None)


def _seconds(root: Path, workers: int) -> float:
    from shipworthy.flows.evaluate import Engine, evaluate

    say: Callable[[str], None] = lambda line: None  # noqa: E731
    began = perf_counter()
    evaluate(_workspace(root), say, Engine(workers=workers, fresh=True))
    return perf_counter() - began


def _workspace(root: Path) -> Any:  # noqa: ANN401
    from shipworthy.runtime.workspace import Workspace

    return Workspace(root=root, home=root / ".shipworthy" / "state")
