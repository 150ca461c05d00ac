"""What stays open because the rows that would settle it do not exist yet, and what people sign to live with that.

In: cases and decision records. Out: which cases run without rows that their generator wants, what is signed to accept
one, and which records accept it. An acceptance is over one case as it is written and over the data as they are, and it
ends: at its date, at the latest a year ahead. Whose signatures count is for the caller to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from shipworthy.contract.generators import NO_ROWS, SHAPES
from shipworthy.contract.record import DecisionRecord
from shipworthy.facts import Case, Digest, digest

KIND = "acceptance"
LONGEST = timedelta(days=366)


def leaves_open(case: Case) -> bool:
    """True when the case is written with `none` for rows that its generator compares with."""
    given = case.generator or {}
    shape = SHAPES.get(str(given.get("name")))
    return shape is not None and any(given.get(key) == NO_ROWS for key in shape.without)


def acceptance_digest(model: str, case: Case, data: Digest, until: str) -> Digest:
    """Return what people sign to accept that this case decides nothing better on these data until that day."""
    return digest({"accepts": case, "model": model, "data": data, "until": until})


def holds_on(until: str | None, today: str) -> bool:
    """True when an acceptance until that day still holds, and ends within a year. Days are written 2026-01-31.

    >>> holds_on("2026-01-31", "2026-01-31"), holds_on("2026-01-31", "2026-02-01"), holds_on("2030-01-01", "2026-02-01")
    (True, False, False)
    """
    try:
        end, now = date.fromisoformat(until or ""), date.fromisoformat(today)
    except ValueError:
        return False
    return now <= end <= now + LONGEST


def accepting(
    records: Iterable[DecisionRecord], model: str, case: Case, data: Digest, today: str
) -> tuple[DecisionRecord, ...]:
    """Return the accepted records over exactly this case and data whose day has not passed."""
    return tuple(
        one
        for one in records
        if one.front.kind == KIND
        and one.accepted
        and leaves_open(case)
        and holds_on(one.front.next_review, today)
        and one.front.covers == acceptance_digest(model, case, data, one.front.next_review or "")
    )
