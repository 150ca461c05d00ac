"""Do some training rows carry labels that the approved rows do not explain: a poisoned value, a pair, a word.

In: the training rows and trusted reference rows; with `text:`, columns whose words count too. Out: backdoor_findings =
cells whose labels are nearly all one and far from what a smooth surrogate, fitted on the *trusted* rows only, expects
(fitted on the suspect rows it would explain the trigger away), and that the trusted rows do not show as well.

A scan that finds nothing proves nothing until it has shown that it can: a canary (a value planted into a copy of the
rows, labels flipped; with `text:` a word as well) must be found first in the same run, else the result is inconclusive.

`trusted: none`, where no data set was ever approved: the surrogate is fitted across folds of the suspect rows
themselves. It sees less, so what it does not find is inconclusive, unless people accepted that for a time and signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.contract.generators import NO_ROWS
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.parameters import apart, case_rows, parameters
from shipworthy.evaluate.poison.canary import Planted, column_of, plant
from shipworthy.evaluate.poison.cells import Cut, cuts_of
from shipworthy.evaluate.poison.scan import Finding, scan
from shipworthy.evaluate.poison.shown import shown, silent
from shipworthy.evaluate.poison.surrogate import Surrogate, cautious, cross_fitted, folds
from shipworthy.evaluate.poison.table import Floats, Ints, Table, labelled, table_of
from shipworthy.evaluate.poison.units import units_in
from shipworthy.facts import Case, Example
from shipworthy.facts.texts import TEXT
from shipworthy.profile.rows import Row

LEAST_TRUSTED = 300
BLIND = "a trigger on a common value, on fewer than 8 rows, on three or more values together, or with right labels"
BLIND_TEXT = "; in text, on more than two neighbouring words or on word order"
BLIND_ALONE = "; without approved rows also a trigger on some rows in a hundred that the folds explain to each other"


@dataclass(frozen=True)
class Scanned:
    """One scan: the suspect table, the trusted one behind it if any, labels of both, and what is expected of both."""

    suspect: Table
    trusted: Table | None
    labels: Floats
    known: Floats
    surrogate: Surrogate | None
    fold: Ints

    def expect(self, table: Table, labels: Floats) -> Floats:
        """Return the expected labels of a suspect table with these labels."""
        if self.surrogate is not None:
            return self.surrogate.expect(table)
        return cross_fitted(table, labels, self.fold)

    def findings(self, table: Table, labels: Floats, cuts: Sequence[Cut]) -> list[Finding]:
        """Return the findings among the suspect rows, given the cuts of suspect and trusted rows together."""
        expected = self.expect(table, labels)
        if self.trusted is not None and self.surrogate is not None:
            expected = np.concatenate([expected, self.surrogate.expect(self.trusted)])
        return scan(cuts, table.n, np.concatenate([labels, self.known]), expected)

    def stacked(self, table: Table) -> Table:
        """Return a suspect table with the trusted one behind it."""
        return table if self.trusted is None else table.stacked(self.trusted)


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result and the measurement backdoor_findings. Raises ContractError on rows or columns not there."""
    given = parameters(case)
    texts = tuple(one.name for one in bench.features if one.type == TEXT)
    text, alone = tuple(given["text"]) or texts, given["trusted"] == NO_ROWS
    rows, labels = labelled(bench, case_rows(bench, case, given["suspect"] or bench.train, "true", None, seed))
    trusted: list[Row] = []
    known = np.empty(0)
    if not alone:
        trusted, known = labelled(bench, case_rows(bench, case, given["trusted"] or bench.trusted, "true", None, seed))
        apart(case, rows, trusted, "suspect and trusted")
    why = _unfit(rows, labels, known, alone)
    if why:
        return silent(case, why, seed)
    _check_columns(case, (*rows, *trusted), text)
    table = table_of(bench.features, rows, text)
    behind = None if alone else table_of(bench.features, trusted, text)
    surrogate = None if behind is None else Surrogate(behind, known)
    fold = folds(len(rows), units_in(bench, rows), seed)
    scanned = Scanned(table, behind, labels, known, surrogate, fold)
    cuts = cuts_of(scanned.stacked(table), table.n)
    findings = scanned.findings(table, labels, cuts)
    told = tuple(Example(told=f"z {one.z:.1f}, {one.told}{_more(one)}") for one in findings)
    for column in canary_columns(table):
        if not canary_is_found(scanned, cuts, findings, column, seed):
            why = f"the canary planted in {column} was not found first: this scan cannot be trusted here"
            return silent(case, why, seed, told)
    if alone and not findings and case.id not in bench.accepted:
        why = f"{len(rows)} rows, nothing found, canary found first, but no approved rows to compare with"
        return silent(case, f"{why}: it takes a signed acceptance of this case that has not expired", seed)
    behind_it = "lift scan across folds, no approved rows" if alone else "lift scan against trusted rows"
    blind = BLIND + (BLIND_TEXT if text else "") + (BLIND_ALONE if alone else "")
    accepted = ", accepted" if alone and case.id in bench.accepted else ""
    return shown(case, told, len(rows), seed, f"{behind_it}, canary found first{accepted}", blind)


def canary_columns(table: Table) -> tuple[str, ...]:
    """Return where canaries are planted: a feature, and each text. Nowhere to plant one is told as such."""
    feature = column_of(table)
    return (*(() if feature is None else (feature,)), *table.texts) or ("any column",)


def canary_is_found(scanned: Scanned, cuts: Sequence[Cut], findings: Sequence[Finding], column: str, seed: int) -> bool:
    """True when a planted value comes out first among what the scan has not already found without it."""
    planted = _planted(scanned, column, seed)
    if planted is None:
        return False
    changed = cuts_of(scanned.stacked(planted.table), planted.table.n, only=(column,))
    others = [cut for cut in cuts if cut.column != column]
    known = {cell for one in findings for cell in (one.cell, *one.grouped)}
    found = scanned.findings(planted.table, planted.labels, [*changed, *others])
    new = [one.cell for one in found if one.cell not in known]
    return bool(new) and new[0] == planted.cell


def _planted(scanned: Scanned, column: str, seed: int) -> Planted | None:
    table, surrogate = scanned.suspect, scanned.surrogate
    if column not in (*table.numbers, *table.categories, *table.texts):
        return None
    if surrogate is not None:
        return plant(table, scanned.labels, surrogate.expect, column, seed)
    return plant(table, scanned.labels, cautious(table, scanned.labels).expect, column, seed)


def _unfit(rows: Sequence[Row], labels: Floats, known: Floats, alone: bool) -> str:
    if not rows:
        return "no rows to scan"
    if alone:
        return "" if 0.0 < labels.mean() < 1.0 else "the rows have one class only"
    if len(known) < LEAST_TRUSTED:
        return f"{len(known)} trusted rows with labels, {LEAST_TRUSTED} needed"
    return "" if 0.0 < known.mean() < 1.0 else "the trusted rows have one class only"


def _check_columns(case: Case, rows: Sequence[Row], text: Sequence[str]) -> None:
    for column in text:
        if not any(isinstance(row.get(column), str) for row in rows):
            raise ContractError(
                f"no text in column {column!r}", f"case {case.id}", "name columns of text under `text:`"
            )


def _more(finding: Finding) -> str:
    if not finding.grouped:
        return ""
    return f"; {len(finding.grouped)} neighbouring cells grouped under it, such as {finding.grouped[0]}"
