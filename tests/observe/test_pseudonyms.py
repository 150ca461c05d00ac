"""Pseudonyms: stable inside a period and a tenant, unlinkable outside, and nothing without the key."""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide
from shipworthy.observe.pseudonyms import HOURS, evidence_digest, period_end, pseudonym, tenant_key

ONE, TWO = bytes(range(32)), bytes(range(1, 33))
CALLERS = [f"192.0.2.{i}" for i in range(256)]


def test_a_pseudonym_has_its_form_and_is_the_same_each_time() -> None:
    key = tenant_key(ONE, "acme")
    assert re.fullmatch(r"p-[0-9a-f]{12}", pseudonym(key, "192.0.2.7"))
    assert pseudonym(key, "192.0.2.7") == pseudonym(tenant_key(ONE, "acme"), "192.0.2.7")
    assert re.fullmatch(r"e-[0-9a-f]{32}", evidence_digest(key, b"body"))


def test_callers_of_a_tenant_differ_and_one_caller_differs_by_tenant_and_by_period() -> None:
    keys = [tenant_key(secret, tenant) for secret in (ONE, TWO) for tenant in ("acme", "birch")]
    made = [{pseudonym(key, caller) for caller in CALLERS} for key in keys]
    assert [len(one) for one in made] == [256] * 4
    assert len(set.union(*made)) == 4 * 256


def test_the_key_of_a_tenant_is_an_hmac_of_its_name_under_the_secret() -> None:
    """RFC 2104 over the label (with its length) and the payload, computed here without our code."""
    label = b"abuse-tenant"
    message = b"shipworthy-mac-v1" + len(label).to_bytes(4, "big") + label + b"acme"
    assert tenant_key(ONE, "acme") == hmac.new(ONE, message, hashlib.sha256).digest()


def test_without_the_key_a_guess_at_the_caller_cannot_be_tried() -> None:
    shown = pseudonym(tenant_key(ONE, "acme"), CALLERS[7])
    plain = {hashlib.sha256(caller.encode()).hexdigest()[:12] for caller in CALLERS}
    guessed = {pseudonym(tenant_key(TWO, "acme"), caller) for caller in CALLERS}
    assert shown not in guessed
    assert shown.removeprefix("p-") not in plain


def test_a_pseudonym_is_no_evidence_and_the_other_way_round() -> None:
    key = tenant_key(ONE, "acme")
    assert pseudonym(key, "x")[2:] not in evidence_digest(key, b"x")


@pytest.mark.parametrize("secret", [b"", ONE[:31], ONE + b"\x00"])
def test_a_secret_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(CannotDecide):
        tenant_key(secret, "acme")


def test_texts_that_are_no_utf_8_have_pseudonyms_too() -> None:
    assert pseudonym(tenant_key(ONE, "\udcff"), "\udcff") != pseudonym(tenant_key(ONE, "\udcfe"), "\udcff")


@given(st.integers(0, 10**7))
def test_a_period_is_thirty_days_and_every_hour_lies_in_the_one_that_ends_next(hour: int) -> None:
    end = period_end(hour)
    assert HOURS == 720
    assert end - HOURS <= hour < end
    assert period_end(end - 1) == end
    assert period_end(end) == end + HOURS
