"""The gate and the shared ledger: facts before the verdict, an entry before the answer (DECISIONS §10).

In: a workspace whose environment may name a ledger. Out: what it told. Unreachable ends the verb at high stakes with
exit code 5; at others it is a warning in every report, and the gate goes on with what the lock knows. An answer that
does not parse is no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.contract.stakes import UNPROVEN
from shipworthy.errors import Unreachable
from shipworthy.facts import Entry, Granted, Verdict, digest
from shipworthy.runtime.posted import DECIDED, SHIPPED
from shipworthy.runtime.shared_facts import Promoted, SharedFacts
from shipworthy.runtime.workspace import SHARED, Workspace

if TYPE_CHECKING:
    from shipworthy.runtime.ledger_client import LedgerClient

PROVES = "shared ledger"  # the row of `contract.stakes.UNPROVEN` that an appended entry proves
assert PROVES in UNPROVEN


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate knows of the shared ledger. Without one, or when it cannot be used, `facts` is None."""

    client: LedgerClient | None = None
    facts: SharedFacts | None = None
    must: bool = False
    trouble: str = ""

    @property
    def overrides(self) -> tuple[Granted, ...]:
        """Overrides that were asked for there; whether they hold is for the caller to check."""
        return self.facts.overrides if self.facts else ()

    @property
    def promoted(self) -> tuple[Promoted, ...]:
        """Cases that incidents became, with the digests of their rows."""
        return self.facts.promoted if self.facts else ()

    @property
    def shipped(self) -> bool:
        """True when a version of this model has shipped."""
        return self.facts is not None and bool(self.facts.shipped)

    @property
    def checkpoint(self) -> str:
        """The ledger as it was when it was asked, signed; empty without one."""
        return self.facts.checkpoint if self.facts else ""

    def records(self, prefix: str) -> tuple[Entry, ...]:
        """Return the ledger's entries of a kind that begins so, such as `govern.`."""
        return tuple(one for one in self.facts.records if one.kind.startswith(prefix)) if self.facts else ()

    def unproven(self) -> dict[str, str]:
        """Return what still no record shows of what high stakes require."""
        return {name: fix for name, fix in UNPROVEN.items() if self.facts is None or name != PROVES}

    def not_claimed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what is still not claimed."""
        return tuple(name for name in names if self.facts is None or not name.startswith(f"{PROVES}:"))

    def warnings(self, contract: Contract) -> tuple[str, ...]:
        """Return the contract's warnings with those of the ledger."""
        if self.facts is None:
            return (*contract.warnings, self.trouble) if self.trouble else contract.warnings
        answered = f"no {PROVES}: {UNPROVEN[PROVES]}"
        open_ = [f"{one.id} is open ({one.severity}): {one.title}" for one in self.facts.incidents]
        rest = (warning for warning in contract.warnings if warning != answered)
        return (*rest, *open_)

    def tell(self, kind: str, body: Mapping[str, Any]) -> str:
        """Append an entry before anybody is answered; return "", or what to warn of. Raises Unreachable if it must."""
        if self.client is None or self.facts is None:
            return ""
        try:
            self.client.append(kind, body)
        except Unreachable as problem:
            if self.must:
                raise
            return str(problem)
        return ""


def look_up(workspace: Workspace, contract: Contract) -> Shared:
    """Ask the shared ledger, if the environment names one. Raises Unreachable at high stakes."""
    if not workspace.environment.get(SHARED[0]):
        return Shared()
    from shipworthy.runtime.ledger_client import ledger_client  # HTTP is loaded where it is needed

    client = ledger_client(workspace.environment)
    if client is None:
        return Shared()
    must = contract.manifest.stakes == "high"
    if must and not client.key:
        what = "the shared ledger cannot be used: at high stakes its key is pinned"
        raise Unreachable(what, SHARED[4], "write what `shipworthy ledger key` prints at the site")
    try:
        return Shared(client=client, facts=client.facts(contract.manifest.model), must=must)
    except Unreachable as problem:
        if must:
            raise
        return Shared(client=client, trouble=str(problem))


def tell_decided(shared: Shared, verdict: Verdict) -> Verdict:
    """Append the verdict to the shared ledger and return it, with a warning when that did not work."""
    told = {"subject": verdict.subject, "decision": verdict.decision, "verdict": digest(verdict)}
    return _warned(verdict, shared.tell(DECIDED, told))


def tell_shipped(shared: Shared, verdict: Verdict) -> Verdict:
    """Append that this subject has shipped."""
    return _warned(verdict, shared.tell(SHIPPED, {"subject": verdict.subject, "first": verdict.first}))


def _warned(verdict: Verdict, trouble: str) -> Verdict:
    if not trouble:
        return verdict
    return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, trouble))
