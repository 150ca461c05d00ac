"""What open incidents ask of a release: that the cases they became are in its pack, as they were promoted.

In: the contract, and the incidents that are not closed: of this site, and of the shared ledger where one is named. Out:
a red row for each bad one whose cases are gone or changed, and a warning for each that has become no case yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shipworthy.contract.contract import Contract
from shipworthy.contract.pack import case_files
from shipworthy.facts import Block, Digest, Severity
from shipworthy.flows.shared import Shared
from shipworthy.respond.promotion import terms
from shipworthy.runtime.shared_facts import OpenIncident, open_incidents
from shipworthy.runtime.workspace import Workspace

STOPPING = (Severity.SEV1.value, Severity.SEV2.value)


def open_here(workspace: Workspace, model: str) -> tuple[OpenIncident, ...]:
    """Return the incidents of this site that are not closed; none where no site is."""
    if not (workspace.home / "store.db").is_file():
        return ()
    store = workspace.store()
    try:
        return open_incidents(store, model)
    finally:
        store.close()


def known(workspace: Workspace, model: str, shared: Shared) -> tuple[OpenIncident, ...]:
    """Return the incidents that are not closed, by this site and by the shared ledger, each once."""
    elsewhere = shared.facts.incidents if shared.facts is not None else ()
    return tuple(dict.fromkeys((*open_here(workspace, model), *elsewhere)))


def incident_blocks(contract: Contract, incidents: Iterable[OpenIncident]) -> tuple[Block, ...]:
    """Return a red row for each SEV1 or SEV2 incident whose cases are not in the pack as they were promoted."""
    now = {case.id: terms(case, _rows(contract, case_files(case))) for case in contract.cases}
    return tuple(_blocks(now, (one for one in incidents if one.severity in STOPPING)))


def caseless(incidents: Iterable[OpenIncident]) -> tuple[str, ...]:
    """Return a warning for each bad incident that has become no case: a release may still carry its failure."""
    return tuple(
        f"{one.id} ({one.severity}) has become no case: nothing shows that this release is without it"
        for one in incidents
        if one.severity in STOPPING and not one.cases
    )


def _blocks(now: Mapping[str, Digest], incidents: Iterable[OpenIncident]) -> Iterator[Block]:
    for one in incidents:
        gone = sorted(case.id for case in one.cases if case.id not in now)
        other = sorted(case.id for case in one.cases if case.id in now and case.terms and now[case.id] != case.terms)
        told = [f"{', '.join(gone)}: not in the pack"] if gone else []
        told += [f"{', '.join(other)}: not as promoted"] if other else []
        if told:
            fix = "restore the case and its rows from version control, or close the incident"
            yield Block(name=f"incident:{one.id}", because="; ".join(told), fix=fix, exit_code=1)


def _rows(contract: Contract, files: tuple[str, ...]) -> Digest:
    return contract.digests.get(files[0], "") if len(files) == 1 else ""
