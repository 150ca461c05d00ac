"""Was the kill switch practised lately: what the gate asks of the ledgers, by the stakes (DECISIONS §10).

In: the ledger of this site and the shared one, the lock, the contract. Out: a block where it is required, else what to
warn of. A drill counts when it passed, is no older than 30 days (or `drills.every`, if that is shorter), was of the
version at the gate, the last shipped one or the warm baseline, and tells itself that it stopped something in time. What
stands in this site's store counts only below a checkpoint that its key signed: `ended` signs one for each drill. Low
stakes ask for none; standard ones from 90 days after the first ship on, and when nobody knows when that was; high ones
always.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from shipworthy.artifact.files.keys import CHECKPOINT
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import Lock
from shipworthy.contract.stakes import UNPROVEN
from shipworthy.errors import CannotDecide
from shipworthy.facts import DRILL_TENANT, PASSED, Block, Drill, Entry
from shipworthy.flows.shared import Shared
from shipworthy.ledger.audit import audit
from shipworthy.ledger.checkpoint import open_checkpoint
from shipworthy.ledger.files.log import CHECKPOINT_KEY
from shipworthy.respond.drills import DAY_S, DRILLED, age_s, drill_in, target_ms, took_ms
from shipworthy.respond.moments import moment
from shipworthy.runtime.posted import SHIPPED
from shipworthy.runtime.shared_facts import BASELINED
from shipworthy.runtime.workspace import Workspace

NAME: Final = "drill within 30 days"  # its row of `contract.stakes.UNPROVEN`
MOST_DAYS: Final = 30
GRACE_DAYS: Final = 90
KIND: Final = "kill"
UNSIGNED: Final = "no checkpoint of this site's key is over it: practise again"
assert NAME in UNPROVEN


class Wanted(NamedTuple):
    """What a drill must show to count: of which versions, how young (days), how quick (ms), and as of when."""

    versions: set[str]
    days: float
    target_ms: float
    now: datetime


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
    here, there = _here(workspace), list(shared.facts.records if shared.facts else ())
    required = _required(contract.manifest.stakes, lock, [*here, *there], now)
    versions = {contract.manifest.version, *_baselines([*here, *there]), *([lock.subject.version] if lock else [])}
    days = min(MOST_DAYS, contract.manifest.drills.every_s / DAY_S)
    wanted = Wanted(versions, days, target_ms(contract), now)
    told = [(drill, _why_not(entry, drill, wanted)) for entry, drill in _mine(there, model)]
    told += _vouched(
        workspace, [(entry.seq, drill, _why_not(entry, drill, wanted)) for entry, drill in _mine(here, model)]
    )
    if not told:
        return Practised(required=required)
    if any(not why for _, why in told):
        return Practised(shown=True, required=required)
    last, why = max(told, key=lambda one: one[0].at)
    return Practised(required=required, because=f"{last.id} does not count: {why}")


def _mine(entries: Iterable[Entry], model: str) -> list[tuple[Entry, Drill]]:
    """The kill drills of a model, with what they were told in."""
    found = [(entry, drill) for entry in entries if (drill := drill_in(entry)) is not None]
    return [(entry, drill) for entry, drill in found if (drill.model, drill.kind) == (model, KIND)]


def _why_not(entry: Entry, drill: Drill, wanted: Wanted) -> str:
    """Return why a drill does not count; empty when it does."""
    if drill.verdict != PASSED:
        return f"it {drill.verdict}: {drill.because}"
    if entry.actor != drill.by:
        return f"{entry.actor} wrote it in the name of {drill.by}"
    if drill.tenant != DRILL_TENANT:
        return f"it was of tenant {drill.tenant}, which is no tenant of drills"
    if drill.version not in wanted.versions:
        return f"it was of version {drill.version}, which neither serves nor is at the gate"
    took, most = took_ms(drill), min(drill.target_ms, wanted.target_ms)
    if took is None:
        return "it stopped nothing, or no replica is known to have answered"
    if not 0.0 <= took <= most:
        return f"it took {took:.0f} ms, and {most:g} count"
    age = age_s(drill, wanted.now)
    if age is None:
        return f"it is of {drill.at}, which is not in the past"
    return f"it is {age / DAY_S:.0f} days old, and {wanted.days:g} count" if age > wanted.days * DAY_S else ""


def _vouched(workspace: Workspace, found: Iterable[tuple[int, Drill, str]]) -> list[tuple[Drill, str]]:
    """Return drills of this site's store with why they do not count: also those that its key does not vouch for.

    The ledger is verified only where a drill would count otherwise: that takes as long as the ledger is.
    """
    known = list(found)
    size, trouble = _signed(workspace) if any(not why for _, _, why in known) else (0, "")
    return [(drill, why or ("" if seq < size else trouble)) for seq, drill, why in known]


def _signed(workspace: Workspace) -> tuple[int, str]:
    """Return how many entries this site's key vouches for, and what is wrong with all others."""
    store = workspace.store()
    try:
        kept = store.get(CHECKPOINT_KEY)
        if kept is None:
            return 0, UNSIGNED
        key = workspace.ed25519(CHECKPOINT).public_key()
        checkpoint = open_checkpoint(kept.decode("utf-8", "replace"), workspace.origin(), [key])
        report = audit(store.entry_bytes(0, checkpoint.size), {"the kept checkpoint": checkpoint})
    except CannotDecide as problem:
        return 0, f"this site's ledger does not verify: {problem.what}"
    finally:
        store.close()
    if not report.ok:
        return 0, f"this site's ledger does not verify: {report.problems[0]}"
    return checkpoint.size, UNSIGNED


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
