"""Read the contract of a model repository: every file, every fault, in one go, and never a traceback.

In: the repository's folder. Out: the `Contract` with all faults of all files. The contract is there whenever every file
could be read and is valid; faults of another kind (exit code 4: the note speaks of another change) may come with it.
"""

from __future__ import annotations

from pathlib import Path

from shipworthy.contract import threats
from shipworthy.contract.change import data_files
from shipworthy.contract.contract import Contract, pack_digest, policy_digest
from shipworthy.contract.files.desk import Desk
from shipworthy.contract.files.root import Root
from shipworthy.contract.live_limits import live_limits
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.pack import case_files
from shipworthy.contract.problems import INVALID, Problem, ordered
from shipworthy.contract.stakes import Parts, required
from shipworthy.errors import ContractError
from shipworthy.facts import Digest, digest


def read_contract(root: Path) -> tuple[Contract | None, tuple[Problem, ...]]:
    """Return the contract, or None when a file is missing or invalid, and every fault of every file."""
    desk = Desk(Root(root))
    contract = _read(desk)
    problems = ordered(desk.problems)
    invalid = any(problem.exit_code == INVALID for problem in problems)
    return (None if invalid else contract), problems


def read_manifest(root: Path) -> Manifest:
    """Return the manifest alone. Raises ContractError with every fault when it is missing or invalid."""
    desk = Desk(Root(root))
    desk.read_manifest()
    if desk.manifest is None:
        raise ContractError("\n".join(str(problem) for problem in ordered(desk.problems)))
    return desk.manifest


def read_change(root: Path) -> tuple[Digest | None, tuple[Problem, ...]]:
    """Return the digest of the change as the files stand now, without card and note; None tells why in the problems."""
    desk = Desk(Root(root))
    desk.read_manifest()
    desk.read_named()
    desk.read_pack()
    return desk.change, ordered(desk.problems)


def _read(desk: Desk) -> Contract | None:
    """Read everything, then put it together if all parts are there."""
    desk.problems += desk.root.private_keys(desk.names)
    desk.read_manifest()
    desk.read_named()
    desk.read_policy()
    desk.read_pack()
    desk.read_records()
    desk.read_threats()
    desk.read_incidents()
    card, note, lock = desk.read_card(), desk.read_note(), desk.read_lock()
    if desk.manifest is None:
        return None
    wants = required(_parts(desk, desk.manifest))
    desk.problems += wants.problems
    issuers = desk.named.issuers
    if card is None or note is None or issuers is None or desk.records is None:
        return None
    if desk.policy is None or desk.pack is None or desk.change is None:
        return None
    rows = {name: desk.digests[name] for case in desk.pack.cases for name in case_files(case)}
    return Contract(
        manifest=desk.manifest,
        policy=desk.policy,
        card=card,
        note=note,
        cases=desk.pack.cases,
        seed=desk.pack.pack.seed,
        budget=desk.pack.pack.budget,
        records=desk.records,
        people=desk.named.people,
        issuers=issuers,
        change=desk.change,
        policy_digest=policy_digest(desk.policy),
        pack_digest=pack_digest(desk.pack, rows),
        data_digest=digest({name: desk.named.digests[name] for name in sorted(data_files(desk.manifest))}),
        files=desk.names,
        digests=desk.digests,
        threats=desk.threats,
        lock=lock,
        not_claimed=wants.not_claimed,
        warnings=(
            *wants.warnings,
            *(threats.retired_refs(desk.threats) if desk.threats is not None else ()),
            *live_limits(desk.policy),
        ),
    )


def _parts(desk: Desk, manifest: Manifest) -> Parts:
    written = desk.reading.value if desk.reading is not None else {}
    return Parts(
        manifest=manifest,
        written=frozenset(written),
        policy=desk.policy,
        cases=desk.cases,
        has_threats=threats.FILE in desk.names,
        dev_keys=desk.named.dev_keys,
    )
