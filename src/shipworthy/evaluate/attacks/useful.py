"""How much a model is worth before anybody attacks it: what keeps a useless one from looking robust.

In: answered rows. Out: the useful accuracy (right and answered by itself, of all labelled rows), and whether the
answers it gives by itself are better than always naming the commonest label among those rows. A constant, a random or
an always abstaining model flips never or by accident; it is not robust, it is no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipworthy.evaluate.answered import PERSON, Answered, wrong_alone, wrong_by_half
from shipworthy.evaluate.bench import Bench
from shipworthy.stats.bounds import rate_bounds


@dataclass(frozen=True)
class Useful:
    """`right` of the `alone` rows that the model answers by itself, of `n` labelled ones; `majority` of those `alone`
    have the commoner label."""

    n: int
    alone: int
    right: int
    majority: int
    level: float

    @property
    def accuracy(self) -> float:
        """Return the share of rows that the model gets right and answers by itself."""
        return self.right / self.n if self.n else 0.0

    def told(self) -> str:
        """Return the useful accuracy in words."""
        return f"useful accuracy {self.accuracy:.3g} ({self.right} right of {self.alone} answered alone, of {self.n})"

    def useless(self) -> str:
        """Return why nothing can be robust here, "" where the lower bound lies above the commonest label's share."""
        if not self.alone:
            return "the model answers no row by itself"
        least, share = rate_bounds(self.right, self.alone, self.level)[0], self.majority / self.alone
        told = f"right on at least {least:.3g} of the rows it answers alone, the commonest label is on {share:.3g}"
        return "" if least > share else f"no better than one answer to all: {told}"


def useful(bench: Bench, answered: Sequence[Answered], level: float) -> Useful:
    """Return what the model is worth on these rows."""
    labelled = [one for one in answered if one.label is not None]
    alone = [one for one in labelled if one.score is not None and one.route != PERSON]
    ones = sum(one.label == 1 for one in alone)
    right = sum(not _wrong(bench, one) for one in alone)
    return Useful(len(labelled), len(alone), right, max(ones, len(alone) - ones), level)


def _wrong(bench: Bench, one: Answered) -> bool:
    return wrong_alone(bench, one) if one.decision else wrong_by_half(one)
