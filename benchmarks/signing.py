"""Claim: signing and verifying a model folder costs no more than with the model_signing package, in its own format.

64 MB in 8 files, key signing with EC P-256 and SHA-256. Both read every byte twice (sign, verify), from the page
cache; the peer also verifies our signature once, so that it is known to be the same job.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import model_signing
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.harness import Result, compare
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.keys import private_pem, public_pem
from shipworthy.artifact.signature import sign_folder_digests, verify_bundle

FILES, FILE_BYTES = 8, 8 << 20
_peer: Any = model_signing  # its calls carry no types


class Folder:
    """A folder of random bytes, a key pair beside it, and both ways to sign and verify it."""

    def __init__(self, top: Path) -> None:
        self.model, self.signature, self.other = top / "model", top / "model.sig", top / "peer.sig"
        self.private, self.public = top / "signing.pem", top / "signing.pub.pem"
        self.model.mkdir()
        for i in range(FILES):
            (self.model / f"weights-{i}.npy").write_bytes(os.urandom(FILE_BYTES))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.private.write_bytes(private_pem(self.key))
        self.public.write_bytes(public_pem(self.key.public_key()))

    def sign(self) -> None:
        """Sign with ours."""
        self.signature.write_bytes(sign_folder_digests("model", hash_folder(self.model), self.key))

    def verify(self) -> None:
        """Verify ours with ours."""
        verify_bundle(self.signature.read_bytes(), hash_folder(self.model), self.key.public_key())

    def peer_sign(self) -> None:
        """Sign with the peer."""
        _peer.signing.Config().use_elliptic_key_signer(private_key=self.private).sign(self.model, self.other)

    def peer_verify(self, signature: Path | None = None) -> None:
        """Verify a signature with the peer, its own by default."""
        config = _peer.verifying.Config().use_elliptic_key_verifier(public_key=self.public)
        config.verify(self.model, signature or self.other)


def run() -> list[Result]:
    """Return the time for the whole folder."""
    with tempfile.TemporaryDirectory() as top:
        folder = Folder(Path(top))
        folder.sign()
        folder.peer_verify(folder.signature)
        return [
            compare(f"sign {FILES * FILE_BYTES >> 20} MB", "model_signing", folder.sign, folder.peer_sign),
            compare(f"verify {FILES * FILE_BYTES >> 20} MB", "model_signing", folder.verify, folder.peer_verify),
        ]
