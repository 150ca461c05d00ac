"""Name exactly what is judged: the digests of artefact and profile, with those of the contract."""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.digests import root_of
from shipworthy.artifact.files.folder import hash_file, hash_folder
from shipworthy.artifact.signature import SIGNATURE_FILE
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.facts import Digest, Subject

PROFILE, RELEASE = "profile.json", "release.json"
OURS = (PROFILE, RELEASE, SIGNATURE_FILE)  # what the platform adds to the author's files


def artefact_digest(folder: Path) -> Digest:
    """Return the root digest of an artefact folder, its signature file apart."""
    if not folder.is_dir():
        raise CannotDecide("there is no artefact", str(folder), "run `shipworthy build`")
    return f"sha256:{root_of(hash_folder(folder)).removeprefix('sha256:')}"


def subject_of(root: Path, contract: Contract) -> Subject:
    """Return the subject of the repository at `root` as it stands now."""
    folder = root / contract.manifest.artefacts
    profile = folder / PROFILE
    if not profile.is_file():
        raise CannotDecide("there is no reference profile", str(profile), "run `shipworthy build`")
    return contract.subject(artefact_digest(folder), f"sha256:{hash_file(profile).removeprefix('sha256:')}")
