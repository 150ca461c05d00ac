"""The abuse log in memory: events become counts per hour, kind, tenant, pseudonym and segment, and nothing else.

In: events whose caller is a pseudonym and whose evidence is a digest already. Out: `AbuseCount`s, running totals of
this shard. A total only grows, so that sending it twice, late or in any order leaves the same counts in the store.

At most `MOST_LIVE` keys are held. What comes over that is counted by kind and hour under `__other__`, so that neither a
flood nor invented tenants cost more memory, and `spilled` says how much: nothing is lost unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.facts import OTHER, AbuseCount, AbuseKind

HOUR = 60  # minutes
MOST_LIVE = 1000
MOST_NAME = 100  # characters of a tenant's name
Key = tuple[int, str, AbuseKind, str, str]  # hour, tenant, kind, caller, segment
MEANS: Mapping[AbuseKind, str] = {
    AbuseKind.FLOOD: "a request that the throttle of its tenant refused",
    AbuseKind.MALFORMED: "a body that was refused: no JSON, another shape, too large, encoded, without its tenant",
    AbuseKind.FORGED_RECEIPT: "a label with a receipt that this site did not make",
    AbuseKind.PROBING: "requests of one caller that keep changing one feature, or what may change, of rows sent before",
    AbuseKind.NEVER_ATTEMPT: "a request whose answer a never event withheld; as often the model's fault",
    AbuseKind.REPEATED_OOD: "requests of one caller, again and again out of distribution while others' are not",
    AbuseKind.PAYLOAD: "control characters, markup or template code in a text or in a category that nobody declared",
    AbuseKind.BAD_TOKEN: "a token or key that is unknown, over, revoked, or of another scope",
    AbuseKind.FOREIGN_TENANT: "a row or a label of a tenant that the caller's key does not speak for",
}


class Tally:
    """Counts of one shard. Single thread, bounded."""

    def __init__(self, most: int = MOST_LIVE) -> None:
        self._most = most
        self._counts: dict[Key, AbuseCount] = {}
        self._unsaved: dict[Key, None] = {}
        self._from = 0
        self.spilled = 0

    def __len__(self) -> int:
        return len(self._counts)

    def add(
        self, hour: int, kind: AbuseKind, tenant: str, caller: str, evidence: str, segment: str = "*", n: int = 1
    ) -> None:
        """Count `n` events. Raises ValueError when n is below 1.

        An event of an hour that was forgotten counts in the oldest one held: a total that began anew would be lost.
        """
        if n < 1:
            raise ValueError(f"{n} events")
        hour = max(hour, self._from)
        key: Key = (hour, named(tenant), kind, caller, segment)
        if key not in self._counts and len(self._counts) >= self._most:
            self.spilled += n
            key = (hour, OTHER, kind, OTHER, "*")
        before = self._counts.get(key)
        least = evidence if before is None else min(before.evidence, evidence)
        self._counts[key] = _count(key, n if before is None else before.n + n, least)
        self._unsaved[key] = None

    def unsaved(self) -> tuple[AbuseCount, ...]:
        """Return the totals that have grown since they were last known to be saved, sorted."""
        return tuple(self._counts[key] for key in sorted(self._unsaved))

    def saved(self, counts: Sequence[AbuseCount]) -> None:
        """Note that these totals are kept; one that has grown meanwhile stays unsaved."""
        for one in counts:
            key = key_of(one)
            if self._counts.get(key) == one:
                self._unsaved.pop(key, None)

    def forget(self, before_hour: int) -> None:
        """Drop the saved totals of hours before this one. What could not be saved yet stays."""
        self._from = max(self._from, before_hour)
        self._counts = {key: one for key, one in self._counts.items() if key[0] >= before_hour or key in self._unsaved}


def named(tenant: str) -> str:
    """Return the tenant as it is kept. A name of more than 100 characters, or that no screen shows, is `__other__`.

    >>> named("acme"), named("\\x1b[2J"), named("")
    ('acme', '__other__', '__other__')
    """
    return tenant if 0 < len(tenant) <= MOST_NAME and tenant.isprintable() else OTHER


def first_kept(now_minute: int, kept_minutes: int) -> int:
    """Return the first hour whose counts may still be kept: one that began no longer ago than that.

    >>> first_kept(1000, 60), first_kept(960, 60), first_kept(961, 60)
    (16, 15, 16)
    """
    return -((kept_minutes - now_minute) // HOUR)


def key_of(one: AbuseCount) -> Key:
    """Return what a count is of."""
    return one.hour, one.tenant, one.kind, one.caller, one.segment


def _count(key: Key, n: int, evidence: str) -> AbuseCount:
    hour, tenant, kind, caller, segment = key
    return AbuseCount(hour=hour, tenant=tenant, kind=kind, caller=caller, segment=segment, n=n, evidence=evidence)
