"""Who calls, by the key that was shown: what the gateway asks before it takes a row.

In: an ASGI scope. Out: a `Caller`, or None where the site has no keys and anybody may ask. Raises `KeyRefusal`: 401
without a key that holds, 403 for a row of another tenant (RFC 9110 §15.5.2, §15.5.4; RFC 6750 for the bearer scheme).
Health pages are for probes that have no key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from shipworthy.deploy.http.wire import Refusal, Scope, header
from shipworthy.facts import AbuseKind

ANY: Final = "*"
_PROBED: Final = ("/ping", "/health")
_SCHEME: Final = b"bearer "


class Caller(NamedTuple):
    """The holder of a key: its id, and the tenant it may speak for (`*`: every one)."""

    id: str
    tenant: str

    def may(self, tenant: str) -> bool:
        """True when the key speaks for the tenant."""
        return self.tenant in (ANY, tenant)


Callers = Callable[[Scope], Caller | None]


class KeyRefusal(Refusal):
    """A refusal for want of the right key. `abuse` and `shown` are for the abuse log, which hashes what it is given."""

    def __init__(self, status: int, why: str, abuse: AbuseKind | None = None, shown: bytes = b"") -> None:
        super().__init__(status, why, [(b"www-authenticate", b"Bearer")] if status == 401 else ())
        self.abuse = abuse
        self.shown = shown


def everybody(scope: Scope) -> Caller | None:
    """Ask for no key."""
    return None


def needs_key(scope: Scope) -> bool:
    """False for health pages only."""
    path = str(scope["path"])
    probed = path in _PROBED or (path.startswith("/v2/") and path.endswith(("/live", "/ready")))
    return scope["method"] not in ("GET", "HEAD") or not probed


def shown_key(scope: Scope) -> bytes | None:
    """Return the key of `Authorization: Bearer …` or `X-API-Key: …`, None when neither was sent."""
    shown = header(scope, b"authorization")
    if shown is None:
        return header(scope, b"x-api-key")
    return shown[len(_SCHEME) :].strip() if shown[: len(_SCHEME)].lower() == _SCHEME else shown


def tenant_for(caller: Caller | None, tenant: str | None) -> str | None:
    """Return the tenant of a row that names `tenant`: the key's own where the row names none.

    Raises KeyRefusal 403 when the key does not speak for it.
    """
    if caller is None:
        return tenant
    if tenant is None:
        return None if caller.tenant == ANY else caller.tenant
    if not caller.may(tenant):
        raise KeyRefusal(403, "this key does not speak for that tenant", AbuseKind.FOREIGN_TENANT)
    return tenant


def everything(caller: Caller | None) -> None:
    """Let pass who may see the whole site. Raises KeyRefusal 403 for the key of one tenant."""
    if caller is not None and caller.tenant != ANY:
        raise KeyRefusal(403, "this page needs a key for every tenant")
