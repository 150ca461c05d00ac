"""The keys of the model-signing format: EC P-256, P-384 and P-521, in PEM.

In: the bytes of a key file. Out: a key of the `cryptography` package, or one line why not. A contract pins P-256 (one
curve to look after); a signature made elsewhere may be by any of the three, so the stand-alone verbs read all of them.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shipworthy.artifact.keys import CURVE_HASHES
from shipworthy.errors import CannotDecide

_KINDS = "use an EC key on P-256, P-384 or P-521"
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


def model_private(raw: bytes, where: str) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM file (PKCS 8 or SEC 1) without a passphrase. Raises CannotDecide."""
    if b"ENCRYPTED" in raw:
        raise CannotDecide("the key is encrypted", where, "decrypt it into a file that only you can read (chmod 600)")
    try:
        key = serialization.load_pem_private_key(raw, None)
    except _UNREADABLE as error:
        # The text of the key never enters the message.
        raise CannotDecide("not a private key in PEM", where, _KINDS) from error
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVE_HASHES:
        return key
    raise CannotDecide("a private key of another kind", where, _KINDS)


def model_public(raw: bytes, where: str) -> ec.EllipticCurvePublicKey:
    """The public key in a PEM file (SubjectPublicKeyInfo). A private key is refused. Raises CannotDecide."""
    if b"PRIVATE KEY" in raw:
        raise CannotDecide("a private key where the public one belongs", where, "give its public half")
    try:
        key = serialization.load_pem_public_key(raw)
    except _UNREADABLE as error:
        raise CannotDecide("not a public key in PEM", where, _KINDS) from error
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVE_HASHES:
        return key
    raise CannotDecide("a public key of another kind", where, _KINDS)
