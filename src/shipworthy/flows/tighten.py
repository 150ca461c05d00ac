"""Tighten by hand: hold first, ask who answers by it, then write it down.

In: a scope, a posture, a reason and a person of the contract. Out: an order that holds, then ledger entries
`respond.ordered` and, of every replica of this host with the time it took, `respond.acknowledged`, when the ledger
lives. Nothing that can hang stands before the hold but the number from the store, waited for a moment only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from shipworthy.contract.files.reader import read_manifest
from shipworthy.contract.problems import plainly
from shipworthy.contract.words import on_one_line, unfit
from shipworthy.errors import CannotDecide, ShipworthyError, Unreachable, UsageError
from shipworthy.facts import Held, Named, RuntimeState, Scope
from shipworthy.flows.site_state import open_site
from shipworthy.respond import playbook, postures
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.posture import StateFiles
from shipworthy.store.replicas import Replica
from shipworthy.store.sqlite import SqliteStore

ACKNOWLEDGED: Final = "respond.acknowledged"
NUMBER_WITHIN_S: Final = 0.2
_log = logging.getLogger("shipworthy.tighten")


class Tripped(NamedTuple):
    """An order that holds, by which epoch, and the moment just before it did (nanoseconds, monotonic clock)."""

    held: Held
    epoch: int
    since_ns: int


def trip(workspace: Workspace, scope: Scope, posture: Named, because: str, person: str) -> Tripped:
    """Give an order by hand: it holds at once, also when store and ledger are dead.

    Raises UsageError for a person who is not one of the contract's, or a segment that cannot be read, ContractError
    when the manifest cannot be read, CannotDecide where no site is.
    """
    known = [one.id for one in read_manifest(workspace.root).people]
    if person not in known:
        what = f"{person!r} is not one of the people of this contract"
        raise UsageError(what, "people", f"they are {', '.join(known)}")
    held = playbook.by_person(person, scope, posture, kept(because), _number(workspace), workspace.clock())
    return hold(workspace.state_files(), held)


def hold(files: StateFiles, held: Held) -> Tripped:
    """Make an order hold by the state files alone; without an id, or with one that another order has, it gets one from
    what it orders."""
    if not held.order.id:
        held = playbook.renamed(held)
    postures.order(RuntimeState(), held)  # raises for an order that cannot be read
    since_ns = time.monotonic_ns()
    try:
        files.journal_kill(held)
    except CannotDecide:  # a store that was put back gives numbers again
        held = playbook.renamed(held)
        files.journal_kill(held)
    return Tripped(held, files.epoch(), since_ns)


def record(workspace: Workspace, tripped: Tripped, replicas: Sequence[Replica] | None = None) -> str:
    """Write down what holds, and who acknowledged it; return why that was not possible, or ""."""
    try:
        with open_site(workspace) as authority:  # which takes the journal up
            if replicas is not None:
                body = {"order": tripped.held.order.id, "epoch": tripped.epoch, "replicas": list(replicas)}
                authority.note(tripped.held.order.by, ACKNOWLEDGED, body)
    except ShipworthyError as problem:
        _log.warning("%s holds and is journalled; the ledger does not know it yet", tripped.held.order.id)
        return str(problem)
    return ""


def kept(because: str) -> str:
    """Return the reason as it can be kept: an order is never refused for the words it comes with."""
    line = on_one_line(because)
    return plainly(line) if unfit(line) else line


def _number(workspace: Workspace) -> str:
    """Return the next number of an order, or "" when the store does not give one soon."""
    if not workspace.home.joinpath("store.db").exists():
        return ""
    try:
        store = SqliteStore(workspace.home / "store.db", busy_s=NUMBER_WITHIN_S)
        try:
            return store.next_id("ORD", workspace.clock().year)
        finally:
            store.close()
    except (CannotDecide, Unreachable):
        return ""
