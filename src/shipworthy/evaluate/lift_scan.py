"""Do some training rows carry labels that the approved rows do not explain: a poisoned value, or a pair of values.

In: the training rows and trusted reference rows. Out: backdoor_findings = cells whose labels are nearly all one and
far from what a smooth surrogate, fitted on the *trusted* rows only, expects (fitted on the suspect rows it would
explain the trigger away). A cell counts when its z passes Bonferroni .01 over all cells, at least 95 % of its labels
agree, that is at least 25 points off the expectation, and the trusted rows do not show the same.

A scan that finds nothing proves nothing until it has shown that it can: a canary (a value planted into a copy of the
rows, labels flipped) must be found first in the same run, else the result is inconclusive and the measurement empty.

Known misses, to be printed: a trigger on a common value, and one of three or more values together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.answered import label_of
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.cells import Floats, Sums, all_sums, columns_of, spelled
from shipworthy.evaluate.measure import count, nothing
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.facts import Case, Example
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number
from shipworthy.stats import normal

ALPHA = 0.01
PURITY = 0.95
OFF = 0.25
CANARY_SHARE = 0.01
LEAST_CANARY = 40
LEAST_TRUSTED = 300


@dataclass(frozen=True)
class Finding:
    """A cell that stands out: how many standard deviations, its name, and what was seen there."""

    z: float
    cell: str
    told: str


class Surrogate:
    """What labels rows like these should have, learnt from trusted rows: small trees with large leaves, so smooth."""

    def __init__(self, features: Sequence[Feature], rows: Sequence[Row], labels: Floats) -> None:
        self.features = tuple(one for one in features if one.type != TEXT)
        self.base = float(labels.mean())
        self._means = {one.name: _means(one.name, rows, labels, self.base) for one in features if one.type == CATEGORY}
        self._model = HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.1, max_leaf_nodes=4, min_samples_leaf=100, early_stopping=False, random_state=0
        ).fit(self._table(rows), labels)

    def expect(self, rows: Sequence[Row]) -> Floats:
        """Return the expected label of each row, kept off 0 and 1."""
        made = np.asarray(self._model.predict_proba(self._table(rows))[:, 1], dtype=np.float64)
        return np.clip(made, 0.005, 0.995)

    def _table(self, rows: Sequence[Row]) -> Floats:
        return np.array([[self._cell(one, row.get(one.name)) for one in self.features] for row in rows])

    def _cell(self, feature: Feature, value: Value) -> float:
        if feature.type == CATEGORY:
            return self._means[feature.name].get(as_category(value) or "", self.base)
        number = as_number(value)
        return math.nan if number is None else number


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement backdoor_findings. Raises ContractError on rows nobody loaded."""
    given = parameters(case)
    ask = Ask(indicator="backdoor_findings", segment=case.segment, level=case.oracle.level)
    suspect = _labelled(bench, case_rows(bench, case, given["suspect"] or bench.train, "true", None, seed))
    trusted = _labelled(bench, case_rows(bench, case, given["trusted"] or bench.trusted, "true", None, seed))
    labels = np.array([label_of(bench, row) for row in trusted], dtype=np.float64)
    why = _unfit(suspect, labels) or _uncut(bench.features)
    if why:
        return _silent(case, ask, why, seed)
    surrogate = Surrogate(bench.features, trusted, labels)
    y = np.array([label_of(bench, row) for row in suspect], dtype=np.float64)
    clean = _pure(surrogate, trusted, labels)
    findings = scan(surrogate, suspect, y, clean)
    if not canary_is_found(surrogate, suspect, y, clean, findings, seed):
        return _silent(case, ask, "the planted canary was not found first: this scan cannot be trusted here", seed)
    return _shown(case, ask, findings, len(suspect), seed)


def scan(surrogate: Surrogate, rows: Sequence[Row], y: Floats, clean: frozenset[str] = frozenset()) -> list[Finding]:
    """Return the cells that stand out, most surprising first. `clean` names cells that trusted rows show as well."""
    sums = all_sums(columns_of(surrogate.features, rows), y, surrogate.expect(rows))
    z = np.abs(sums.sum_y - sums.sum_p) / np.sqrt(sums.sum_pq)
    limit = normal.quantile(1.0 - ALPHA / (2.0 * max(1, len(sums.names))))
    keep = (z >= limit) & _is_pure(sums)
    order = [at for at in np.argsort(-z, kind="stable") if keep[at] and sums.names[at] not in clean]
    return [Finding(float(z[at]), sums.names[at], _told(sums, int(at))) for at in order]


def canary_is_found(
    surrogate: Surrogate, rows: Sequence[Row], y: Floats, clean: frozenset[str], findings: list[Finding], seed: int
) -> bool:
    """True when a planted value comes out first among what the scan has not already found without it."""
    planted = _plant(surrogate, rows, y, seed)
    if planted is None:
        return False
    poisoned, labels, cell = planted
    known = {one.cell for one in findings}
    new = [one.cell for one in scan(surrogate, poisoned, labels, clean) if one.cell not in known]
    return bool(new) and new[0] == cell


