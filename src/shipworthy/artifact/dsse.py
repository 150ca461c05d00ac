"""DSSE envelopes: a payload, its type and the signatures over both.

In: payload bytes and keys. Out: envelope bytes, or the payload once every signature holds. Source: DSSE v1.0,
github.com/secure-systems-lab/dsse (protocol.md, envelope.md). The verifier is stricter than the standard asks: an
envelope with no signature, with one by an unknown key or with two by the same key is refused, so nobody can pad it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shipworthy.artifact.keys import PrivateKey, PublicKey, holds, key_id, sign_bytes
from shipworthy.artifact.strict import decode64, dumps, encode64, fields, loads, refuse, sequence, text

IN_TOTO = "application/vnd.in-toto+json"
_WHERE = "DSSE envelope"


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding `DSSEv1 <len> <type> <len> <payload>`, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, key: PrivateKey, keyid: str | None = None) -> bytes:
    """An envelope with one signature. `keyid` defaults to the id of the key; it is a hint, never a proof."""
    named = key_id(key.public_key()) if keyid is None else keyid
    signature = {"keyid": named, "sig": encode64(sign_bytes(key, pae(payload_type, payload)))}
    return dumps({"payloadType": payload_type, "payload": encode64(payload), "signatures": [signature]})


def verify(envelope: bytes, keys: Iterable[PublicKey], payload_type: str = IN_TOTO) -> bytes:
    """The payload, when the envelope is of this type and every signature is by another one of `keys`.

    Raises CannotDecide when a signature is missing, unknown, repeated or wrong, or when the JSON is not strict.
    """
    return opened(loads(envelope, _WHERE), keys, payload_type)


def opened(envelope: object, keys: Iterable[PublicKey], payload_type: str) -> bytes:
    """As `verify`, for an envelope that is already a JSON value (inside a bundle)."""
    whole = fields(envelope, _WHERE, ("payload", "payloadType", "signatures"))
    if text(whole["payloadType"], _WHERE) != payload_type:
        refuse(f"the payload type is {str(whole['payloadType'])[:80]!r}", _WHERE, f"{payload_type} is expected")
    payload = decode64(whole["payload"], _WHERE)
    signatures = sequence(whole["signatures"], _WHERE)
    if not signatures:
        refuse("there is no signature", _WHERE)
    unused = {key_id(key): key for key in keys}
    for one in signatures:
        del unused[_signer(one, pae(payload_type, payload), unused)]
    return payload


def _signer(signature: object, message: bytes, keys: Mapping[str, PublicKey]) -> str:
    """The id of the key that made this signature; each key counts once."""
    read = fields(signature, _WHERE, ("sig",), ("keyid",))
    text(read.get("keyid", ""), _WHERE)
    raw = decode64(read["sig"], _WHERE)
    signer = next((name for name, key in keys.items() if holds(key, raw, message)), None)
    return signer or refuse("a signature is by none of the expected keys, or the content was changed", _WHERE)
