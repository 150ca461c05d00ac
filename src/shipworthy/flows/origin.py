"""What is known about how the artefact came to be: its provenance and a rebuild, as the gate takes them.

In: the workspace, its contract, the artefact. Out: `Origins`: records, blocks, warnings. A record that cannot be read
is a block, never as good as none.
"""

from __future__ import annotations

import msgspec

from shipworthy.artifact.provenance import Provenance
from shipworthy.artifact.rebuilt import Rebuilt, is_of, rebuild_match, shows_same_bits
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.facts import Block, Digest, Evidence
from shipworthy.flows.provenance import materials_now, read_made, read_rebuilt
from shipworthy.gate.origin import Origin, origin
from shipworthy.runtime.workspace import Workspace

REBUILD = "same bits on a rebuild"
_SETTLED = frozenset({MANIFEST})  # what it tells a build is compared on its own (`change.TERMS`)


class Origins(msgspec.Struct, frozen=True, kw_only=True):
    """Provenance and rebuild of one artefact; `rebuilt` only when it is of this artefact and of these files."""

    made: Provenance | None
    rebuilt: Rebuilt | None
    same_bits: bool
    blocks: tuple[Block, ...]
    warnings: tuple[str, ...]


def origins(workspace: Workspace, contract: Contract, artefact: Digest) -> Origins:
    """Return what the records say. Raises nothing for what stands in them."""
    materials = materials_now(contract)
    created = contract.threats.created if contract.threats is not None else None
    blocks: list[Block] = []
    made, rebuilt, found = None, None, Origin()
    try:
        made = read_made(workspace, artefact)
        builds = bool(contract.manifest.build)
        found = origin(made, materials, _SETTLED, created, contract.manifest.stakes, builds)
    except CannotDecide as problem:
        blocks.append(_unreadable("provenance", problem))
    try:
        rebuilt = read_rebuilt(workspace, artefact)
    except CannotDecide as problem:
        blocks.append(_unreadable("rebuild", problem))
    if rebuilt is not None and not is_of(rebuilt, artefact, materials):
        rebuilt = None
    return Origins(
        made=made,
        rebuilt=rebuilt,
        same_bits=shows_same_bits(rebuilt, artefact, materials),
        blocks=(*blocks, *found.blocks),
        warnings=found.warnings,
    )


def with_rebuild(evidence: Evidence | None, rebuilt: Rebuilt | None) -> Evidence | None:
    """Return the evidence with the measurement of the rebuild; it takes the place of one from elsewhere."""
    if evidence is None or rebuilt is None:
        return evidence
    others = tuple(one for one in evidence.measurements if one.indicator != "rebuild_match")
    return msgspec.structs.replace(evidence, measurements=(*others, rebuild_match(rebuilt)))


def _unreadable(name: str, problem: CannotDecide) -> Block:
    return Block(name=name, because=problem.what, fix=problem.fix or "run `shipworthy build`", exit_code=4)
