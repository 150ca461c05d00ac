"""Was the kill switch practised lately: what the gate asks of the ledgers, by the stakes (DECISIONS §10).

In: the ledger of this site and the shared one, the lock, the contract. Out: a block where it is required, else what to
warn of. A drill counts when it passed, is no older than 30 days (or `drills.every`, if that is shorter), and was of the
version at the gate, the last shipped one or the warm baseline. Low stakes ask for none; standard ones from 90 days
after the first ship on, and when nobody knows when that was; high ones always.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import Lock
from shipworthy.contract.stakes import UNPROVEN
from shipworthy.facts import PASSED, Block, Drill, Entry
from shipworthy.flows.shared import Shared
from shipworthy.respond.drills import DAY_S, DRILLED, age_s, drill_in
from shipworthy.respond.moments import moment
from shipworthy.runtime.posted import SHIPPED
from shipworthy.runtime.shared_facts import BASELINED
from shipworthy.runtime.workspace import Workspace

NAME: Final = "drill within 30 days"  # its row of `contract.stakes.UNPROVEN`
MOST_DAYS: Final = 30
GRACE_DAYS: Final = 90
KIND: Final = "kill"
assert NAME in UNPROVEN


class Practised(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a drill counts (`shown`), whether the stakes require one, and why it does not count."""

    shown: bool = False
    required: bool = False
    because: str = "nothing shows it"

    @property
    def blocks(self) -> tuple[Block, ...]:
        """A red row where a drill is required and none counts."""
        if self.shown or not self.required:
            return ()
        return (Block(name=NAME, because=f"required, and {self.because}", fix=UNPROVEN[NAME], exit_code=4),)

    def warnings(self, told: Iterable[str]) -> tuple[str, ...]:
        """Return the warnings without that of the drill once it is shown; with the reason where there is one."""
        plain, better = f"no {NAME}: {UNPROVEN[NAME]}", f"no {NAME} ({self.because}): {UNPROVEN[NAME]}"
        reason = better if self.because != Practised().because else plain
        return tuple(reason if one == plain else one for one in told if not (self.shown and one == plain))

    def not_claimed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what is still not claimed."""
        return tuple(one for one in names if not (self.shown and one.startswith(f"{NAME}:")))


def practised(workspace: Workspace, contract: Contract, shared: Shared) -> Practised:
    """Return what the ledgers know of the drills of this model."""
    model, lock, now = contract.manifest.model, contract.lock, workspace.clock()
    entries = [*_here(workspace), *(shared.facts.records if shared.facts else ())]
    versions = {contract.manifest.version, *_baselines(entries), *([lock.subject.version] if lock else [])}
    found = [drill for entry in entries if (drill := drill_in(entry)) is not None]
    mine = [one for one in found if (one.model, one.kind) == (model, KIND)]
    days = min(MOST_DAYS, contract.manifest.drills.every_s / DAY_S)
    required = _required(contract.manifest.stakes, lock, entries, now)
    if any(_why_not(one, versions, days, now) == "" for one in mine):
        return Practised(shown=True, required=required)
    if not mine:
        return Practised(required=required)
    last = max(mine, key=lambda one: one.at)
    return Practised(required=required, because=f"{last.id} does not count: {_why_not(last, versions, days, now)}")


def _why_not(drill: Drill, versions: set[str], days: float, now: datetime) -> str:
    """Return why a drill does not count; empty when it does."""
    if drill.verdict != PASSED:
        return f"it {drill.verdict}: {drill.because}"
    if drill.version not in versions:
        return f"it was of version {drill.version}, which neither serves nor is at the gate"
    age = age_s(drill, now)
    if age is None:
        return f"it is of {drill.at}, which is not in the past"
    return f"it is {age / DAY_S:.0f} days old, and {days:g} count" if age > days * DAY_S else ""


def _required(stakes: str, lock: Lock | None, entries: Iterable[Entry], now: datetime) -> bool:
    if stakes != "standard":
        return stakes == "high"
    known = [entry.at for entry in entries if entry.kind == SHIPPED]
    known += [lock.first_shipped] if lock is not None else []
    if not known:
        return False  # nothing has shipped
    try:
        return any((now - moment(at)).total_seconds() >= GRACE_DAYS * DAY_S for at in known)
    except ValueError:
        return True  # nobody knows since when


def _baselines(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The warm baseline of each ledger, as it was last told."""
    told = [str(entry.body.get("version", "")) for entry in entries if entry.kind == BASELINED]
    return tuple(told[-1:])


def _here(workspace: Workspace) -> list[Entry]:
    if not (workspace.home / "store.db").is_file():
        return []
    store = workspace.store()
    try:
        return [entry for entry in store.entries() if entry.kind in (SHIPPED, BASELINED, DRILLED)]
    finally:
        store.close()
