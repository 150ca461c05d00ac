"""Signed notes (c2sp.org/signed-note): a text and Ed25519 signatures under it that name their keys. Pure.

    <text, ending in a newline>
    <empty line>
    — <key name> base64(key id[4] || signature)

In: texts and keys. Out: notes that any C2SP tool can check, and the text of notes that a known key signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shipworthy.errors import CannotDecide, UsageError

_ED25519: Final = b"\x01"
_MOST_SIGNATURES: Final = 100
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")


def raw(key: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """Return SHA-256(name || 0x0A || 0x01 || public key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw(key)).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Return the vkey text `name+hex8+base64(0x01 || public key)`. Raises UsageError for a name with space or +."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"not a key name: {name!r}", fix="use a name without spaces and without +")
    return f"{name}+{key_id(name, key).hex()}+{base64.b64encode(_ED25519 + raw(key)).decode()}"


def parse_verifier_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """Return name and key of a vkey. Raises UsageError when it is not one of an Ed25519 key."""
    name, _, rest = text.partition("+")
    hex_id, _, encoded = rest.partition("+")
    try:
        body = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(body[1:])
    except ValueError as error:  # binascii.Error is one
        raise UsageError(f"not a verifier key: {error}", where=text) from error
    if body[:1] != _ED25519 or verifier_key(name, key) != f"{name}+{hex_id}+{encoded}":
        raise UsageError("not a verifier key of an Ed25519 key: its id is another's", where=text)
    return name, key


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Return the signed note. Raises UsageError for a text without final newline or with control characters."""
    verifier_key(name, key.public_key())
    if not _is_note_text(text):
        raise UsageError("a note is lines of plain text that end in a newline")
    signed = key_id(name, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signed).decode()}\n"


def open_note(note: str, name: str, keys: Iterable[Ed25519PublicKey]) -> str:
    """Return the text that at least one of the keys signed under this name.

    Signatures of unknown keys are passed over, as the format asks; a wrong one of a known key is refused. Raises
    CannotDecide when nothing known signed it.
    """
    text, gap, tail = note.rpartition("\n\n")
    lines = tail.removesuffix("\n").split("\n")
    if not gap or not tail.endswith("\n") or len(lines) > _MOST_SIGNATURES or not _is_note_text(text + "\n"):
        raise CannotDecide("not a signed note", name, "copy the checkpoint with its signature line")
    known = {key_id(name, key): key for key in keys}
    signed = [_check(text + "\n", line, name, known) for line in lines]
    if not any(signed):
        raise CannotDecide("no signature of a known key", name, "check with the key of the ledger that wrote it")
    return text + "\n"


def _check(text: str, line: str, name: str, known: dict[bytes, Ed25519PublicKey]) -> bool:
    """True when a known key signed; False for another's signature."""
    parts = _SIGNATURE.fullmatch(line)
    if parts is None:
        raise CannotDecide("a line below the note is no signature", name, "copy the checkpoint unchanged")
    try:
        body = base64.b64decode(parts[2], validate=True)
    except binascii.Error as error:
        raise CannotDecide(f"a signature is not base64: {error}", name, "copy the checkpoint unchanged") from error
    key = known.get(body[:4])
    if parts[1] != name or key is None:
        return False
    try:
        key.verify(body[4:], text.encode())
    except InvalidSignature as error:
        raise CannotDecide("the signature does not fit the text", name, "the checkpoint was changed") from error
    return True


def _is_note_text(text: str) -> bool:
    return text.endswith("\n") and len(text) > 1 and all(char == "\n" or char >= " " for char in text)
