"""Key files: made once, readable by their owner only, never overwritten.

In: a folder. Out: the keys a site and a person need. What was there before stays: `make_keys` only adds what is
missing, and public halves are always derived from the private file beside them.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact.keys import (
    DEV,
    load_private,
    load_public,
    private_openssh,
    private_pem,
    public_openssh,
    public_pem,
)
from shipworthy.errors import CannotDecide

SIGNING, VERDICT, CHECKPOINT = "signing.pem", "verdict.pem", "checkpoint.pem"
HOST, SITE, PERSON = "host.key", "site.key", "person"
PUBLIC_OF: Mapping[str, str] = {
    SIGNING: "signing.pub.pem",
    VERDICT: "verdict.pub.pem",
    CHECKPOINT: "checkpoint.pub.pem",
    PERSON: "person.pub",
}
_PUBLIC_STARTS = (b"ssh-", b"-----BEGIN PUBLIC KEY-----")


def make_keys(folder: Path, comment: str = DEV) -> tuple[Path, ...]:
    """Makes the keys that are missing in `folder` (0700) and returns the paths of the new files.

    signing.pem EC P-256 (models) · verdict.pem, checkpoint.pem Ed25519 · host.key, site.key 32 raw bytes · person
    OpenSSH Ed25519, its comment in `person.pub`. Private files are 0600 from the moment they exist.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [folder / name for name, fresh in _makers(comment).items() if _write_new(folder / name, fresh, 0o600)]
    for name, public_name in PUBLIC_OF.items():
        public = _public_half(folder / name, comment)
        if _write_new(folder / public_name, partial(bytes, public), 0o644):
            made.append(folder / public_name)
        _check_half(folder / public_name, public)
    return tuple(made)


def make_person_key(folder: Path, comment: str = DEV) -> Path:
    """Makes the key of one person in `folder` (0700) unless it is there; returns the path of its public half."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_new(folder / PERSON, _makers(comment)[PERSON], 0o600)
    public = _public_half(folder / PERSON, comment)
    _write_new(folder / PUBLIC_OF[PERSON], lambda: public, 0o644)
    _check_half(folder / PUBLIC_OF[PERSON], public)
    return folder / PUBLIC_OF[PERSON]


def read_key(path: Path) -> bytes:
    """The bytes of a key file. A private key that group or others may read, or that is a link, raises CannotDecide."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            kept = os.fstat(file.fileno())
            raw = file.read(1 << 16) if stat.S_ISREG(kept.st_mode) else b""
    except OSError as error:
        raise CannotDecide(f"the key cannot be read ({error.strerror})", str(path)) from error
    if not raw:
        raise CannotDecide("not a key file", str(path))
    if not _is_public(raw) and kept.st_mode & 0o077:
        raise CannotDecide("a private key that others can read", str(path), f"chmod 600 {path.name}, then replace it")
    return raw


def _makers(comment: str) -> Mapping[str, Callable[[], bytes]]:
    return {
        SIGNING: lambda: private_pem(ec.generate_private_key(ec.SECP256R1()), comment),
        VERDICT: lambda: private_pem(Ed25519PrivateKey.generate(), comment),
        CHECKPOINT: lambda: private_pem(Ed25519PrivateKey.generate(), comment),
        HOST: lambda: secrets.token_bytes(32),
        SITE: lambda: secrets.token_bytes(32),
        PERSON: lambda: private_openssh(Ed25519PrivateKey.generate()),
    }


def _public_half(path: Path, comment: str) -> bytes:
    key = load_private(read_key(path))
    if path.name == PERSON and isinstance(key, Ed25519PrivateKey):
        return public_openssh(key.public_key(), comment).encode() + b"\n"
    return public_pem(key.public_key(), comment)


def _check_half(path: Path, expected: bytes) -> None:
    """A public file that is not the other half of the private one would be trusted in its place."""
    if public_pem(load_public(read_key(path))) != public_pem(load_public(expected)):
        raise CannotDecide("not the public half of the private key beside it", str(path), "remove the public file")


def _write_new(path: Path, fresh: Callable[[], bytes], mode: int) -> bool:
    """Writes a file that does not exist yet, with its mode from the start; False when it exists."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(fresh())
        file.flush()
        os.fsync(file.fileno())
    return True


def _is_public(raw: bytes) -> bool:
    body = raw.split(b"\n", 1)[1] if raw.startswith(b"Comment: ") and b"\n" in raw else raw
    return body.startswith(_PUBLIC_STARTS) and b"PRIVATE KEY" not in raw
