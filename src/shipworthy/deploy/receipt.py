"""Receipts: what finds a decision again when its label comes, without a table per request.

In: an event, out: a compact token authenticated by the site's MAC key; and back. No raw value of the row is in it.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import structs

from shipworthy.artifact.mac import TokenSealer, open_token
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import FIXED, SCORE_BINS, Event, Receipt

LABEL = "receipt"
NO_SCORE = -1
_FIELDS = (
    "request", "version", "tenant", "segments", "minute", "score_bin", "score_q", "arm", "route", "decision", "groups",
)  # fmt: skip
_OLDER = 10  # fields, before there were groups: such receipts go on being taken until they expire
_encode = msgspec.msgpack.Encoder().encode
_Values = tuple[str, str, str, tuple[str, ...], int, int, int, str, str, str, tuple[str, ...]]


class BadReceipt(UsageError):
    """The receipt was not issued here, or is damaged."""


def score_bin(score: float | None) -> int:
    """Return the bin of equal width in [0, 60); -1 without a score.

    >>> [score_bin(score) for score in (0.0, 0.5, 1.0, None)]
    [0, 30, 59, -1]
    """
    return NO_SCORE if score is None else min(int(score * SCORE_BINS), SCORE_BINS - 1)


def score_q(score: float | None) -> int:
    """Return the score in fixed point (times 2**32, rounded); -1 without a score."""
    return NO_SCORE if score is None else round(score * FIXED)


def receipt_of(event: Event) -> Receipt:
    """Return the receipt of a decision."""
    return Receipt(
        request=event.request,
        version=event.version,
        tenant=event.tenant,
        segments=event.segments,
        minute=event.minute,
        score_bin=score_bin(event.score),
        score_q=score_q(event.score),
        arm=event.arm,
        route=event.route,
        decision=event.decision,
        groups=event.groups,
    )


def receipt_of_shadow(receipt: Receipt, shadow: Event) -> Receipt:
    """A shadow score is labelled where its own version saw it; nobody answered by it."""
    return structs.replace(
        receipt,
        version=shadow.version,
        segments=shadow.segments,
        arm=shadow.arm,
        score_bin=score_bin(shadow.score),
        score_q=score_q(shadow.score),
        route="person",
        decision="",
    )


def seal(key: bytes, receipt: Receipt) -> str:
    """Return the token of a receipt. `key`: 32 bytes."""
    return sealer_of(key).seal(_encode([getattr(receipt, name) for name in _FIELDS]))


def seal_event(sealer: TokenSealer, event: Event, score: float | None) -> str:
    """Return the token of an event's receipt, as `seal` and `receipt_of` make it, with `score` in place of its own: a
    receipt can be read, so a withheld score is not in it. `sealer`: see `sealer_of`."""
    bin_, fixed = (NO_SCORE, NO_SCORE) if score is None else (score_bin(score), round(score * FIXED))
    told = (
        event.request, event.version, event.tenant, event.segments, event.minute, bin_, fixed, event.arm, event.route,
        event.decision, event.groups,
    )  # fmt: skip
    return sealer.seal(_encode(told))


@lru_cache(maxsize=8)
def sealer_of(key: bytes) -> TokenSealer:
    """Return what seals the receipts of a key of 32 bytes."""
    return TokenSealer(key, LABEL)


def unseal(key: bytes, token: str) -> Receipt:
    """Return the receipt of a token. Raises BadReceipt unless it was sealed with this key, unchanged."""
    try:
        told = msgspec.msgpack.decode(open_token(key, LABEL, token), type=list)
        values = msgspec.convert([*told, ()] if len(told) == _OLDER else told, _Values)
    except (CannotDecide, msgspec.MsgspecError) as error:
        raise BadReceipt("not a receipt of this site", LABEL, "send the receipt as it came with the answer") from error
    return msgspec.convert(dict(zip(_FIELDS, values, strict=True)), Receipt)
