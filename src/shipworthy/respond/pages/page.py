"""What a page is: one thing that a person must know, the one thing to confirm, and the command that confirms it.

In: the fields. Out: a `Page`, the key by which systems for paging tell two pages apart, and texts cut to a limit. A
page holds no secret and no raw input; a tenant stands in it as the contract lets it be shown.

Severities as PagerDuty Events v2 names them (payload.severity), priorities as on-call tools number them.
"""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from shipworthy.facts import Fact, Severity
from shipworthy.facts.segments import canonical_segment, parse_segment

MOST_KEY: Final = 255  # bytes; PagerDuty's dedup_key
MOST_TITLE: Final = 200
WORD_OF: Final = {
    Severity.SEV1: "critical",
    Severity.SEV2: "error",
    Severity.SEV3: "warning",
    Severity.SEV4: "info",
}
PRIORITY_OF: Final = {Severity.SEV1: "P1", Severity.SEV2: "P2", Severity.SEV3: "P3", Severity.SEV4: "P4"}


class Phase(StrEnum):
    """Where a page stands."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Page(Fact, frozen=True, kw_only=True):
    """One page. `kind` names what happened, as `dev.shipworthy.<kind>.v1`; `at` since when, `ended` until when it held.

    `confirm`: the one thing that a person must make sure of, `command`: how. `step`: how often the next person was
    called, `call`: whom by then. `orders`: the orders it is about, worst first. `entry`: the ledger entry that it tells
    of, -1 when it is not about one. Times are RFC 3339 text.
    """

    key: str
    kind: str
    severity: Severity
    title: str
    because: str
    model: str
    slo: str
    at: str
    confirm: str
    command: str
    version: str = "*"
    tenant: str = "*"
    segment: str = "*"
    orders: tuple[str, ...] = ()
    incident: str = ""
    runbook: str = ""
    phase: Phase = Phase.FIRING
    ended: str = ""
    step: int = 0
    call: tuple[str, ...] = ()
    epoch: int = 0
    entry: int = -1


def going_on(before: Page | None, page: Page) -> Page:
    """Return the page as it goes on from what it was: it began when it began, and was first told in that epoch."""
    if before is None or before.phase is Phase.RESOLVED:
        return page
    return replace(page, at=min(before.at, page.at), epoch=before.epoch)


def news(page: Page | None) -> tuple[object, ...]:
    """Return what must be told anew when it changes; numbers in a reason move every minute and call nobody again."""
    if page is None:
        return ()
    told = page.key, page.at, page.kind, page.severity, page.phase, page.step, page.call
    return *told, page.entry, frozenset(page.orders)


def key_of(model: str, segment: str, slo: str) -> str:
    """Return `model/segment/slo` in at most 255 bytes; of a longer one the beginning and a hash of all of it.

    >>> key_of("triage", "supplier=S2", "ood_repeats")
    'triage/supplier=S2/ood_repeats'
    """
    whole = line(f"{model}/{segment}/{slo}")
    if len(whole.encode()) <= MOST_KEY:
        return whole
    tail = f"#{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
    return clip_bytes(whole, MOST_KEY - len(tail)) + tail


def with_tenant(segment: str, tenant: str) -> str:
    """Return the segment with the tenant as one more term; a segment that cannot be read stays as it is.

    >>> with_tenant("supplier=S2", "acme")
    'supplier=S2;tenant=acme'
    """
    if tenant == "*":
        return segment
    try:
        return canonical_segment({**parse_segment(segment), "tenant": (tenant,)})
    except ValueError:
        return f"{segment};tenant={tenant}"


def line(text: str) -> str:
    """Return the text on one line: blanks for what does not print, no half of a surrogate pair."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(each if each.isprintable() else " " for each in whole).split())


def clip(text: str, most: int) -> str:
    """Return at most `most` characters, cut between two characters as people see them; what was cut shows as `…`.

    >>> clip("degraded", 5)
    'degr…'
    """
    if len(text) <= most:
        return text
    return f"{text[: _between(text, max(most - 1, 0))]}…"


def clip_bytes(text: str, most: int) -> str:
    """Return the beginning of a text that takes at most `most` bytes of UTF-8, cut between two characters."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return text[: _between(text, len(raw[:most].decode("utf-8", "ignore")))]


def _between(text: str, at: int) -> int:
    """Return the last place up to `at` where no mark that belongs to the character before it is cut off."""
    while 0 < at < len(text) and (unicodedata.combining(text[at]) or "\u200d" in text[at - 1 : at + 1]):
        at -= 1
    return at
