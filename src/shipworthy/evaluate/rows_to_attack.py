"""Which rows an attack begins with: rows the model gets right, and donors of whatever class.

In: a case, its generator's parameters, the bench. Out: answered rows, those fit to be attacked, donor rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shipworthy.evaluate.answered import Answered, answer, wrong_by_half
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.parameters import case_rows, sampled
from shipworthy.facts import Case
from shipworthy.profile.rows import Row

_LOOKED_AT = 4  # so many times the rows wanted are asked, to find those that the model gets right ...
_AT_LEAST = 2000  # ... and at least so many, to tell what the model is worth


def looked_at(bench: Bench, case: Case, given: Mapping[str, Any], seed: int) -> tuple[Answered, ...]:
    """Return answered rows of the case, drawn by the seed, enough to find those to attack among."""
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, "true", None, seed)
    return answer(bench, sampled(rows, max(_LOOKED_AT * given["n"], _AT_LEAST), seed))


def fit_to_attack(space: Space, answered: Sequence[Answered], n: int, seed: int) -> list[Answered]:
    """Return at most `n` rows, drawn by the seed, that the model gets right and that keep every relation themselves."""
    right = [one for one in answered if one.label is not None and one.score is not None and not wrong_by_half(one)]
    kept = space.holds([one.row for one in right])
    fit = [one for one, holds in zip(right, kept, strict=True) if holds]
    places = np.random.default_rng(seed).permutation(len(fit))[:n]
    return [fit[place] for place in np.sort(places)]


def donors_of(bench: Bench, given: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the donor rows: those the case names, else the training rows, else the held-out ones."""
    name = given["donors"] or (bench.train if bench.train in bench.datasets else bench.held_out)
    return sampled(bench.rows(name), given["max_donors"], seed)
