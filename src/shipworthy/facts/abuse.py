"""Abuse: what a caller did that no honest caller needs to do, as counts that name nobody.

In: nothing. Out: the closed list of kinds, and the count that is kept. A count holds no raw value: the caller is a
keyed pseudonym, the evidence a keyed digest, the time an hour.
"""

from __future__ import annotations

from enum import StrEnum

from shipworthy.facts.base import Fact


class AbuseKind(StrEnum):
    """The closed list of kinds; `observe.abuse.MEANS` says what each of them is."""

    FLOOD = "flood"
    MALFORMED = "malformed"
    FORGED_RECEIPT = "forged_receipt"
    PROBING = "probing"
    NEVER_ATTEMPT = "never_attempt"
    REPEATED_OOD = "repeated_ood"
    PAYLOAD = "payload"
    BAD_TOKEN = "bad_token"
    FOREIGN_TENANT = "foreign_tenant"


class AbuseCount(Fact, frozen=True, kw_only=True):
    """`n` events of one kind in one hour (hours since the epoch, UTC) by one caller of one tenant in one segment.

    `tenant` is `__missing__` when the request did not say, `__other__` where a limit was reached. `caller` is a
    pseudonym such as `p-ab12cd34ef56`, or `__other__`. `evidence` is the smallest keyed digest among the events: one of
    them, drawn by nobody, the same in whatever order they are added up.
    """

    hour: int
    tenant: str
    kind: AbuseKind
    caller: str
    segment: str
    n: int
    evidence: str
