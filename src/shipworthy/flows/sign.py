"""Sign an artefact folder with the site's signing key."""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.files.written import write_whole
from shipworthy.artifact.signature import SIGNATURE_FILE, sign_folder_digests
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.runtime.workspace import Workspace


def sign(workspace: Workspace, contract: Contract) -> Path:
    """Sign the artefact folder; return the signature's path."""
    folder = workspace.root / contract.manifest.artefacts
    if not folder.is_dir():
        raise CannotDecide("there is no artefact to sign", str(folder), "run `shipworthy build`")
    bundle = sign_folder_digests(folder.name, hash_folder(folder), workspace.signing_key())
    path = folder / SIGNATURE_FILE
    write_whole(path, bundle)
    return path
