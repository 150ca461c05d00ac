from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from shipworthy.artifact.dsse import IN_TOTO, pae, sign, verify
from shipworthy.errors import CannotDecide

KEY = Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = Ed25519PrivateKey.generate()


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60), st.text(max_size=20))
def test_a_payload_comes_back_under_its_own_type_only(payload: bytes, kind: str) -> None:
    envelope = sign(kind, payload, KEY)
    assert verify(envelope, (OTHER.public_key(), KEY.public_key()), kind) == payload
    with pytest.raises(CannotDecide):
        verify(envelope, (KEY.public_key(),), kind + "x")


@settings(max_examples=50)
@given(st.binary(max_size=60), st.text(max_size=20))
def test_the_signed_bytes_are_those_of_securesystemslib(payload: bytes, kind: str) -> None:
    assert pae(kind, payload) == Envelope(payload, kind, {}).pae()


def test_the_published_example_of_the_standard_is_met() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_securesystemslib_verifies_our_envelope_and_we_verify_its() -> None:
    signer = CryptoSigner(KEY)
    theirs = Envelope(b"{}", IN_TOTO, {})
    theirs.sign(signer)
    assert verify(json.dumps(theirs.to_dict()).encode(), (KEY.public_key(),)) == b"{}"
    public = SSlibKey.from_crypto(KEY.public_key())
    ours = Envelope.from_dict(json.loads(sign(IN_TOTO, b"{}", KEY, keyid=public.keyid)))
    assert ours.verify([public], 1)
    shared = SSlibKey.from_crypto(EC.public_key())
    assert Envelope.from_dict(json.loads(sign(IN_TOTO, b"{}", EC, keyid=shared.keyid))).verify([shared], 1)


def refused(envelope: bytes, because: str) -> None:
    with pytest.raises(CannotDecide, match=because):
        verify(envelope, (KEY.public_key(), EC.public_key()))


def test_an_envelope_that_could_be_read_in_two_ways_is_refused() -> None:
    good = sign(IN_TOTO, b'{"a":1}', KEY)
    whole = json.loads(good)
    refused(good.replace(b"{", b'{"payload":"e30=",', 1), "twice")
    refused(json.dumps({**whole, "extra": 1}).encode(), "not known")
    refused(json.dumps({**whole, "signatures": []}).encode(), "no signature")
    refused(json.dumps({**whole, "payload": "!" + whole["payload"]}).encode(), "base64")
    plain = json.loads(sign(IN_TOTO, b"{}", KEY))
    refused(json.dumps({**plain, "payload": plain["payload"].replace("e30=", "e31=")}).encode(), "stray bits")
    refused(json.dumps({**whole, "payload": whole["payload"].rstrip("=")}).encode(), "base64")
    refused(json.dumps({**whole, "payload": base64.b64encode(b'{"a":2}').decode()}).encode(), "changed")
    refused(b"[]", "object")
    refused(b'{"payload": NaN}', "JSON|finite|not")


def test_every_signature_counts_and_each_key_once() -> None:
    mine, shared = (json.loads(sign(IN_TOTO, b"{}", key)) for key in (KEY, EC))
    both = {**mine, "signatures": mine["signatures"] + shared["signatures"]}
    assert verify(json.dumps(both).encode(), (KEY.public_key(), EC.public_key())) == b"{}"
    refused(json.dumps({**mine, "signatures": mine["signatures"] * 2}).encode(), "none of the expected keys")
    strange = json.loads(sign(IN_TOTO, b"{}", OTHER))["signatures"]
    refused(json.dumps({**mine, "signatures": mine["signatures"] + strange}).encode(), "none of the expected keys")
    with pytest.raises(CannotDecide):
        verify(json.dumps(mine).encode(), ())
