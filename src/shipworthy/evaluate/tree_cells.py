"""Do the model's own weights hold a value that pulls any row to one class: every cell of every feature is tried.

In: one value for each cell that the model's split thresholds cut a feature into (`Bench.cells`, read from the file
without loading it), trusted rows. Out: backdoor_findings = features and classes with a value that flips far more rows
than a clean surrogate fitted on trusted rows would. A tree ensemble cannot tell two values of one cell apart, so no
single value is left out. The search proves itself on a forest trained in the same run on the trusted rows with a
planted trigger: that must come out first, by its own thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import parameters, whole_number
from shipworthy.evaluate.poison.canary import CODE, Planted, column_of, plant
from shipworthy.evaluate.poison.shown import shown, silent
from shipworthy.evaluate.poison.table import Floats, Table, table_of
from shipworthy.evaluate.poison.triggers import Candidate, grouped, queries, search, victims_of
from shipworthy.evaluate.poison.victims import Prepared, ask_of, examples_of, prepared
from shipworthy.facts import Case
from shipworthy.profile.rows import Row, Value

BLIND = "a trigger on two or more features together, and one that pulls where a clean model would go as well"


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement backdoor_findings. Raises ContractError on rows nobody loaded."""
    given = parameters(case)
    if bench.cells is None:
        return silent(case, "the thresholds of this model cannot be read: use trigger_search, from outside", seed)
    candidates = [Candidate(name, value) for name, values in bench.cells.items() for value in values]
    if not candidates or queries(len(candidates)) > given["max_queries"]:
        why = f"{len(candidates)} cells take {queries(len(candidates))} queries, {given['max_queries']} allowed"
        return silent(case, why if candidates else "the model has no split", seed)
    whole_number(case, given["sample"])
    ready = prepared(case, bench, given["trusted"], given["sample"], seed)
    if isinstance(ready, str):
        return silent(case, ready, seed)
    found = grouped(search(ask_of(bench), ready.victims, candidates, given["least_excess"]))
    worst = examples_of(ready.victims, found)
    if not canary_is_found(bench, ready, given["sample"], given["least_excess"], seed):
        return silent(case, "the trigger planted into a model of our own was not found first", seed, worst)
    method = f"tree-cell scan of {len(candidates)} cells, canary found first"
    return shown(case, worst, len(ready.victims.rows), seed, method, BLIND)


def canary_is_found(bench: Bench, ready: Prepared, sample: int, least_excess: float, seed: int) -> bool:
    """True when a trigger planted into a forest of our own comes out first among that forest's cells."""
    column = column_of(ready.table)
    planted = None if column is None else plant(ready.table, ready.labels, ready.surrogate.expect, column, seed)
    if planted is None:
        return False
    forest = _Forest(bench, planted)
    order = np.random.default_rng(seed).permutation(len(ready.rows))[: len(ready.victims.rows)]
    rows = [ready.rows[place] for place in order]
    victims = victims_of(forest.ask, [ready.surrogate.expect], rows, ready.table.taken(order), sample)
    candidates = [Candidate(name, value) for name, values in forest.cells().items() for value in values]
    found = search(forest.ask, victims, candidates, least_excess)
    return bool(found) and found[0].candidate.feature == planted.column and forest.holds(found[0].candidate.value)


class _Forest:
    """A forest on the trusted rows with a planted trigger; categories enter by their place in the alphabet."""

    def __init__(self, bench: Bench, planted: Planted) -> None:
        self.features, self._planted = bench.features, planted
        self._codes = {
            name: {code: float(at) for at, code in enumerate(sorted(set(codes)))}
            for name, codes in planted.table.categories.items()
        }
        self._model = RandomForestClassifier(
            n_estimators=20, min_samples_leaf=5, max_features=None, random_state=0, n_jobs=1
        ).fit(self._matrix(planted.table), planted.labels)

    def ask(self, rows: Sequence[Row]) -> Floats:
        """Return the scores of rows."""
        made = self._model.predict_proba(self._matrix(table_of(self.features, rows)))[:, 1]
        return np.asarray(made, dtype=np.float64)

    def cells(self) -> Mapping[str, list[Value]]:
        """Return one value per cell of each number, every code of a category."""
        made: dict[str, list[Value]] = {}
        trees = [one.tree_ for one in self._model.estimators_]
        for at, feature in enumerate(self.features):
            if feature.name in self._codes:
                made[feature.name] = [code for code in self._codes[feature.name]]
                continue
            cuts = np.unique(np.concatenate([tree.threshold[tree.feature == at] for tree in trees]))
            if cuts.size:
                edges = [float(cuts[0]) - 1.0, *cuts.tolist(), float(cuts[-1]) + 1.0]
                made[feature.name] = [low + (high - low) / 2.0 for low, high in pairwise(edges)]
        return made

    def holds(self, value: Value) -> bool:
        """True when the value lies in the cell of the planted one."""
        planted = self._planted
        if isinstance(planted.value, str):
            return value == CODE
        known = planted.table.numbers[planted.column]
        below = known[known < planted.value]
        return isinstance(value, float) and (not below.size or value > float(np.nanmax(below)))

    def _matrix(self, table: Table) -> Floats:
        return np.column_stack([self._column(table, one.name) for one in self.features])

    def _column(self, table: Table, name: str) -> Floats:
        if name in table.numbers:
            return table.numbers[name]
        codes = self._codes[name]
        return np.array([codes.get(code, -1.0) for code in table.categories[name]])
