"""Can a protected feature be told from what else the model takes, and does the model make use of it.

In: rows with answers. Out: proxy_features_auc = the largest AUC, over protected features and groups, of "in this group"
by a learner fitted on the *other* features, cross-fitted, with DeLong's bounds on one row a unit. .5 = leaving the
protected feature out really hides it; 1 = leaving it out changes nothing. The features that carry it are those whose
shuffling costs the most area. Beside it stand the second question, the AUC of the group from the score given the label,
and the gap in selection: features may tell a group that the model never uses.

The learner proves itself in the same run: beside the other features, their rows shuffled so that they carry nothing, a
planted copy of the group with one cell in ten overwritten by a coin must give an area of .85 and be named first; else
the result is inconclusive. It is a floor: a stronger learner may tell more, and columns that the model does not take
are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import msgspec
import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate import proxy, subgroup
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.evaluate.bench import Ask, Bench, CaseShown
from shipworthy.evaluate.by_group import LEAST_ROWS, Split, splits
from shipworthy.evaluate.cross_fit import Ints, cross_fitted, folds_of
from shipworthy.evaluate.encoded import Encoding, Floats
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.measure import units_of
from shipworthy.evaluate.oracle import judge_number
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.worst_pair import Bounds, Pair, unjudged, worst
from shipworthy.facts import Case, Example, Measurement, seed_of
from shipworthy.stats.auc import auroc, auroc_bounds

CANARY_NOISE = 0.1
CANARY_LEAST = 0.85
CARRIERS = 3


@dataclass(frozen=True)
class Table:
    """What a group is predicted from: the other features as numbers, folds, and one row of each unit."""

    names: list[str]
    values: Floats
    categories: list[bool]
    folds: Ints
    alone: Ints


@dataclass(frozen=True)
class Found:
    """One group of one split: the pair to be judged, and what carries it."""

    pair: Pair
    told: str


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result; nothing is measured, since it is the features that are judged and not the version."""
    given = parameters(case)
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    seen = list(answer(bench, rows))
    made = splits(bench, rows, given["by"])
    found: list[Found] = []
    for split in made:
        table = table_of(bench, seen, split.name, given["folds"], seed)
        if table is None:
            return _silent(case, len(rows), f"too few units, or no feature beside {split.name}", seed)
        targets = _targets(split, table)
        if targets and not canary_is_found(table, targets[0][1], seed_of(seed, "canary", split.name)):
            return _silent(case, len(rows), f"the planted copy of {split.name} was not found: nothing is shown", seed)
        found += [_found(table, split, group, member, seed) for group, member in targets]
    return _shown(case, bench, seen, made, found, seed)


def table_of(bench: Bench, seen: Sequence[Answered], column: str, many: int, seed: int) -> Table | None:
    """Return the table without the column itself and the other columns of its one-hot group."""
    own = bench.feature(column)
    features = [one for one in bench.features if not _is_part_of(one, column, own)]
    units = units_of(bench, seen)
    names = np.arange(len(seen)) if units is None else np.asarray(units)
    if not features or np.unique(names).size < many:
        return None
    rows = [one.row for one in seen]
    encoding = Encoding(features, rows)
    drawn = np.random.default_rng(seed_of(seed, "units")).permutation(len(seen))
    alone = np.sort(drawn[np.unique(names[drawn], return_index=True)[1]])
    return Table(
        [one.name for one in features],
        encoding.matrix(rows),
        encoding.categories,
        folds_of(units, len(rows), many, seed_of(seed, "folds")),
        alone.astype(np.int64),
    )


def canary_is_found(table: Table, member: Floats, seed: int) -> bool:
    """True when a noisy copy of the group among features that carry nothing gives it away, and is named first."""
    rng = np.random.default_rng(seed)
    planted = np.where(rng.random(member.size) < CANARY_NOISE, rng.integers(0, 2, member.size), member)
    wider = Table(
        [*table.names, "planted"],
        np.column_stack([rng.permutation(table.values), planted]),
        [*table.categories, False],
        table.folds,
        table.alone,
    )
    scores, carriers = carried(wider, member, seed)
    return auroc(scores, member) >= CANARY_LEAST and carriers[0][0] == "planted"


