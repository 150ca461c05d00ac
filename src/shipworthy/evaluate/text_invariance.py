"""Does an answer move when a text is written a little differently, as people do every day.

In: rows with a text, one kind of change. Out: the share of rows whose answer moved by more than `tolerance`, whose
decision or whose route is another one. Each row is changed once, at random; rows that cannot be changed so (no number,
no name in the text) are left out and counted in `because`.
"""

from __future__ import annotations

import numpy as np

from shipworthy.contract.generators.text import CHANGES
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.text.compared import Written, compared
from shipworthy.evaluate.text.everyday import changed
from shipworthy.evaluate.text.words import Kept
from shipworthy.evaluate.text_flip import text_feature
from shipworthy.facts import Case, seed_of
from shipworthy.facts.texts import as_text


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for an unknown change or field."""
    given = parameters(case)
    feature = text_feature(case, bench, given["field"])
    if given["change"] not in CHANGES:
        raise ContractError(f"no change {given['change']!r}", f"case {case.id}", f"one of {', '.join(CHANGES)}")
    kept = Kept(given["keep"], f"case {case.id}")
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    rng = np.random.default_rng(seed_of(seed, "changes"))
    written: list[Written] = []
    for at, row in enumerate(rows):
        text = as_text(row.get(feature.name))
        made = None if text is None else changed(given["change"], text, rng, kept)
        if made is not None and (feature.max is None or len(made) <= feature.max):
            written.append(Written(at, row, made))
    left = len(rows) - len(written)
    notes = f"; {left} of {len(rows)} rows have nothing to change so and were left out" if left else ""
    return CaseShown(result=compared(case, bench, feature.name, written, seed, given["tolerance"], notes))
