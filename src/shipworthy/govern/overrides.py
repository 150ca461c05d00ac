"""Overrides: two people let a blocked or undecided release through, for a while, knowing exactly what they let through.

The design, end to end:

- The verdict stays what it is. An override never turns a row green; it says who stands for which red rows, why, what
  compensates, where (tenants, share) and until when (at most 14 days). It is a fact; its digest is what people sign.
- Two people of the *last shipped* contract sign: one in the role of operator (who asks), another with another key in
  the role of reviewer. A first release has no such contract and nothing to go back to: it cannot be overridden.
- It names the digest of one verdict and all of its red rows. Another artefact, policy or measurement makes another
  verdict, which it does not cover. What may be covered at all is the closed list of `overridable.py`.
- `ship --override ID` signs a verification summary of another level, under the override as its policy; the lock does
  not move, so what comes next is still compared with what last passed. Whoever asks for a passed verdict gets none.
- The runtime admits it only while it holds, routes no other tenant and no larger share to it, says so in the header of
  every answer, never makes it the baseline, and when the moment has come goes back to the baseline.

In: facts, people, the time as text. Out: nothing, or PolicySaysNo with the reason. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from shipworthy.artifact.approval import two_people
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Approval, Digest, Entry, Granted, Override, Person, Subject, Verdict, digest
from shipworthy.govern.overridable import red_rows

REQUESTED, APPROVED = "govern.override_requested", "govern.override_approved"
LONGEST = timedelta(days=14)
ROLES = ("operator", "reviewer")  # who asks, who approves: two people with two keys
WHOLE_BP = 10_000
MOST_TEXT = 2_000
_ID = re.compile(r"OVR-[0-9]{4}-[0-9]{4,9}")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def judged_digest(verdict: Verdict) -> Digest:
    """Return the digest of what was judged: what a report tells beside it may come and go, and decides nothing."""
    return digest(msgspec.structs.replace(verdict, warnings=(), not_claimed=(), overrides=()))


def check_asked(override: Override) -> None:
    """Raise PolicySaysNo unless the override says everything it must, in a form that can be read in one way."""
    reason = _unsaid(override)
    if reason:
        raise PolicySaysNo(reason, override.id[:40])


def check_holds(granted: Granted, people: Iterable[Person], subject: Subject, now: str) -> None:
    """Raise PolicySaysNo unless this override of exactly this subject is signed by two people and holds at `now`."""
    override = granted.override
    check_asked(override)
    if override.subject != subject:
        raise PolicySaysNo("the override is about another subject", override.id)
    if not override.requested_at <= now:
        raise PolicySaysNo(f"the override begins at {override.requested_at}", override.id)
    if not now < override.until:
        raise PolicySaysNo(f"the override ended at {override.until}", override.id, "go back to what passed")
    who = two_people(granted.approvals, people, ROLES, digest(override))
    if who[0] != override.requested_by:
        raise PolicySaysNo(f"{override.requested_by} asked, and {who[0]} signed for it", override.id)


def check_covers(override: Override, verdict: Verdict) -> None:
    """Raise PolicySaysNo unless the override names exactly this verdict and all of its red rows."""
    if override.subject != verdict.subject:
        raise PolicySaysNo("the override is about another subject", override.id, "ask for one of this release")
    if override.covers != red_rows(verdict):
        raise PolicySaysNo("the override covers other rows than are red", override.id, "ask for one of this verdict")
    if override.verdict != judged_digest(verdict):
        raise PolicySaysNo("the override is about another verdict", override.id, "ask for one of this verdict")


def granted_in(entries: Iterable[Entry]) -> tuple[Granted, ...]:
    """Return what the ledger tells of overrides: each as it was asked for, with the signatures it has so far."""
    found: dict[str, Granted] = {}
    for entry in entries:
        if entry.kind == REQUESTED:
            override: Override = entry.read(Override, "override")
            found.setdefault(override.id, Granted(override=override, approvals=(entry.read(Approval, "approval"),)))
        elif entry.kind == APPROVED and entry.body["override"] in found:
            before = found[entry.body["override"]]
            signed = signed_by((*before.approvals, entry.read(Approval, "approval")))
            found[entry.body["override"]] = msgspec.structs.replace(before, approvals=signed)
    return tuple(found.values())


def signed_by(approvals: Iterable[Approval]) -> tuple[Approval, ...]:
    """Return the signatures, each once."""
    return tuple(dict.fromkeys(approvals))


def line(granted: Granted) -> str:
    """Return the one line that every report shows of an override that holds."""
    return line_of(granted.override, f" by {people(granted)}")


def line_of(override: Override, by: str = "") -> str:
    """Return that line; `by` says who signed."""
    where = f"version {override.subject.version}, tenants {', '.join(override.tenants)}, at most {share(override)}"
    return (
        f"{override.id} until {moment(override.until)}{by}: {'; '.join(override.covers)} [{where}] "
        f"because: {' '.join(override.reason.split())}; instead: {' '.join(override.compensating_control.split())}"
    )


def people(granted: Granted) -> str:
    """Return who signed, each once."""
    return " and ".join(dict.fromkeys(approval.person for approval in granted.approvals))


def moment(at: str) -> str:
    """Return a moment as people read it, to the second; never later than it is.

    >>> moment("2027-01-09T09:00:00.123456Z")
    '2027-01-09T09:00:00Z'
    """
    return f"{at[:19]}Z"


def share(override: Override) -> str:
    """Return the share cap in words."""
    return f"{override.share_bp / 100:g} % of units"


def header(override: Override) -> str:
    """Return the value of the response header `x-shipworthy-override`."""
    return f"{override.id}; until={override.until}"


def _unsaid(override: Override) -> str:
    """Return what is missing or too much; empty when nothing is."""
    if not _ID.fullmatch(override.id):
        return "not the id of an override"
    texts = {"reason": override.reason, "compensating control": override.compensating_control}
    for name, text in texts.items():
        if not text.strip() or len(text) > MOST_TEXT or not _is_plain(text):
            return f"the {name} must be said, in at most {MOST_TEXT} plain characters"
    if not override.covers or override.covers != tuple(sorted(set(override.covers))):
        return "the red rows it covers must be named, each once, sorted"
    if (
        not override.tenants
        or not all(one and _is_plain(one) for one in override.tenants)
        or len(set(override.tenants)) < len(override.tenants)
    ):
        return "the tenants must be named, each once; `*` is all of them"
    if not 1 <= override.share_bp <= WHOLE_BP:
        return "the share must be above 0 and at most 100 percent"
    return _too_long(override.requested_at, override.until)


def _is_plain(text: str) -> bool:
    """No control characters: the text is shown to people who must not be shown anything else by it."""
    return " ".join(text.split()).isprintable()


def _too_long(start: str, end: str) -> str:
    if not (_AT.fullmatch(start) and _AT.fullmatch(end)):
        return "its moments must be RFC 3339 in UTC, with microseconds"
    try:
        lasts = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    except ValueError:
        return "its moments must be real ones"
    if not timedelta(0) < lasts <= LONGEST:
        return f"it must end after it begins, and within {LONGEST.days} days"
    return ""
