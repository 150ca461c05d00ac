"""Claim: signing a model folder of 1 GiB is at least 1.3 times faster than with the command line of model_signing.

Both as whole processes, start to exit, in the same format: key signing with EC P-256 and SHA-256 over 4 files of
256 MiB in the page cache, interleaved. In one process the same on 64 MB in 8 files, signing and verifying. The peer
also verifies our signatures once each, so that it is known to be the same job.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_signing
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.harness import Result, compare
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.keys import private_pem, public_pem
from shipworthy.artifact.signature import sign_folder_digests, verify_bundle

FILES, FILE_BYTES = 8, 8 << 20
LARGE_FILES, LARGE_BYTES = 4, 256 << 20
LARGE_ROUNDS = 5
BAR = 1.3
_peer: Any = model_signing  # its calls carry no types


class Folder:
    """A folder of random bytes, a key pair beside it, and both ways to sign and verify it."""

    def __init__(self, top: Path, files: int = FILES, file_bytes: int = FILE_BYTES) -> None:
        self.model, self.signature, self.other = top / "model", top / "model.sig", top / "peer.sig"
        self.private, self.public = top / "signing.pem", top / "signing.pub.pem"
        self.model.mkdir()
        for i in range(files):
            (self.model / f"weights-{i}.npy").write_bytes(os.urandom(file_bytes))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.private.touch(mode=0o600)
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
        small = [
            compare(f"sign {FILES * FILE_BYTES >> 20} MB", "model_signing", folder.sign, folder.peer_sign),
            compare(f"verify {FILES * FILE_BYTES >> 20} MB", "model_signing", folder.verify, folder.peer_verify),
        ]
    with tempfile.TemporaryDirectory() as top:
        return [*small, *_large(Folder(Path(top), LARGE_FILES, LARGE_BYTES))]


def _large(folder: Folder) -> list[Result]:
    """Both command lines on 1 GiB; the bar is for signing."""
    model, private, public = str(folder.model), str(folder.private), str(folder.public)
    ours, theirs = str(folder.signature), str(folder.other)
    sign = _process("shipworthy", "sign", model, "--key", private, "-o", ours)
    verify = _process("shipworthy", "verify", model, "--signature", ours, "--public-key", public)
    peer_sign = _process("model_signing", "sign", "key", model, "--private_key", private, "--signature", theirs)
    peer_verify = _process("model_signing", "verify", "key", model, "--public_key", public, "--signature", theirs)
    sign()
    folder.peer_verify(folder.signature)
    signed = compare("sign 1 GiB, process", "model_signing CLI", sign, peer_sign, rounds=LARGE_ROUNDS)
    verified = compare("verify 1 GiB, process", "model_signing CLI", verify, peer_verify, rounds=LARGE_ROUNDS)
    return [signed.said(f"at least {BAR}: {'yes' if signed.ratio >= BAR else 'NO'}"), verified]


def _process(module: str, *args: str) -> Callable[[], None]:
    def job() -> None:
        ran = subprocess.run([sys.executable, "-m", module, *args], capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise RuntimeError(f"{module} {args[0]} left with {ran.returncode}:\n{ran.stderr}")

    return job
