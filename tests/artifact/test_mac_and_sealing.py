from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.artifact.mac import TokenSealer, check, open_token, seal_token, tag
from shipworthy.artifact.sealing import seal, tenant_key, unseal
from shipworthy.errors import CannotDecide

keys = st.binary(min_size=32, max_size=32)
NONCE = b"0123456789ab"


@given(keys, st.text(max_size=10), st.binary(max_size=40))
def test_a_token_opens_with_its_key_and_label_only(key: bytes, label: str, payload: bytes) -> None:
    token = seal_token(key, label, payload)
    assert open_token(key, label, token) == payload
    for wrong_key, wrong_label in ((key, label + "x"), (bytes(32) if key != bytes(32) else b"1" * 32, label)):
        with pytest.raises(CannotDecide):
            open_token(wrong_key, wrong_label, token)


@given(keys, st.binary(max_size=20), st.integers(0), st.sampled_from("ABCdef019-_=+/ \n"))
def test_no_other_text_opens(key: bytes, payload: bytes, place: int, letter: str) -> None:
    token = seal_token(key, "receipt", payload)
    at = place % (len(token) + 1)
    for changed in (token[:at] + letter + token[at + 1 :], token[:at] + letter + token[at:], token[:at]):
        if changed != token:
            with pytest.raises(CannotDecide):
                open_token(key, "receipt", changed)


@given(keys, st.text(max_size=5), st.binary(max_size=5), st.text(max_size=5), st.binary(max_size=5))
def test_tags_of_different_things_differ(key: bytes, label: str, raw: bytes, label2: str, raw2: bytes) -> None:
    same = (label, raw) == (label2, raw2)
    assert (tag(key, label, raw) == tag(key, label2, raw2)) == same
    assert check(key, label, raw, tag(key, label2, raw2)) == same


def test_the_tag_is_hmac_sha256_over_domain_label_and_payload() -> None:
    key = bytes(range(32))
    expected = hmac.new(key, b"shipworthy-mac-v1\x00\x00\x00\x05statepayload", hashlib.sha256).digest()
    assert tag(key, "state", b"payload") == expected
    assert not check(key, "state", b"payload", expected[:16])
    with pytest.raises(CannotDecide):
        tag(b"short", "state", b"")
    with pytest.raises(CannotDecide):
        open_token(key, "state", "ünïcode")


def test_a_token_has_one_spelling() -> None:
    """Sixteen bytes leave four unused bits in the last letter: another letter would mean the same bytes."""
    token = seal_token(bytes(32), "receipt", b"")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + letters[letters.index(token[-1]) + 1]
    for spelled in (other, token + "==", token + "\n"):
        with pytest.raises(CannotDecide):
            open_token(bytes(32), "receipt", spelled)
    assert open_token(bytes(32), "receipt", token) == b""


@given(keys, st.text(max_size=8), st.binary(max_size=40), st.binary(max_size=8))
def test_a_sealed_row_opens_where_it_belongs(key: bytes, tenant: str, plain: bytes, aad: bytes) -> None:
    sealed = seal(key, tenant, NONCE, plain, aad)
    assert unseal(key, tenant, sealed, aad) == plain
    assert len(sealed) == len(plain) + 28
    for other_tenant, other_aad in ((tenant + "x", aad), (tenant, aad + b"x")):
        with pytest.raises(CannotDecide):
            unseal(key, other_tenant, sealed, other_aad)


@given(keys, st.integers(0, 43), st.integers(1, 255))
def test_a_changed_bit_does_not_unseal(key: bytes, place: int, flip: int) -> None:
    sealed = bytearray(seal(key, "t", NONCE, b"sixteen bytes ok", b""))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(CannotDecide):
        unseal(key, "t", bytes(sealed), b"")


def test_keys_and_nonces_have_their_length_and_tenants_their_own_key() -> None:
    assert tenant_key(bytes(32), "a") != tenant_key(bytes(32), "b")
    with pytest.raises(CannotDecide):
        tenant_key(bytes(16), "a")
    with pytest.raises(CannotDecide):
        seal(bytes(32), "a", b"short", b"", b"")
    with pytest.raises(CannotDecide):
        unseal(bytes(32), "a", b"short", b"")


@given(keys, st.text(max_size=20), st.binary(max_size=300))
def test_a_sealer_tags_as_hmac_does(key: bytes, label: str, payload: bytes) -> None:
    named = label.encode()
    whole = b"shipworthy-mac-v1" + len(named).to_bytes(4, "big") + named + payload
    expected = hmac.new(key, whole, hashlib.sha256).digest()
    assert TokenSealer(key, label).tag(payload) == expected
    assert tag(key, label, payload) == expected
    assert open_token(key, label, TokenSealer(key, label).seal(payload)) == payload
