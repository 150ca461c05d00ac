"""Whose labels to doubt: one source that contradicts the model far more than all others do, about the same hours.

In: how many decisions a source and the others labelled, and how many of these labels contradict what was decided. Out:
whether the difference is proven. The source's rate must lie above the others' by more than `MARGIN`, both by exact
one-sided bounds (Clopper & Pearson 1934). A source is looked at when it has sent 50, 100, 200, ... labels; look k
spends `ALPHA / (k (k + 1))`, so that over all looks an honest source whose rate is no more than `MARGIN` above the
others' is doubted with a probability of at most `ALPHA` (Bonferroni over looks and both bounds).

A doubt is no proof of malice: a model that fails one tenant looks the same. So what is doubted is kept, a person
decides, and until then nothing that rests on labels of this version is called met.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shipworthy.contract.manifest import Decisions
from shipworthy.facts import FIXED, Receipt
from shipworthy.stats.bounds import rate_lower, rate_upper

ALPHA = 0.001
MARGIN = 0.15
LEAST = 50  # labels, of the source and of the others
MOST_LOOKS = 20
MACHINE = "machine"


class Counts(NamedTuple):
    """Labels, and how many of them contradict what was decided."""

    n: int = 0
    against: int = 0

    def plus(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(self.n + other.n, self.against + other.against)


def contradicts(receipt: Receipt, label: int, words: Decisions) -> bool | None:
    """Return whether a label says the contrary of what a machine decided, or of which way the score leaned where a
    person did; None where there was neither."""
    if receipt.route == MACHINE and receipt.decision in (words.deny, words.approve):
        return (receipt.decision == words.approve) != bool(label)
    return None if receipt.score_q < 0 else (2 * receipt.score_q >= FIXED) != bool(label)


def is_due(n: int, looks: int) -> bool:
    """True when a source that sent `n` labels must be looked at for the next time."""
    return looks < MOST_LOOKS and n >= LEAST << looks


def same_hours(mine: Mapping[int, Counts], others: Iterable[Mapping[int, Counts]]) -> tuple[Counts, Counts]:
    """Return the counts of a source and of all others, over decisions of hours that both labelled."""
    theirs: dict[int, Counts] = {}
    for one in others:
        for hour, counts in one.items():
            theirs[hour] = theirs.get(hour, Counts()).plus(counts)
    own, rest = Counts(), Counts()
    for hour in mine.keys() & theirs.keys():
        own, rest = own.plus(mine[hour]), rest.plus(theirs[hour])
    return own, rest


def is_suspect(own: Counts, others: Counts, look: int) -> bool | None:
    """Return whether look number `look` (from 0) proves the difference; None when there is too little to compare."""
    if own.n < LEAST or others.n < LEAST:
        return None
    alpha = ALPHA / ((look + 1) * (look + 2)) / 2
    return rate_lower(own.against, own.n, 1 - alpha) > rate_upper(others.against, others.n, 1 - alpha) + MARGIN
