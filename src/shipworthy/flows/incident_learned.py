"""Whether a model learned from the rows that a case asks about: by the unit they belong to, and by what is in them.

In: the fix, the release that the incident happened on, the cases. Out: the ids of cases that prove nothing. A case
keeps its units as keyed hashes, datasets keep them plain, and a fix may have learned from a case's own file: each unit
is compared both as it stands and hidden. Rows whose unit is blank could be anybody's: with one of them nobody can tell.

Units are what people wrote into a table, so rows are compared by what is in them as well. Without a declared unit one
row is enough. With one, two people may look the same to a coarse model: there it takes more than half of a case's rows,
each as often as it is in the case, among what the fix learned from beyond what the old version had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from shipworthy.contract import pack
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import LEARNED_FROM
from shipworthy.facts import Case, digest
from shipworthy.flows.model import dataset_rows
from shipworthy.models.table import read_rows
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.workspace import Workspace

Row = dict[str, Any]


def trained_on(
    root: Path, old: Path, contract: Contract, cases: Iterable[Case], hide: Callable[[str], str]
) -> tuple[str, ...]:
    """Return the cases a row of which one of the models learned from, or of which nobody can tell."""
    by_fix, by_old = _learned_from(root), _learned_from(old)
    return tuple(
        sorted(
            case.id
            for case in cases
            if _by_unit(contract, asked := _asked(root, contract, case), [*by_fix, *by_old], hide)
            or _by_content(contract, asked, by_fix, by_old, bool(pack.case_files(case)))
        )
    )


def _asked(root: Path, contract: Contract, case: Case) -> list[Row]:
    files = pack.case_files(case)
    if not files:
        return dataset_rows(root, contract.manifest, str((case.generator or {}).get("dataset", "test")))
    text = text_columns(contract.manifest)
    return [row for file in files for row in read_rows(root / file, text=text)]


def _learned_from(where: Path) -> list[Row]:
    contract = Workspace(root=where, home=where / ".shipworthy" / "state").contract()
    names = [name for name in LEARNED_FROM if name in contract.manifest.datasets]
    return [row for name in names for row in dataset_rows(where, contract.manifest, name)]


def _by_unit(contract: Contract, asked: Sequence[Row], learned: Sequence[Row], hide: Callable[[str], str]) -> bool:
    if not asked or not learned:
        return True
    unit = contract.manifest.unit
    if unit is None:
        return False
    if any(_blank(row.get(unit)) for row in (*asked, *learned)):
        return True
    return not _marks(asked, unit, hide).isdisjoint(_marks(learned, unit, hide))


def _blank(value: object) -> bool:
    return value is None or not str(value).strip()


def _marks(rows: Iterable[Row], unit: str, hide: Callable[[str], str]) -> set[str]:
    """Each unit as it stands and hidden: which of the two a table holds cannot be told from how it looks."""
    known = {spelled for row in rows for spelled in _spelled(row[unit])}
    return known | {hide(one) for one in known}


def _spelled(value: object) -> set[str]:
    """The ways in which a table may have written one unit: 7 is 7.0, and spaces around it are nothing."""
    told = {str(value), str(value).strip()}
    if isinstance(value, int | float) and value == int(value):
        told |= {str(int(value)), str(float(value))}
    return told


def _by_content(
    contract: Contract, asked: Sequence[Row], by_fix: Sequence[Row], by_old: Sequence[Row], own_rows: bool
) -> bool:
    """`own_rows`: the case has a file of its own; held-out rows that anybody may look like are told by unit alone."""
    manifest = contract.manifest
    names = (*(one.name for one in manifest.features), manifest.label.column)
    ours, fix, old = (Counter(_content(row, names) for row in rows) for rows in (asked, by_fix, by_old))
    if manifest.unit is None:
        return not (fix.keys() | old.keys()).isdisjoint(ours)
    return own_rows and 2 * (ours & (fix - old)).total() > ours.total()


def _content(row: Row, names: Sequence[str]) -> str:
    """A digest of what is in a row, in which 15 and 15.0 are the same number."""
    values = [row.get(name) for name in names]
    return digest([repr(float(value)) if isinstance(value, int | float) else repr(value) for value in values])
