"""Decisions that keep a version from being deployed, and what a person signs to take one back.

In: decision records. Out: the `do-not-deploy` and `retire` records that stand, and the digests that approvals name. The
lock and the ledger keep them too: a record that somebody deletes still stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract.record import DecisionRecord
from shipworthy.facts import Digest, Fact, digest

FORBIDS = ("do-not-deploy", "retire")


class Standing(Fact, frozen=True, kw_only=True):
    """One decision that a version (`*` = all) is not deployed, until a reversal that two people signed.

    `at` is the moment it was recorded: the same words recorded again are another decision, which an old reversal does
    not take back.
    """

    id: str
    model: str
    at: str
    kind: str
    version: str
    because: str

    @property
    def told(self) -> str:
        """Return it in words."""
        whom = "every version" if self.version == "*" else f"version {self.version}"
        return f"{self.id}: {self.kind} for {whom}: {self.because}"

    def holds_for(self, version: str) -> bool:
        """True when this decision is about that version."""
        return self.version in ("*", version)


def standing_of(records: Iterable[DecisionRecord], model: str) -> tuple[Standing, ...]:
    """Return the decisions against deployment among these records, in their order; those not accepted do not stand."""
    return tuple(
        Standing(
            id=one.id,
            model=model,
            at=one.front.recorded or one.front.date,
            kind=one.front.kind,
            version=one.front.applies_to or "*",
            because=_line(one.outcome),
        )
        for one in records
        if one.front.kind in FORBIDS and one.accepted
    )


def decision_digest(model: str, kind: str, version: str, because: str, at: str) -> Digest:
    """Return what the person who records a decision against deployment signs."""
    return digest({"decision": kind, "model": model, "version": version, "because": _line(because), "at": at})


def reversal_digest(standing: Standing) -> Digest:
    """Return what two people sign to take exactly this decision back."""
    return digest({"reverses": standing})


def _line(text: str) -> str:
    return " ".join(text.split())
