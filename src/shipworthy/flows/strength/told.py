"""What became of each mutant in words: for a survivor what would have noticed it, for a healthy one what was too tight.

In: the mutants with what was found, and the release's own numbers. Out: `Tried`, in the catalogue's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shipworthy.evaluate.mutants.kind import Mutant
from shipworthy.evaluate.mutants.moved import Seen, most_moved
from shipworthy.flows.strength.trial import Base, Found
from shipworthy.gate.strength import Tried


def told(found: Sequence[tuple[Mutant, Found]], base: Base) -> tuple[Tried, ...]:
    """Return the rows of the record."""
    healthy = [base.seen, *(one.seen for mutant, one in found if mutant.healthy and one.seen)]
    return tuple(
        Tried(
            id=mutant.id,
            clause=mutant.clause,
            does=mutant.does,
            healthy=mutant.healthy,
            stopped=one.stopped,
            by=one.by,
            requests=one.requests,
            sent=one.sent,
            told=_told(mutant, one, healthy),
        )
        for mutant, one in found
    )


def _told(mutant: Mutant, one: Found, healthy: Iterable[Mapping[str, Seen]]) -> str:
    if one.stopped == "not made" or (mutant.healthy and one.stopped == "gate"):
        return "; ".join(one.why)
    if mutant.healthy or one.stopped != "nowhere":
        return ""
    moved = most_moved(one.seen, list(healthy))
    seen = "nothing that is measured parts it from healthy ones" if moved is None else f"would have noticed it: {moved}"
    return f"{seen}; made for its kind: {mutant.asks_for}"
