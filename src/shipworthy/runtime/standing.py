"""What people decided not to deploy, as the ledger of this site has it: a version so decided is not loaded.

In: ledger entries. Out: the decisions that stand, or CannotDecide for a version that one of them is about. A reversal
counts when it is recorded; who signed it was checked before it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract.standing import Standing
from shipworthy.errors import CannotDecide, PolicySaysNo
from shipworthy.facts import Entry

RECORDED, REVERSED = "govern.decided", "govern.reversed"


def standing_in(entries: Iterable[Entry]) -> tuple[Standing, ...]:
    """Return the decisions against deployment that stand after these entries, in the order they were recorded."""
    standing: dict[Standing, None] = {}
    for entry in entries:
        if entry.kind == RECORDED:
            standing[_read(entry)] = None
        elif entry.kind == REVERSED:
            standing.pop(_read(entry), None)
    return tuple(standing)


def _read(entry: Entry) -> Standing:
    try:
        one: Standing = entry.read(Standing, "standing")
    except (KeyError, ValueError) as error:
        raise CannotDecide(f"the body does not fit {entry.kind}: {error}", f"entry {entry.seq}") from error
    return one


def refuse(entries: Iterable[Entry], version: str) -> None:
    """Raise PolicySaysNo when a decision stands against this version."""
    for one in standing_in(entries):
        if one.holds_for(version):
            raise PolicySaysNo(one.told, f"version {version}", "two people take it back: `shipworthy decide reverse`")
