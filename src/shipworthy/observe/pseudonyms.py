"""Who a caller is, without saying so: pseudonyms under a key that is thrown away.

In: the secret of a period, a tenant and the caller's address. Out: `p-` and 12 hex digits. The key of a tenant is
derived from the secret of the period (HMAC-SHA256 as a key derivation, RFC 5869 §2.3): a caller of two tenants has two
pseudonyms, and a tenant that somebody makes up costs no key. Periods of 30 days have secrets that know nothing of each
other: one caller has another pseudonym in each, and once a secret is deleted nobody, the site included, can tell whose
pseudonyms its own were, nor link them with those of any other period.

An address is few bits: whoever holds the secret of a period can try them all. The secret is what protects, so it is
sealed in the store and dies with the last event of its period.
"""

from __future__ import annotations

from shipworthy.artifact.mac import tag

HOURS = 30 * 24  # of one period, on a grid that begins at the epoch
SECRET_BYTES = 32
_SHOWN, _EVIDENCE = 6, 16  # bytes of a pseudonym and of an evidence digest


def period_end(hour: int) -> int:
    """Return the hour at which the period of an hour ends: it names the period.

    >>> period_end(0), period_end(719), period_end(720)
    (720, 720, 1440)
    """
    return (hour // HOURS + 1) * HOURS


def tenant_key(secret: bytes, tenant: str) -> bytes:
    """Return the 32-byte key of one tenant in one period. Raises CannotDecide unless the secret has 32 bytes."""
    return tag(secret, "abuse-tenant", tenant.encode("utf-8", "surrogatepass"))


def pseudonym(key: bytes, caller: str) -> str:
    """Return the pseudonym of a caller under a tenant's key."""
    return f"p-{tag(key, 'abuse-caller', caller.encode('utf-8', 'surrogatepass'))[:_SHOWN].hex()}"


def evidence_digest(key: bytes, raw: bytes) -> str:
    """Return the digest of what was sent, under a tenant's key: without the key no guess at it can be tried."""
    return f"e-{tag(key, 'abuse-evidence', raw)[:_EVIDENCE].hex()}"
