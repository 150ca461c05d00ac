"""Signing and verifying a model that has no contract: a path, a key file, a signature file.

In: paths. Out: the signature's path, or nothing when it holds. Every file below the path counts, whatever its name; the
signature file itself is the one exception, and only where it really lies. The key travels as a file, never as text.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from shipworthy.artifact.digests import Pair
from shipworthy.artifact.files.folder import hash_file, hash_folder, read_named, real
from shipworthy.artifact.files.keys import read_key
from shipworthy.artifact.files.written import write_whole
from shipworthy.artifact.model_keys import model_private, model_public
from shipworthy.artifact.signature import BUNDLE, ONE_FILE, SIGNATURE_FILE, sign_folder_digests, verify_bundle
from shipworthy.errors import CannotDecide, UsageError

MAX_SIGNATURE_BYTES = 64 << 20


def sign_path(path: Path, key: Path, out: Path | None = None) -> Path:
    """Signs a folder or a file with the private key in the file `key` and returns where the signature was written.

    `out` defaults to `model.sig` in the folder, or to `<file>.sig`. A file there that is no signature is never
    overwritten (UsageError). Raises CannotDecide when something cannot be read or written; then nothing is changed.
    """
    kept = out or default_signature(path)
    private = model_private(read_key(key), str(key))
    _refuse_to_overwrite(kept)
    inside = signature_inside(path, kept)
    bundle = sign_folder_digests(real(path).name, digests_of(path, inside), private, inside)
    write_whole(kept, bundle)
    return kept


def verify_path(path: Path, signature: Path, public_key: Path) -> None:
    """Returns when the signature in `signature` is by the key in `public_key` over exactly what lies at `path`.

    Raises CannotDecide naming the first difference.
    """
    public = model_public(_read(public_key), str(public_key))
    bundle = _read(signature)
    verify_bundle(bundle, digests_of(path, signature_inside(path, signature)), public)


def default_signature(path: Path) -> Path:
    """Where the signature of `path` lies unless the caller says otherwise."""
    return path / SIGNATURE_FILE if os.path.isdir(path) else path.with_name(path.name + ".sig")


def digests_of(path: Path, ignored: tuple[str, ...]) -> tuple[Pair, ...]:
    """(name, sha256 hex) of every file below a folder but those in `ignored`; of a single file under the name `.`."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error
    return hash_folder(path, ignored) if stat.S_ISDIR(mode) else ((ONE_FILE, hash_file(path)),)


def signature_inside(path: Path, signature: Path) -> tuple[str, ...]:
    """The signature's name relative to the folder, when it lies in it: links on the way are followed, names are not."""
    place = real(signature.parent) / signature.name
    folder = real(path)
    return (place.relative_to(folder).as_posix(),) if place.is_relative_to(folder) and place != folder else ()


def _refuse_to_overwrite(path: Path) -> None:
    """A slip of the finger must not put a signature in the place of a model or of the key."""
    if path.is_symlink() or path.exists():
        if not path.is_file() or path.is_symlink():
            raise UsageError("not a plain file", str(path), "name another file with -o")
        if BUNDLE.encode() not in _read(path)[:MAX_SIGNATURE_BYTES]:
            raise UsageError("a file is there already that is no signature", str(path), "name another file with -o")


def _read(path: Path) -> bytes:
    return read_named(path, MAX_SIGNATURE_BYTES)
