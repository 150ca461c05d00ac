"""What becomes of live rows: the model is as it was, and the world is not.

In: rows as a client would send them, with their labels, and what is known. Out: the rows that are sent instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from shipworthy.evaluate.mutants.kind import Mutant, NotMade
from shipworthy.evaluate.mutants.known import Known
from shipworthy.profile.probes import UNSEEN
from shipworthy.profile.rows import CATEGORY, Row, Value, as_number

Sent = dict[str, Value]
Change = Callable[[list[Sent], Known, Mutant, np.random.Generator], list[Sent]]


def mutated(rows: Sequence[Row], known: Known, mutant: Mutant) -> list[Sent]:
    """Return the traffic of a mutant. Raises NotMade when there are no rows, or no feature that it can go wrong in."""
    if not rows:
        raise NotMade(mutant.id, "there is no traffic to replay")
    return CHANGES[mutant.id]([dict(row) for row in rows], known, mutant, known.draws(mutant.id))


def drifted(rows: list[Sent], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Sent]:
    """Keep the share of rows with the highest values of the strongest feature; of equal ones a seeded part.

    None comes twice: a row that the detector flags must not raise an alarm by being repeated.
    """
    name = known.telling[0].name
    numbers = [as_number(row.get(name)) for row in rows]
    ties = draws.permutation(len(rows))
    told = [place for place, number in enumerate(numbers) if number is not None]
    ranked = sorted(told, key=lambda place: (-(numbers[place] or 0.0), ties[place]))
    return [rows[place] for place in sorted(ranked[: max(1, round(mutant.amount * len(ranked)))])]


def unseen(rows: list[Sent], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Sent]:
    """Give a share of the rows a category that is in no row."""
    names = [one.name for one in known.features if one.type == CATEGORY]
    if not names:
        raise NotMade(mutant.id, "no feature is a category")
    for row, hit in zip(rows, draws.random(len(rows)) < mutant.amount, strict=True):
        if hit:
            row[names[0]] = UNSEEN
    return rows


def unit(rows: list[Sent], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Sent]:
    """Let the largest sender tell the first feature with a unit in another one."""
    names = [one.name for one in known.features if one.unit is not None and one.type != CATEGORY]
    if not names:
        raise NotMade(mutant.id, "no feature declares a unit")
    senders = Counter(str(row.get(known.tenant)) for row in rows) if known.tenant else Counter()
    largest = max(senders, key=lambda sender: (senders[sender], sender)) if senders else None
    for row in rows:
        number = as_number(row.get(names[0]))
        if number is not None and (largest is None or str(row.get(known.tenant or "")) == largest):
            row[names[0]] = number * mutant.amount
    return rows


CHANGES: dict[str, Change] = {"traffic.drifted": drifted, "traffic.unseen": unseen, "traffic.unit": unit}
