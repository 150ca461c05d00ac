"""Practise on the synthetic tenant: run a drill against the serving gateway, and tell of those that were run.

In: a workspace, a person of the contract that shipped, where the gateway listens. Out: a recorded `Drill`. Nothing real
is touched: what a drill orders reaches `__drill__` only, which no caller can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shipworthy.errors import UsageError
from shipworthy.facts import Drill
from shipworthy.flows.site_state import acting, open_site, shipped_contract
from shipworthy.respond import drills
from shipworthy.respond.drills import DAY_S, DrillBook
from shipworthy.runtime.address import Serving, serving
from shipworthy.runtime.drilling import TRIPS, Site, answering, practise, settled, sweep
from shipworthy.runtime.gameday import CONFIRM_WITHIN_S, play
from shipworthy.runtime.workspace import Workspace


def drill(
    workspace: Workspace, kind: str, person: str, *, url: str = "", segment: str = "*", trips: int = TRIPS
) -> Drill:
    """Run a drill of `kind` and return it, recorded. Raises CannotDecide when no gateway serves, Unreachable when it
    does not answer, UsageError for a stranger."""
    with _site(workspace, person, url) as site:
        return practise(site, kind, person, segment, trips)


def gameday(
    workspace: Workspace,
    fault: str,
    person: str,
    *,
    url: str = "",
    confirm_within_s: float = CONFIRM_WITHIN_S,
    say: Callable[[str], None] = lambda text: None,
) -> Drill:
    """Inject a fault for the synthetic tenant; return the recorded times to detect, to degrade and to confirm. `say`
    hears the command that confirms what a machine ordered."""
    with _site(workspace, person, url) as site:
        return play(site, fault, person, confirm_within_s, say)


def known(workspace: Workspace) -> tuple[Drill, ...]:
    """Return the drills that the ledger of this site knows, oldest first."""
    with open_site(workspace) as authority:
        book = DrillBook()
        book.read(authority.ledger.entries())
    return tuple(book.done)


def one(workspace: Workspace, drill_id: str) -> Drill:
    """Return one drill. Raises UsageError when there is none of that id."""
    found = [drill for drill in known(workspace) if drill.id == drill_id]
    if not found:
        raise UsageError(f"no drill {drill_id} is recorded", drill_id, "see `shipworthy drill list`")
    return found[-1]


def schedule(workspace: Workspace) -> dict[str, Any]:
    """Return what is due: the interval, the last passed drill of each kind, its age in days, and whether one is due."""
    with open_site(workspace) as authority:
        contract = shipped_contract(workspace, authority)
        book = DrillBook()
        book.read(authority.ledger.entries())
    now, wanted, model = workspace.clock(), contract.manifest.drills, contract.manifest.model
    last: dict[str, Any] = {}
    for kind in drills.POSTURES:
        passed = book.last_passed(kind, model)
        age = drills.age_s(passed, now) if passed is not None else None
        last[kind] = {"drill": passed.id if passed else None, "age_d": None if age is None else round(age / DAY_S, 2)}
    is_due = drills.due(book, model, wanted.every_s, now)
    return {"every": wanted.every, "run": wanted.run, "at": wanted.at, "last_passed": last, "due": is_due}


@contextmanager
def _site(workspace: Workspace, person: str, url: str) -> Iterator[Site]:
    with open_site(workspace) as authority:
        version, arm = answering(settled(authority))
        contract = shipped_contract(workspace, authority, version)
        acting(contract, person)
        sweep(authority, DrillBook(), workspace.clock())
        yield Site(workspace, authority, _target(workspace, url), contract, arm)


def _target(workspace: Workspace, url: str) -> Serving:
    if not url:
        return serving(workspace.home)
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"not an address: {url!r}", "--url", "such as http://127.0.0.1:8080")
    return Serving(url=url, pid=0)
