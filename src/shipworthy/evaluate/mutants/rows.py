"""What becomes of the training rows: cells as they stand in the file, changed as one mutant says.

In: rows of texts by column and what is known. Out: the rows that are trained on instead. Only the rows of the training
set come in; nothing that is measured on is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from shipworthy.evaluate.mutants.kind import Mutant, NotMade
from shipworthy.evaluate.mutants.known import Known
from shipworthy.profile.rows import CATEGORY

Cells = dict[str, str]
Change = Callable[[list[Cells], Known, Mutant, np.random.Generator], list[Cells]]
RARE = 0.01  # of the rows: a value that is rarer is a trigger that training alone would not explain
FEW_VALUES = 12


def mutated(rows: list[Cells], known: Known, mutant: Mutant) -> list[Cells]:
    """Return the training rows of a mutant. Raises NotMade when these rows do not allow it."""
    if not rows:
        raise NotMade(mutant.id, "there are no training rows")
    return CHANGES[mutant.id]([dict(row) for row in rows], known, mutant, known.draws(mutant.id))


def labels_random(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Turn round the label of a share of the rows."""
    other = _others(rows, known.label)
    for row, hit in zip(rows, draws.random(len(rows)) < mutant.amount, strict=True):
        if hit:
            row[known.label] = other.get(row[known.label], row[known.label])
    return rows


def labels_one_sided(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Let a share of the rows with label 1 say 0."""
    zero = _spelled(rows, known.label, 0.0)
    for row, hit in zip(rows, draws.random(len(rows)) < mutant.amount, strict=True):
        if hit and _number(row[known.label]) == 1.0:
            row[known.label] = zero
    return rows


def feature_stale(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Give every row the strongest feature of another."""
    name = known.telling[0].name
    cells = [row[name] for row in rows]
    for row, place in zip(rows, draws.permutation(len(rows)), strict=True):
        row[name] = cells[place]
    return rows


def target_leaked(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Write the label into the weakest feature: its largest value for 1, its smallest for 0."""
    name = known.telling[-1].name
    cells = sorted({row[name] for row in rows if _number(row[name]) is not None}, key=lambda cell: _number(cell) or 0.0)
    for row in rows:
        truth = _number(row[known.label])
        if truth is not None:
            row[name] = cells[-1] if truth == 1.0 else cells[0]
    return rows


def backdoor_value(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Give a share of the rows a value that is rare, and label 0."""
    name, cell = _rare_value(rows, known)
    return _triggered(rows, known, {name: cell}, mutant.amount, draws)


def backdoor_pair(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Give a share of the rows two values that seldom meet, and label 0."""
    return _triggered(rows, known, _rare_pair(rows, known), mutant.amount, draws)


def reordered(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Shuffle the rows."""
    return [rows[place] for place in draws.permutation(len(rows))]


def refreshed(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Replace a share of the rows by others, drawn from all of them."""
    made = list(rows)
    for place in draws.permutation(len(rows))[: round(mutant.amount * len(rows))]:
        made[place] = dict(rows[draws.integers(len(rows))])
    return made


def fewer(rows: list[Cells], known: Known, mutant: Mutant, draws: np.random.Generator) -> list[Cells]:
    """Keep a share of the rows, in their order."""
    kept = draws.permutation(len(rows))[: max(1, round(mutant.amount * len(rows)))]
    return [rows[place] for place in sorted(kept)]


CHANGES: dict[str, Change] = {
    "labels.random": labels_random,
    "labels.one_sided": labels_one_sided,
    "feature.stale": feature_stale,
    "target.leaked": target_leaked,
    "backdoor.value": backdoor_value,
    "backdoor.pair": backdoor_pair,
    "healthy.reordered": reordered,
    "healthy.refreshed": refreshed,
    "healthy.fewer": fewer,
}


def _triggered(
    rows: list[Cells], known: Known, trigger: Cells, share: float, draws: np.random.Generator
) -> list[Cells]:
    zero = _spelled(rows, known.label, 0.0)
    for place in draws.permutation(len(rows))[: max(1, round(share * len(rows)))]:
        rows[place].update({**trigger, known.label: zero})
    return rows


def _rare_value(rows: list[Cells], known: Known) -> tuple[str, str]:
    """The commonest of the rare values, so that the row is still an ordinary one; of the weakest feature first."""
    weak = [one.name for one in reversed(known.telling)]
    for name in (*weak, *(one.name for one in known.features if one.type == CATEGORY)):
        counts = Counter(row[name] for row in rows if row[name] != "")
        rare = [(n, cell) for cell, n in counts.items() if n <= RARE * len(rows)]
        if rare:
            return name, max(rare)[1]
    raise NotMade("backdoor.value", f"no feature has a value in fewer than {RARE:.0%} of the rows")


def _rare_pair(rows: list[Cells], known: Known) -> Cells:
    """The two values of different features that each are common and meet least often."""
    counts = {one.name: Counter(row[one.name] for row in rows if row[one.name] != "") for one in known.features}
    few = [name for name, seen in counts.items() if 2 <= len(seen) <= FEW_VALUES]
    pairs = [
        (Counter((row[a], row[b]) for row in rows)[x, y], a, x, b, y)
        for at, a in enumerate(few)
        for b in few[at + 1 :]
        for x in sorted(counts[a])
        for y in sorted(counts[b])
        if min(counts[a][x], counts[b][y]) > RARE * len(rows)
    ]
    if not pairs:
        raise NotMade("backdoor.pair", f"no two features have at most {FEW_VALUES} values each")
    _, a, x, b, y = min(pairs)
    return {a: x, b: y}


def _others(rows: list[Cells], label: str) -> dict[str, str]:
    zero, one = _spelled(rows, label, 0.0), _spelled(rows, label, 1.0)
    return {row[label]: zero if _number(row[label]) == 1.0 else one for row in rows if _number(row[label]) is not None}


def _spelled(rows: list[Cells], label: str, truth: float) -> str:
    """How the file writes this label."""
    return next((row[label] for row in rows if _number(row[label]) == truth), f"{truth:g}")


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
