"""Does the model, asked from outside, hold a value that pulls any row to one class.

In: a model nobody can look into, suspect rows that may show what was planted, trusted rows. Out: backdoor_findings =
features and classes with a value that flips far more rows than a clean surrogate would. Tried are values that somebody
could have planted (`poison/candidates.py`), within a budget of queries. The search proves itself in the same run: the
model is wrapped so that a value planted into a copy of the suspect rows decides the class; that value must be proposed
and come out first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import case_rows, parameters, whole_number
from shipworthy.evaluate.poison.canary import column_of, unused
from shipworthy.evaluate.poison.candidates import candidates_of
from shipworthy.evaluate.poison.shown import shown, silent
from shipworthy.evaluate.poison.table import Floats, Table, table_of
from shipworthy.evaluate.poison.triggers import Ask, Candidate, Trigger, grouped, measured, queries, search
from shipworthy.evaluate.poison.victims import Prepared, ask_of, examples_of, prepared
from shipworthy.facts import Case
from shipworthy.profile.rows import Row, Value

CANARY_SHARE = 0.01
BLIND = (
    "a trigger on two or more features together, on a value inside the normal range that does not repeat, and one that"
    " pulls where a clean model would go as well"
)


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement backdoor_findings. Raises ContractError on rows nobody loaded."""
    given = parameters(case)
    suspect = table_of(bench.features, case_rows(bench, case, given["suspect"] or bench.train, "true", None, seed))
    if not suspect.n:
        return silent(case, "no rows that could show what was planted", seed)
    whole_number(case, given["sample"])
    ready = prepared(case, bench, given["trusted"], given["sample"], seed, straight=True)
    if isinstance(ready, str):
        return silent(case, ready, seed)
    candidates = candidates_of(bench.features, suspect, ready.table)
    if queries(len(candidates)) > given["max_queries"]:
        why = f"{len(candidates)} values take {queries(len(candidates))} queries, {given['max_queries']} allowed"
        return silent(case, why, seed)
    found = search(ask_of(bench), ready.victims, candidates, given["least_excess"])
    worst = examples_of(ready.victims, grouped(found))
    if not canary_is_found(bench, ready, suspect, candidates, found, given["least_excess"], seed):
        return silent(case, "the trigger planted around the model was not found first", seed, worst)
    method = f"trigger search over {len(candidates)} values, canary found first"
    return shown(case, worst, len(ready.victims.rows), seed, method, BLIND)


def canary_is_found(
    bench: Bench,
    ready: Prepared,
    suspect: Table,
    candidates: Sequence[Candidate],
    found: Sequence[Trigger],
    least_excess: float,
    seed: int,
) -> bool:
    """True when a planted value is proposed, and found before all that was not found without it."""
    column = column_of(suspect)
    if column is None:
        return False
    value = unused(suspect, column)
    n = max(2, int(CANARY_SHARE * suspect.n))
    places = np.random.default_rng(seed).permutation(suspect.n)[:n]
    proposed = candidates_of(bench.features, suspect.planted(column, value, places), ready.table)
    known = frozenset(candidates)
    new = [one for one in proposed if one not in known]
    to = _class_of_canary(bench, ready, Candidate(column, value))
    first = search(_planted(ask_of(bench), column, value, to), ready.victims, new, least_excess)
    before = {(one.candidate, one.to) for one in found}
    fresh = [one for one in first if (one.candidate, one.to) not in before]
    return bool(fresh) and _is(fresh[0].candidate, column, value) and fresh[0].to == to


def _planted(ask: Ask, column: str, value: Value, to: int) -> Ask:
    """The model with a trigger: that value in that column decides the class, whatever else the row says."""

    def planted(rows: Sequence[Row]) -> Floats:
        fires = np.array([row.get(column) == value for row in rows], dtype=bool)
        return np.where(fires, float(to), ask(rows))

    return planted


def _class_of_canary(bench: Bench, ready: Prepared, candidate: Candidate) -> int:
    """The class to which the value would not lead anyway."""
    shares = [measured(ask_of(bench), ready.victims, [candidate], to, 40)[0].expected for to in (0, 1)]
    return int(shares[1] <= shares[0])


def _is(candidate: Candidate, column: str, value: Value) -> bool:
    return candidate.feature == column and candidate.value == value
