"""The rules of the review queue that need no store: until when a case waits, who must look at it, what an answer means.

The moves of an item are in `store.review`, what is answered where nobody can be asked in `deploy.overflow`. Nothing
here ever answers in a person's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shipworthy.contract.manifest import Decisions
from shipworthy.contract.review_queue import SecondReview
from shipworthy.errors import UsageError
from shipworthy.facts import canonical_segment, contains, seed_of
from shipworthy.indicators import window_seconds
from shipworthy.respond.moments import later, told

_WHOLE = 1 << 63


def expires(at: datetime, retention: str) -> str:
    """Return when the raw input is gone. `retention` is `30m`, `4h`, `7d`. Raises UsageError for anything else."""
    return told(later(at, _seconds(retention)))


def deadline(at: datetime, answer_within: str, retention: str) -> str:
    """Return when the review must be answered: never later than the moment at which its input is gone."""
    return told(later(at, min(_seconds(answer_within), _seconds(retention))))


def people_needed(second: SecondReview | None, request: str, tenant: str, segments: Sequence[str]) -> int:
    """Return how many different people must answer: 2 for a share of the items, chosen by the hash of the request.

    The caller does not choose the id of a request, so nobody can tell beforehand which items are looked at twice.
    """
    if second is None or not _inside(second, tenant, segments):
        return 1
    return 2 if seed_of("second review", request) < second.share * _WHOLE else 1


def changed(decision: str, suggestion: str, words: Decisions) -> bool | None:
    """Return whether an answer overturns the suggestion; None when there was none."""
    return None if suggestion in ("", words.review) else decision != suggestion


def label_of(decision: str, words: Decisions) -> int | None:
    """Return the label that a person's decision is: `deny` 0, `approve` 1, anything else none."""
    return {words.deny: 0, words.approve: 1}.get(decision)


def decision_word(decision: str, words: Decisions) -> str:
    """Return the decision. Raises UsageError for a word that the contract does not have."""
    if decision not in (words.deny, words.approve, words.review):
        known = f"{words.deny}, {words.approve} or {words.review}"
        raise UsageError(f"not a decision: {decision!r}", "review queue", known)
    return decision


def _inside(second: SecondReview, tenant: str, segments: Sequence[str]) -> bool:
    mine = (*segments, canonical_segment({"tenant": (tenant,)}))
    return any(wanted == "*" or any(contains(wanted, one) for one in mine) for wanted in second.segments)


def _seconds(duration: str) -> int:
    try:
        length = window_seconds(duration)
    except ValueError as problem:
        raise UsageError(str(problem), where="retention") from problem
    if length is None:
        raise UsageError("a review needs an end", where="retention", fix="such as 72h")
    return length
