"""How well can a copy of the model be made by asking it.

In: rows to ask with, and held-out rows that the copy has not asked about. Out: extraction_fidelity = the share of
held-out rows on which the copy answers the same class, at each query budget; the largest budget is judged, each is a
part. The copy is a regression on the model's scores, gradient boosting or one tree, whichever does better on a fifth of
the queries. `draw: reference` asks with rows of the data set, and when they run out with their cells mixed column by
column; `draw: ranges` asks with numbers drawn evenly from the declared ranges and categories from the data set.

Two figures stand beside it: how often the model's commonest answer is right, and how often a model trained on the true
labels of the same rows agrees: what nobody needs to ask for is not stolen. A copy that is not proven better than the
commonest answer has learnt nothing, and a model that always answers the same is not extracted by saying so: both are
inconclusive. A floor: whoever chooses questions near the boundary needs fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import label_of
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.cross_fit import learner
from shipworthy.evaluate.encoded import Encoding, Floats
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.measure import nothing, rate
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.questions import questions
from shipworthy.facts import Case, Example, Measurement, seed_of
from shipworthy.profile.rows import Row
from shipworthy.stats.group_rates import Flags
from shipworthy.stats.paired import paired_difference

LEAST_QUERIES = 50
CHECK_SHARE = 0.2


@dataclass(frozen=True)
class Copied:
    """One budget: queries, which held-out answers the copy gives alike, and which learner it is."""

    queries: int
    alike: Flags
    learner: str


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurements. Raises ContractError on budgets or a way of drawing that are none."""
    given = parameters(case)
    ask = Ask(indicator="extraction_fidelity", segment=case.segment, level=case.oracle.level)
    budgets = _budgets(given["queries"])
    source = case_rows(bench, case, given["dataset"] or bench.trusted, "true", None, seed)
    held = case_rows(bench, case, given["held_out"] or bench.held_out, "true", given["sample"], seed)
    if not source or not held:
        return _silent(case, ask, "no rows to ask with" if held else "no held-out rows", seed)
    asked = questions(bench, source, given["draw"], budgets[-1], seed_of(seed, "questions"))
    answers, truth = bench.ask(asked)[0], bench.ask(held)[0]
    silent = answers.count(None) + truth.count(None)
    if silent:
        return _silent(case, ask, f"{silent} questions without a score", seed)
    encoding = Encoding(bench.features, source)
    table, scores = encoding.matrix(asked), np.array(answers, dtype=np.float64)
    goal = np.array(truth, dtype=np.float64) >= 0.5
    seen = [copied(table[:many], scores[:many], encoding.matrix(held), goal, seed) for many in budgets]
    same_as_labels = _labels_alike(bench, encoding, source, held, goal)
    return _shown(case, ask, seen, goal, same_as_labels, seed)


def copied(table: Floats, scores: Floats, held: Floats, goal: Flags, seed: int) -> Copied:
    """Return how alike a copy made from these answers is; the better learner by a fifth of them is fitted on all."""
    order = np.random.default_rng(seed_of(seed, "check")).permutation(len(scores))
    check, fit = np.split(order, [round(CHECK_SHARE * len(scores))])
    right = {}
    for name, made in _LEARNERS.items():
        guess = made().fit(table[fit], scores[fit]).predict(table[check]) >= 0.5
        right[name] = float((guess == (scores[check] >= 0.5)).mean())
    best = max(right, key=lambda name: right[name])
    alike = _LEARNERS[best]().fit(table, scores).predict(held) >= 0.5
    return Copied(len(scores), np.asarray(alike == goal), best)


def _boosting() -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=150, min_samples_leaf=5, early_stopping=False, random_state=0)


def _tree() -> DecisionTreeRegressor:
    return DecisionTreeRegressor(random_state=0)


_LEARNERS = {"boosting": _boosting, "tree": _tree}


def _shown(case: Case, ask: Ask, seen: Sequence[Copied], goal: Flags, labels: str, seed: int) -> CaseShown:
    last, n = seen[-1], goal.size
    common = goal == (goal.mean() >= 0.5)
    beside = f"the commonest answer {common.mean():.3f}, {labels}"
    parts = tuple(_part(ask, one) for one in seen)
    better, worse = int((last.alike & ~common).sum()), int((common & ~last.alike).sum())
    if paired_difference(better, worse, n, ask.level)[1] <= 0.0:
        why = f"the copy ({last.alike.mean():.3f}) is not proven better than {beside}: it shows nothing"
        return CaseShown(
            result=judge_number(case, None, None, None, n, seed, f"; {why}"), measurements=(nothing(ask, why), *parts)
        )
    hits = int(last.alike.sum())
    notes = f"; {last.queries} queries, {last.learner}; beside it {beside}"
    lines = tuple(
        Example(told=f"{one.queries} queries: {one.alike.mean():.3f} alike, {one.learner}") for one in seen[-MOST:]
    )
    result = msgspec.structs.replace(judge_rate(case, hits, n, seed, notes=notes), worst=lines)
    return CaseShown(result=result, measurements=(rate(ask, hits, n, f"copy at {last.queries} queries"), *parts))


def _part(ask: Ask, one: Copied) -> Measurement:
    told = f"{one.learner} on {one.queries} answers; Clopper-Pearson"
    return rate(ask, int(one.alike.sum()), one.alike.size, told, part=f"{one.queries} queries")


def _labels_alike(bench: Bench, encoding: Encoding, source: Sequence[Row], held: Sequence[Row], goal: Flags) -> str:
    """How often a model of somebody with the same rows and their true labels, but no access, agrees."""
    known = [(row, label) for row in source if (label := label_of(bench, row)) is not None]
    labels = np.array([label for _, label in known], dtype=np.float64)
    if len(known) < LEAST_QUERIES or np.unique(labels).size < 2:
        return "no labels to train a model of one's own"
    fitted = learner(encoding.categories).fit(encoding.matrix([row for row, _ in known]), labels)
    guess = fitted.predict_proba(encoding.matrix(held))[:, 1] >= 0.5
    return f"a model of one's own on {len(known)} true labels {(guess == goal).mean():.3f}"


def _budgets(given: Sequence[object]) -> list[int]:
    budgets = [one for one in given if isinstance(one, int) and not isinstance(one, bool) and one >= LEAST_QUERIES]
    if not budgets or len(budgets) != len(given):
        raise ContractError(
            f"queries: {list(given)}", "extraction", f"whole numbers of at least {LEAST_QUERIES}, such as [100, 1000]"
        )
    return sorted(set(budgets))


def _silent(case: Case, ask: Ask, why: str, seed: int) -> CaseShown:
    return CaseShown(
        result=judge_number(case, None, None, None, 0, seed, f"; {why}"), measurements=(nothing(ask, why),)
    )
