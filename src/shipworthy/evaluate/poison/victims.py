"""What both searches for triggers in a model need before they can begin: a surrogate, victims, and an ask.

In: the case, the bench, its parameters. Out: `Prepared`, or in words why the search cannot be done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.examples import example
from shipworthy.evaluate.parameters import case_rows
from shipworthy.evaluate.poison.straight import Straight
from shipworthy.evaluate.poison.surrogate import Surrogate
from shipworthy.evaluate.poison.table import Floats, Table, labelled, table_of
from shipworthy.evaluate.poison.triggers import Ask, Trigger, Victims, victims_of
from shipworthy.facts import Case, Example
from shipworthy.profile.rows import Row

LEAST_TRUSTED = 300
DRAWN = 8  # rows asked per victim wanted, so that the rarer class has its share


@dataclass(frozen=True)
class Prepared:
    """The trusted rows with labels, the surrogate fitted on all of them, and the victims drawn from them."""

    rows: list[Row]
    table: Table
    labels: Floats
    surrogate: Surrogate
    victims: Victims


def ask_of(bench: Bench) -> Ask:
    """Return the bench's model as a function from rows to scores; NaN where it gives none."""

    def ask(rows: Sequence[Row]) -> Floats:
        scores, _ = bench.ask(rows)
        return np.array([np.nan if score is None else score for score in scores], dtype=np.float64)

    return ask


def prepared(case: Case, bench: Bench, trusted: str, sample: int, seed: int, straight: bool = False) -> Prepared | str:
    """Return what the search needs, or why it cannot be done. `straight`: a clean model may be a linear one."""
    rows, labels = labelled(bench, case_rows(bench, case, trusted or bench.trusted, "true", None, seed))
    if len(rows) < LEAST_TRUSTED:
        return f"{len(rows)} trusted rows with labels, {LEAST_TRUSTED} needed"
    if not 0.0 < labels.mean() < 1.0:
        return "the trusted rows have one class only"
    table = table_of(bench.features, rows)
    surrogate = Surrogate(table, labels)
    order = np.random.default_rng(seed).permutation(len(rows))[: DRAWN * sample]
    drawn = [rows[place] for place in order]
    references = [surrogate.expect, *([Straight(table, labels).expect] if straight else [])]
    victims = victims_of(ask_of(bench), references, drawn, table.taken(order), sample)
    if victims.thin:
        few = min(len(one) for one in victims.of)
        return f"the model puts only {few} of {len(drawn)} trusted rows into one of its classes"
    return Prepared(rows, table, labels, surrogate, victims)


def examples_of(victims: Victims, found: Sequence[Trigger]) -> list[Example]:
    """Return each trigger with a row it flips, as a difference of records."""
    return [_example(victims, one) for one in found]


def _example(victims: Victims, one: Trigger) -> Example:
    row = victims.rows[one.victim]
    return example(one.told, one.victim, row, {**row, one.candidate.feature: one.candidate.value})