def carried(table: Table, member: Floats, seed: int) -> tuple[Floats, list[tuple[str, float]]]:
    """Return the cross-fitted scores, and the features by how much area goes when they are shuffled, most first."""
    scores, learners = cross_fitted(table.values, member, table.categories, table.folds)
    area = auroc(scores, member)
    rng, drops = np.random.default_rng(seed), []
    for at, name in enumerate(table.names):
        shuffled = scores.copy()
        for fold, fitted in enumerate(learners):
            if fitted is not None:
                inside = table.values[table.folds == fold].copy()
                inside[:, at] = rng.permutation(inside[:, at])
                shuffled[table.folds == fold] = fitted.predict_proba(inside)[:, 1]
        drops.append((name, area - auroc(shuffled, member)))
    return scores, sorted(drops, key=lambda one: -one[1])


def _found(table: Table, split: Split, group: str, member: Floats, seed: int) -> Found:
    scores, carriers = carried(table, member, seed_of(seed, "shuffle", split.name, group))
    alone = table.alone
    least = int(min(member[alone].sum(), alone.size - member[alone].sum()))
    bounds = cache(partial(_area, scores[alone], member[alone]))
    told = ", ".join(f"{name} {drop:.3f}" for name, drop in carriers[:CARRIERS] if drop > 0.0)
    return Found(Pair(f"{split.name}={group}", split.name, least, bounds), told or "none alone")


def _area(scores: Floats, member: Floats, level: float) -> Bounds:
    """Below one half a learner knows nothing: it is not folded, since it was told which group to find."""
    area, lo, hi = auroc_bounds(scores, member, level)
    return area, lo, hi


def _targets(split: Split, table: Table) -> list[tuple[str, Floats]]:
    """Each group with enough rows on both sides, once: of two groups the second is the first one turned round."""
    groups = sorted(set(split.of))
    made = [(group, np.array([float(name == group) for name in split.of])) for group in groups]
    if len(groups) == 2:
        made = made[:1]
    return [
        (group, member)
        for group, member in made
        if min(member[table.alone].sum(), table.alone.size - member[table.alone].sum()) >= LEAST_ROWS
    ]


def _shown(
    case: Case, bench: Bench, seen: Sequence[Answered], made: Sequence[Split], found: Sequence[Found], seed: int
) -> CaseShown:
    pairs = [one.pair for one in found]
    worst_one = worst(pairs, case.oracle.level)
    blind = unjudged(pairs, [split.name for split in made])
    if worst_one is None or not made:
        return _silent(case, len(seen), f"no group with {LEAST_ROWS} rows on each side", seed)
    beside = _beside(case, bench, seen)
    notes = f"; {worst_one.pair.name} from the other features, planted copy found{beside}"
    result = judge_number(case, worst_one.value, worst_one.lo, worst_one.hi, len(seen), seed, notes)
    if blind:
        status = "inconclusive" if result.status == "pass" else result.status
        told = f"{result.because}; not judged for want of rows: {', '.join(blind)}"
        result = msgspec.structs.replace(result, status=status, because=told)
    order = sorted(found, key=lambda one: -one.pair.bounds(case.oracle.level)[0])[:MOST]
    lines = tuple(Example(told=_line(one, case.oracle.level)) for one in order)
    return CaseShown(result=msgspec.structs.replace(result, worst=lines))


def _line(one: Found, level: float) -> str:
    value, lo, hi = one.pair.bounds(level)
    carried_by = f"carried by {one.told}" if lo > 0.5 else "which is not proven to be more than chance"
    return f"{one.pair.name}: AUC {value:.3f} [{lo:.3f}, {hi:.3f}] from the other features, {carried_by}"


def _beside(case: Case, bench: Bench, seen: Sequence[Answered]) -> str:
    """The other question and the gap, as the indicators of those names measure them, on the same rows."""
    level = case.oracle.level
    score = proxy.evaluate(bench, [Ask(indicator="proxy_auc", level=level)], seen)[0]
    gap = subgroup.evaluate(bench, [Ask(indicator="subgroup_gap", level=level, metric="selection_rate")], seen)[0]
    return f"; from the score given the label {_number(score)}; gap in selection {_number(gap)}"


def _number(one: Measurement) -> str:
    if one.value is None or one.lo is None or one.hi is None:
        return f"not measured ({one.method})"
    return f"{one.value:.3f} [{one.lo:.3f}, {one.hi:.3f}]"


def _is_part_of(feature: Feature, column: str, own: Feature | None) -> bool:
    return feature.name == column or (own is not None and own.group is not None and feature.group == own.group)


def _silent(case: Case, n: int, why: str, seed: int) -> CaseShown:
    return CaseShown(result=judge_number(case, None, None, None, n, seed, f"; {why}"))
