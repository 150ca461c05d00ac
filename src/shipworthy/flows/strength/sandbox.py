"""A copy of the repository to try things in, with keys of its own, so that nothing of the user's is touched.

In: the workspace. Out: a folder with `repo` and `home`: the same contract and artefact, signed by a key that is thrown
away afterwards, its issuers named in the copy. Ledger, lock and evidence of the user are neither read nor written; only
what tells how the artefact was made comes along.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shipworthy.artifact.files.keys import PUBLIC_OF, SIGNING, VERDICT, make_keys
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import FILE as LOCK_FILE
from shipworthy.errors import ContractError
from shipworthy.flows.note import stamp_note
from shipworthy.flows.provenance import PROVENANCE
from shipworthy.flows.sign import sign
from shipworthy.runtime.replayed import Turned
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace

_LEFT = (".git", ".shipworthy", "__pycache__", ".venv", LOCK_FILE)


@dataclass(frozen=True)
class Sandbox:
    """One copy at `at`. Its clock stands at `now`."""

    at: Path
    now: datetime

    @property
    def root(self) -> Path:
        """The copy of the repository."""
        return self.at / "repo"

    @property
    def workspace(self) -> Workspace:
        """The workspace over the copy. It knows no shared ledger."""
        return Workspace(root=self.root, home=self.at / "home", clock=Turned(self.now))

    def copy(self, to: Path) -> Sandbox:
        """Return a copy of the copy."""
        shutil.copytree(self.at, to)
        return Sandbox(to, self.now)

    def settle(self) -> Contract:
        """Let the note speak of the change as it is now, and sign the artefact; return the contract."""
        with suppress(ContractError):  # without a note the release itself does not pass, and the report says so
            stamp_note(self.root)
        contract = self.workspace.contract()
        sign(self.workspace, contract)
        return contract


def new_sandbox(workspace: Workspace, at: Path) -> Sandbox:
    """Copy the repository with its built artefact and make throw-away keys. Raises ContractError, CannotDecide."""
    contract = workspace.contract()
    shutil.copytree(workspace.root, at / "repo", ignore=shutil.ignore_patterns(*_LEFT))
    box = Sandbox(at, workspace.clock())
    make_keys(box.workspace.keys)
    for key, target in ((SIGNING, contract.manifest.issuers.signing), (VERDICT, contract.manifest.issuers.verdict)):
        path = (box.root / target).resolve()
        if not path.is_relative_to(box.root.resolve()):
            raise ContractError("a key path leaves the repository", target, "keep public keys under keys/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((box.workspace.keys / PUBLIC_OF[key]).read_bytes())
    _keep_origin(workspace, box, artefact_digest(workspace.root / contract.manifest.artefacts))
    box.settle()
    return box


def _keep_origin(workspace: Workspace, box: Sandbox, artefact: str) -> None:
    made = workspace.evidence(artefact) / PROVENANCE
    if made.is_file():
        folder = box.workspace.evidence(artefact)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, folder / PROVENANCE)
