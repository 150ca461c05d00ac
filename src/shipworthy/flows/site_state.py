"""Open the state of a site for one change or one look, and close it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Person
from shipworthy.runtime.admission import admitted
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.known import check_release
from shipworthy.runtime.overridden import is_overridden
from shipworthy.runtime.workspace import Workspace


@contextmanager
def open_site(workspace: Workspace) -> Iterator[Authority]:
    """Yield the authority over the site's state."""
    store = workspace.store()
    try:
        authority = Authority(workspace.state_files(), workspace.ledger(store), store, workspace.clock)
        authority.begin()
        yield authority
    finally:
        store.close()


def acting(contract: Contract, person: str, role: str | None = None) -> Person:
    """Return the person who acts. Raises UsageError for a stranger, PolicySaysNo without the role."""
    found = contract.person(person)
    if found is None:
        known = ", ".join(one.id for one in contract.people)
        raise UsageError(f"{person!r} is not one of the people of this contract", "people", f"they are {known}")
    if role is not None and role not in found.roles:
        raise PolicySaysNo(f"{person} does not have the role {role}", "people", f"ask somebody with the role {role}")
    return found


def shipped_contract(workspace: Workspace, authority: Authority, version: str = "*") -> Contract:
    """Return the contract that the gate passed: of the version, if it passed, else of the baseline.

    Who may loosen is said by what shipped from this site, never by a working copy or a folder that anybody can edit.
    Raises CannotDecide when no release is there, or when what is there is not what this site's ledger knows.
    """
    baseline = authority.state().baseline
    own = workspace.releases / version
    wanted = version if version != "*" and own.is_dir() and not is_overridden(own) else baseline
    if not wanted:
        raise CannotDecide("no version has shipped yet", str(workspace.home))
    contract = admitted(workspace.releases / wanted)
    check_release(authority.ledger.entries(), baseline, workspace.releases / wanted, contract, workspace.now())
    return contract