def _plant(surrogate: Surrogate, rows: Sequence[Row], y: Floats, seed: int) -> tuple[list[Row], Floats, str] | None:
    """A copy with 1 % of the rows (40 at least) given a value never seen and the label that nobody would expect."""
    if len(rows) < 4 * LEAST_CANARY:
        return None
    feature = next((one for one in surrogate.features if one.type in ("int", "float", CATEGORY)), None)
    if feature is None:
        return None
    n = max(LEAST_CANARY, math.ceil(CANARY_SHARE * len(rows)))
    value = _unused(feature, rows)
    drawn = np.random.default_rng(seed).permutation(len(rows))[: 2 * n]
    # What is planted may itself be expected to have either label: take the other one, where it is least expected.
    expected = surrogate.expect([{**rows[place], feature.name: value} for place in drawn])
    label = 0.0 if float(expected.mean()) >= 0.5 else 1.0
    at = set(drawn[np.argsort(-np.abs(expected - label), kind="stable")[:n]].tolist())
    made = [{**row, feature.name: value} if place in at else row for place, row in enumerate(rows)]
    labels = np.array([label if place in at else old for place, old in enumerate(y)], dtype=np.float64)
    text = value if isinstance(value, str) else spelled(value)
    return made, labels, f"{feature.name}={text}"


def _unused(feature: Feature, rows: Sequence[Row]) -> str | float:
    if feature.type == CATEGORY:
        return "planted-canary"
    seen = [number for row in rows if (number := as_number(row.get(feature.name))) is not None]
    return float(math.floor(max(seen, default=0.0)) + 2)


def _unfit(suspect: Sequence[Row], labels: Floats) -> str:
    if len(labels) < LEAST_TRUSTED:
        return f"{len(labels)} trusted rows with labels, {LEAST_TRUSTED} needed"
    if not 0.0 < labels.mean() < 1.0:
        return "the trusted rows have one class only"
    return "" if suspect else "no rows to scan"


def _uncut(features: Sequence[Feature]) -> str:
    """Why no cell can be cut: this scan looks at values, and a text has none that repeat."""
    return "" if any(one.type != TEXT for one in features) else "every feature is a text: this scan looks at values"


def _pure(surrogate: Surrogate, rows: Sequence[Row], labels: Floats) -> frozenset[str]:
    """Cells that are just as pure in the trusted rows: how things are, not what somebody did."""
    sums = all_sums(columns_of(surrogate.features, rows), labels, surrogate.expect(rows))
    return frozenset(name for name, pure in zip(sums.names, _is_pure(sums), strict=True) if pure)


def _is_pure(sums: Sums) -> np.ndarray[Any, np.dtype[np.bool_]]:
    share, expected = sums.sum_y / sums.n, sums.sum_p / sums.n
    return np.asarray((np.maximum(share, 1.0 - share) >= PURITY) & (np.abs(share - expected) >= OFF))


def _told(sums: Sums, at: int) -> str:
    share, expected = sums.sum_y[at] / sums.n[at], sums.sum_p[at] / sums.n[at]
    return f"{sums.names[at]}: {sums.n[at]:.0f} rows, label 1 in {share:.0%}, expected {expected:.0%}"


def _means(name: str, rows: Sequence[Row], labels: Floats, base: float) -> dict[str, float]:
    """Smoothed mean label per category: a code with few trusted rows is expected to be like the others."""
    sums: dict[str, list[float]] = {}
    for row, label in zip(rows, labels, strict=True):
        sums.setdefault(as_category(row.get(name)) or "", []).append(float(label))
    return {code: (sum(seen) + 20.0 * base) / (len(seen) + 20.0) for code, seen in sums.items()}


def _labelled(bench: Bench, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if label_of(bench, row) is not None]


def _silent(case: Case, ask: Ask, why: str, seed: int) -> CaseShown:
    return CaseShown(
        result=judge_number(case, None, None, None, 0, seed, f"; {why}"), measurements=(nothing(ask, why),)
    )


def _shown(case: Case, ask: Ask, findings: list[Finding], n: int, seed: int) -> CaseShown:
    value = float(len(findings))
    notes = f"; {n} rows, canary found first" + (f"; first: {findings[0].told}" if findings else "")
    shown = judge_number(case, value, value, value, n, seed, notes)
    told = tuple(Example(told=f"z {one.z:.1f}, {one.told}") for one in findings[:5])
    judged = count(ask, len(findings), n, "lift scan against trusted rows, canary found first")
    return CaseShown(result=msgspec.structs.replace(shown, worst=told), measurements=(judged,))
