"""Sealing of stored rows, tenant by tenant.

In: the 32-byte site key, a tenant id, a 12-byte nonce (the caller's, never used twice for a tenant), the plaintext and
what it belongs to. Out: nonce and AES-256-GCM ciphertext (NIST SP 800-38D). Each tenant has its own key, derived with
HKDF-SHA256 (RFC 5869), so erasing or leaking one tenant's key says nothing about another's rows.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shipworthy.errors import CannotDecide

KEY_BYTES = 32
NONCE_BYTES = 12
_TAG_BYTES = 16
_DOMAIN = b"shipworthy-sealing-v1\x00"


def tenant_key(site_key: bytes, tenant: str) -> bytes:
    """The 32-byte key of one tenant."""
    if len(site_key) != KEY_BYTES:
        raise CannotDecide(f"a site key has {KEY_BYTES} bytes", "sealing")
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=_DOMAIN + tenant.encode()).derive(site_key)


def seal(site_key: bytes, tenant: str, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """`nonce || ciphertext || tag`. `aad` names the row (table and id), so a sealed value cannot be moved."""
    if len(nonce) != NONCE_BYTES:
        raise CannotDecide(f"a nonce has {NONCE_BYTES} bytes", "sealing")
    return nonce + AESGCM(tenant_key(site_key, tenant)).encrypt(nonce, plaintext, aad)


def unseal(site_key: bytes, tenant: str, sealed: bytes, aad: bytes) -> bytes:
    """The plaintext. Raises CannotDecide when key, tenant, row or a single bit is another one."""
    if len(sealed) < NONCE_BYTES + _TAG_BYTES:
        raise CannotDecide("too short to be sealed", "sealing")
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(tenant_key(site_key, tenant)).decrypt(nonce, ciphertext, aad)
    except InvalidTag as error:
        raise CannotDecide("sealed with another key, for another tenant or row, or changed since", "sealing") from error
