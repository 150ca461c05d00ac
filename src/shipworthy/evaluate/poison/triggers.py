"""Does one value, written over any row, pull the model to one class, more than a clean model would follow it.

In: a model, references fitted on trusted rows, trusted rows as victims, candidate values. Out: triggers that stand out.
A flip alone is no evidence: a low amount may truly mean a low risk. So each candidate is told by its excess: the share
of victims that the model then puts into the class, less the share that a clean reference puts there, at that value or
at what a clean model may take it for. All cut their scores so that the same share of untouched rows lies above.

All candidates are tried on some victims, the striking ones on all. A trigger counts when its excess reaches
`least_excess` and its lower bound (paired, Tango; Bonferroni .01 over all candidates) half of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.evaluate.poison.cells import spelled
from shipworthy.evaluate.poison.table import Floats, Ints, Table
from shipworthy.profile.rows import Row, Value, as_number
from shipworthy.stats.paired import paired_difference

Ask = Callable[[Sequence[Row]], Floats]
"""Rows to scores; NaN = no score."""
Reference = Callable[[Table], Floats]
"""A table to the labels that a clean model expects."""

SCREEN = 40
MARGIN = 0.2
NEIGHBOURS = 0.02
FREQUENT = 8
ALPHA = 0.01
LEAST_VICTIMS = 30
MOST_AT_ONCE = 20_000
_HALF = 0.5


@dataclass(frozen=True)
class Candidate:
    """One value to write over a feature."""

    feature: str
    value: Value

    @property
    def told(self) -> str:
        """Return it in words."""
        value = "missing" if self.value is None else self.value
        return f"{self.feature}={spelled(value) if isinstance(value, float) else value}"


@dataclass(frozen=True)
class Trigger:
    """A candidate and a class: `flips` of `n` victims by the model, `expected` by the surrogate, and a bound."""

    candidate: Candidate
    to: int
    n: int
    flips: float
    expected: float
    lower: float
    victim: int
    alike: int = 0

    @property
    def excess(self) -> float:
        """Return how much more often the model flips."""
        return self.flips - self.expected

    @property
    def told(self) -> str:
        """Return it in words."""
        more = f"; {self.alike} more values of {self.candidate.feature} do so as well" if self.alike else ""
        return (
            f"{self.candidate.told}: {self.flips:.0%} of {self.n} rows go to class {self.to}, {self.expected:.0%} by a"
            f" clean surrogate (excess {self.excess:.2f}, at least {self.lower:.2f}){more}"
        )


@dataclass(frozen=True)
class Victims:
    """Trusted rows, where the model and each reference cut their scores, and which rows all put into each class: one
    that a reference puts elsewhere to begin with would hide a trigger."""

    rows: Sequence[Row]
    table: Table
    cut: float
    references: tuple[tuple[Reference, float], ...]
    of: tuple[Ints, Ints]

    @property
    def thin(self) -> bool:
        """True when a class has too few victims to show a trigger away from it."""
        return min(len(one) for one in self.of) < LEAST_VICTIMS


def victims_of(ask: Ask, references: Sequence[Reference], rows: Sequence[Row], table: Table, most: int) -> Victims:
    """Return at most `most` victims of each class; the rows come in the order in which they are taken."""
    scores = ask(rows)
    told = ~np.isnan(scores)
    cut = _HALF
    sides = [int((scores[told] < cut).sum()), int((scores[told] >= cut).sum())]
    if min(sides) < LEAST_VICTIMS and told.any():
        cut = float(np.median(scores[told]))
    high = told & (scores >= cut)
    share = float(high.sum()) / max(1, int(told.sum()))
    low, kept = told & ~high, []
    for reference in references:
        expected = reference(table)
        own = float(np.quantile(expected[told], 1.0 - share)) if told.any() else _HALF
        kept.append((reference, own))
        low, high = low & (expected < own), high & (expected >= own)
    of = (np.flatnonzero(low)[:most], np.flatnonzero(high)[:most])
    return Victims(rows, table, cut, tuple(kept), of)


def search(ask: Ask, victims: Victims, candidates: Sequence[Candidate], least_excess: float) -> list[Trigger]:
    """Return every candidate and class that stands out, the largest excess first."""
    tried: list[tuple[Candidate, int]] = []
    for to in (0, 1):
        seen = measured(ask, victims, candidates, to, SCREEN, floor=least_excess - MARGIN)
        tried += [(one.candidate, to) for one in seen if one.excess >= least_excess - MARGIN]
    level = 1.0 - ALPHA / (2.0 * max(1, len(candidates)))
    found: list[Trigger] = []
    for to in (0, 1):
        again = [candidate for candidate, which in tried if which == to]
        found += measured(ask, victims, again, to, len(victims.of[1 - to]), level)
    stands = [one for one in found if one.excess >= least_excess and one.lower >= 0.5 * least_excess]
    return sorted(stands, key=lambda one: (-one.excess, one.candidate.feature, one.to, one.candidate.told))


def grouped(found: Sequence[Trigger]) -> list[Trigger]:
    """Return the first trigger of each feature and class, with how many others are alike."""
    first: dict[tuple[str, int], list[Trigger]] = {}
    for one in found:
        first.setdefault((one.candidate.feature, one.to), []).append(one)
    return [
        Trigger(top.candidate, top.to, top.n, top.flips, top.expected, top.lower, top.victim, len(group) - 1)
        for group in first.values()
        for top in group[:1]
    ]


def queries(candidates: int) -> int:
    """Return how many rows the first pass over that many candidates asks."""
    return 2 * SCREEN * candidates


def measured(
    ask: Ask,
    victims: Victims,
    candidates: Sequence[Candidate],
    to: int,
    most: int,
    level: float = 0.95,
    floor: float = 0.0,
) -> list[Trigger]:
    """Return what each candidate does to the first `most` victims that are not in class `to`; those that flip a
    smaller share than `floor` cannot exceed anything by it and are left out."""
    places = victims.of[1 - to][:most]
    if not len(places):
        return []
    step = max(1, MOST_AT_ONCE // len(places))
    made: list[Trigger] = []
    for start in range(0, len(candidates), step):
        batch = candidates[start : start + step]
        hit = _hits(ask, victims, batch, to, places)
        striking = [at for at, row in enumerate(hit) if row.mean() >= floor]
        if striking:
            chosen = [batch[at] for at in striking]
            clean = _clean(victims, chosen, to, places)
            told = zip(chosen, hit[striking], clean, strict=True)
            made += [_told(one, to, mine, other, places, level) for one, mine, other in told]
    return made


def _hits(ask: Ask, victims: Victims, candidates: Sequence[Candidate], to: int, places: Ints) -> NDArray[np.bool_]:
    changed = [{**victims.rows[place], one.feature: one.value} for one in candidates for place in places]
    scores = ask(changed).reshape(len(candidates), len(places))
    return np.asarray(~np.isnan(scores) & ((scores >= victims.cut) == bool(to)))


def _clean(victims: Victims, candidates: Sequence[Candidate], to: int, places: Ints) -> NDArray[np.bool_]:
    """Which victims (columns) the surrogate puts into the class under each candidate (rows), or under one of the
    values next to it that puts most of them there: a smooth surrogate need not bend where the world does."""
    spread = [(at, value) for at, one in enumerate(candidates) for value in nearby(victims.table, one)]
    n = len(places)
    table = victims.table.taken(np.tile(places, len(spread)))
    changes = [(candidates[at].feature, value, np.arange(k * n, (k + 1) * n)) for k, (at, value) in enumerate(spread)]
    changed, made = table.overwritten(changes), np.zeros((len(candidates), n), dtype=bool)
    for reference, cut in victims.references:
        into = (reference(changed).reshape(len(spread), n) >= cut) == bool(to)
        for (at, _), row in zip(spread, into, strict=True):
            if row.sum() > made[at].sum():
                made[at] = row
    return made


def nearby(table: Table, one: Candidate) -> list[Value]:
    """Return the candidate's value and what a clean model may well take it for: a number for the trusted ones a
    fiftieth of the rows below and above it, an empty cell for any decile, an unknown code for any frequent one."""
    if one.feature in table.categories:
        seen = Counter(table.categories[one.feature])
        known = one.value is not None and one.value in seen
        return [one.value, *([] if known else [code for code, _ in seen.most_common(FREQUENT)])]
    ordered = np.sort(table.numbers[one.feature])
    ordered = ordered[~np.isnan(ordered)]
    if not ordered.size:
        return [one.value]
    number = as_number(one.value)
    if number is None:
        return [one.value, *np.quantile(ordered, np.linspace(0.0, 1.0, 11)).tolist()]
    reach = max(1, round(NEIGHBOURS * ordered.size))
    low = int(np.searchsorted(ordered, number, side="left")) - reach
    high = int(np.searchsorted(ordered, number, side="right")) + reach - 1
    last = ordered.size - 1
    return [one.value, float(ordered[min(max(low, 0), last)]), float(ordered[min(max(high, 0), last)])]


def _told(
    one: Candidate, to: int, hit: NDArray[np.bool_], clean: NDArray[np.bool_], places: Ints, level: float
) -> Trigger:
    n = len(places)
    _, lower, _ = paired_difference(int((hit & ~clean).sum()), int((~hit & clean).sum()), n, level)
    flipped = np.flatnonzero(hit & ~clean)
    victim = int(places[flipped[0]]) if flipped.size else int(places[0])
    return Trigger(one, to, n, float(hit.mean()), float(clean.mean()), lower, victim)
