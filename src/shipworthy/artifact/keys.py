"""Keys in the forms they travel in.

In: PEM or OpenSSH text. Out: EC P-256 and Ed25519 keys of the `cryptography` package, and back. Every other kind is
refused: one signing curve for model signatures (what model-signing verifies), one for verdicts, checkpoints and people.
A development key says so: in the comment of an OpenSSH key, in the line before the armour of a PEM key (RFC 7468 allows
explanatory text there).
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipworthy.artifact.digests import sha256_hex
from shipworthy.errors import CannotDecide

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey

DEV = "dev"
_COMMENT = b"Comment: "
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)
# The curves of the model-signing format, each with its hash (Sigstore's table of key kinds).
CURVE_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


def load_private(raw: bytes) -> PrivateKey:
    """An unencrypted PEM (PKCS 8, SEC 1) or OpenSSH private key, EC P-256 or Ed25519. Raises CannotDecide."""
    try:
        if b"BEGIN OPENSSH PRIVATE KEY" in raw:
            key: object = serialization.load_ssh_private_key(raw, None)
        else:
            key = serialization.load_pem_private_key(raw, None)
    except _UNREADABLE as error:
        # The text of the key never enters the message.
        raise CannotDecide("not a readable private key", "key", "PEM or OpenSSH, without a passphrase") from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise CannotDecide("a key of an unknown kind", "key", "use EC P-256 or Ed25519")


def load_public(raw: bytes | str) -> PublicKey:
    """A PEM SubjectPublicKeyInfo or an OpenSSH line (`ssh-ed25519 AAAA… comment`). Raises CannotDecide."""
    text = raw.encode() if isinstance(raw, str) else raw
    try:
        if text.lstrip().startswith((b"ssh-", b"ecdsa-")):
            key: object = serialization.load_ssh_public_key(text.strip())
        else:
            key = serialization.load_pem_public_key(text)
    except _UNREADABLE as error:
        raise CannotDecide("not a readable public key", "key", "PEM or an OpenSSH line") from error
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise CannotDecide("a key of an unknown kind", "key", "use EC P-256 or Ed25519")


def private_pem(key: PrivateKey, comment: str = "") -> bytes:
    """PKCS 8 PEM of a private key, without a passphrase, with the comment in the line before it."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return _commented(pem, comment)


def public_pem(key: PublicKey, comment: str = "") -> bytes:
    """PEM SubjectPublicKeyInfo of a public key, with the comment in the line before it."""
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _commented(pem, comment)


def private_openssh(key: Ed25519PrivateKey) -> bytes:
    """The private half of a person's key in OpenSSH's own format."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def public_openssh(key: Ed25519PublicKey, comment: str = "") -> str:
    """The line a person puts into `people:`, `ssh-ed25519 AAAA… comment`."""
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".rstrip()


def key_id(public: PublicKey) -> str:
    """SHA-256 hex of the PEM SubjectPublicKeyInfo: the `hint` of the model-signing format, used for every key."""
    return sha256_hex(public_pem(public))


def comment_of(raw: bytes | str) -> str:
    """The comment of an OpenSSH public line or of a PEM written here; empty when there is none."""
    text = raw.encode() if isinstance(raw, str) else raw
    if text.startswith(_COMMENT):
        return text.split(b"\n", 1)[0].removeprefix(_COMMENT).decode("utf-8", "replace").strip()
    parts = text.strip().split(None, 2)
    if len(parts) == 3 and parts[0].startswith(b"ssh-"):
        return parts[2].decode("utf-8", "replace").strip()
    return ""


def is_dev(comment: str) -> bool:
    """Whether a key comment marks a development key, which high stakes refuse."""
    return DEV in comment.lower().replace("-", " ").split()


def sign_bytes(key: PrivateKey, message: bytes) -> bytes:
    """Ed25519 (RFC 8032) or DER ECDSA (FIPS 186-5) over `message`, with the hash that belongs to the curve."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, _ecdsa(key.curve))


def holds(public: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made by the other half of `public`."""
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, message)
        else:
            public.verify(signature, message, _ecdsa(public.curve))
    except InvalidSignature:
        return False
    return True


def _ecdsa(curve: ec.EllipticCurve) -> ec.ECDSA:
    if curve.name not in CURVE_HASHES:
        raise CannotDecide(f"a key on the curve {curve.name}", "key", "use EC P-256, P-384 or P-521")
    return ec.ECDSA(CURVE_HASHES[curve.name])


def _commented(pem: bytes, comment: str) -> bytes:
    if "\n" in comment or "\r" in comment:
        raise CannotDecide("a key comment is one line", "key")
    return _COMMENT + comment.encode() + b"\n" + pem if comment else pem
