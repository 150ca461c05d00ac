"""Make this site's keys and put the public halves where the contract pins them.

Private keys stay in the state directory (0600); the repository gets public files only. Nothing is overwritten.
"""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.files.keys import PERSON, PUBLIC_OF, SIGNING, VERDICT, make_keys, make_person_key
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError
from shipworthy.runtime.workspace import Workspace


def new_keys(workspace: Workspace, manifest: Manifest) -> tuple[Path, ...]:
    """Make what is missing: site keys, and a key for every person of the manifest. Return the public files written.

    All are marked `dev`: high stakes refuse them. People with keys of their own replace theirs.
    """
    make_keys(workspace.keys)
    written = [
        _publish(workspace, workspace.keys / PUBLIC_OF[SIGNING], manifest.issuers.signing),
        _publish(workspace, workspace.keys / PUBLIC_OF[VERDICT], manifest.issuers.verdict),
    ]
    for person in manifest.people:
        folder = workspace.keys / "people" / person.id
        make_person_key(folder)
        written.append(_publish(workspace, folder / PUBLIC_OF[PERSON], person.key))
    return tuple(path for path in written if path is not None)


def _publish(workspace: Workspace, public: Path, target: str) -> Path | None:
    path = (workspace.root / target).resolve()
    if not path.is_relative_to(workspace.root.resolve()):
        raise ContractError("a key path leaves the repository", target, "keep public keys under keys/")
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(public.read_bytes())
    return path
