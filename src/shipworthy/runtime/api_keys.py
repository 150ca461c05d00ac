"""API keys of a site: 256 random bits, shown once, kept as their SHA-256 with a tenant and an end (DECISIONS §8).

In: a tenant and an end; later what a caller shows. Out: the key, once; later who shows it. A running gateway looks at
the file twice a second, so that what was made, revoked or has ended acts within a second; a request costs one hash and
one look in a table, and how long that takes tells nothing of the keys that are kept. A file that was there and is gone,
or cannot be read, opens nothing: every request is refused until it is back.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from shipworthy.deploy.http.keys import ANY, Caller, KeyRefusal, shown_key
from shipworthy.deploy.http.wire import Refusal, Scope
from shipworthy.errors import CannotDecide, ShipworthyError, UsageError
from shipworthy.facts import DRILL_TENANT, AbuseKind
from shipworthy.store.api_keys import ApiKey, ApiKeys, KeyFile, Mark
from shipworthy.store.instants import instant

PREFIX: Final = "swk_"
LOOK_EVERY_S: Final = 0.5
MOST: Final = 10_000
_KEY: Final = re.compile(rb"swk_[A-Za-z0-9_-]{43}")  # 32 bytes in URL-safe base64, without padding
_log = logging.getLogger("shipworthy.keys")


def new_key(tenant: str, made_at: str, expires: str) -> tuple[str, ApiKey]:
    """Make a key; return it, for this one time, and what is to be kept. Raises UsageError."""
    if not tenant or not tenant.isprintable() or tenant != tenant.strip() or len(tenant) > 200:
        raise UsageError(f"no tenant {tenant!r}", "--tenant", "its name as requests say it, or * for every tenant")
    if tenant == DRILL_TENANT:
        raise UsageError(f"{DRILL_TENANT} is the tenant of drills", "--tenant", "a drill makes its own token")
    if not instant(made_at) < instant(expires):
        raise UsageError("a key ends after it was made", "--expires", "say when, such as 90d")
    shown = f"{PREFIX}{secrets.token_urlsafe(32)}"
    hashed = hashlib.sha256(shown.encode()).hexdigest()
    return shown, ApiKey(id=hashed[:12], tenant=tenant, sha256=hashed, made_at=made_at, expires=expires)


def with_key(keys: ApiKeys | None, one: ApiKey) -> ApiKeys:
    """Return the keys with one more. Raises UsageError when there are too many."""
    kept = keys.keys if keys is not None else ()
    if len(kept) >= MOST:
        raise UsageError(f"more than {MOST} keys", "api-keys.json", "one key serves one caller, not one request")
    return ApiKeys(keys=(*kept, one))


def without_key(keys: ApiKeys | None, key_id: str, at: str) -> tuple[ApiKeys, ApiKey]:
    """Return the keys with one revoked, and that one. Raises UsageError for an id that no key or several have."""
    found = [one for one in (keys.keys if keys else ()) if key_id and one.id.startswith(key_id)]
    if len(found) != 1 or keys is None:
        raise UsageError(f"{len(found) or 'no'} keys have the id {key_id!r}", "ID", "see `shipworthy keys list`")
    gone = found[0] if found[0].revoked_at else msgspec.structs.replace(found[0], revoked_at=at)
    return ApiKeys(keys=tuple(gone if one is found[0] else one for one in keys.keys)), gone


def state_of(one: ApiKey, now: str) -> str:
    """Return `holds`, `revoked` or `over`."""
    if one.revoked_at:
        return "revoked"
    return "holds" if one.made_at <= now < one.expires else "over"


class Keyring:
    """The keys of a running gateway. `now()`: the time as the ledger writes it."""

    def __init__(self, file: KeyFile, now: Callable[[], str]) -> None:
        """Raises CannotDecide when there is a file that cannot be read."""
        self._file = file
        self._now = now
        self._mark: Mark | None = file.mark()
        self._by_hash: dict[bytes, ApiKey] | None = _by_hash(file.read())
        self._look_at = 0.0
        self.trouble = ""

    @property
    def needed(self) -> bool:
        """True when the site has, or had, keys."""
        self._look()
        return self._by_hash is not None

    def caller(self, scope: Scope) -> Caller | None:
        """Return who calls; None where the site never had keys. Raises Refusal 401, or 503 without readable keys."""
        if time.monotonic() >= self._look_at:
            self._look()
        if self._by_hash is None:
            return None
        if self.trouble:
            raise Refusal(503, "the keys of this site cannot be read", [(b"retry-after", b"1")])
        shown = shown_key(scope)
        if shown is None:
            raise KeyRefusal(401, "show a key: `Authorization: Bearer …`")
        one = self._by_hash.get(hashlib.sha256(shown).digest())
        if one is None or not _KEY.fullmatch(shown) or state_of(one, self._now()) != "holds":
            raise KeyRefusal(401, "this key does not hold here", AbuseKind.BAD_TOKEN, shown)
        return Caller(one.id, one.tenant)

    def told(self) -> dict[str, Any]:
        """Return what the status shows: how many keys hold, never which."""
        kept, now = (self._by_hash or {}).values(), self._now()
        return {
            "needed": self._by_hash is not None,
            "holding": sum(state_of(one, now) == "holds" for one in kept),
            "every_tenant": sum(one.tenant == ANY and state_of(one, now) == "holds" for one in kept),
            "trouble": self.trouble,
        }

    def _look(self) -> None:
        """Read the file again when it has changed."""
        self._look_at = time.monotonic() + LOOK_EVERY_S
        try:
            mark = self._file.mark()
            if mark == self._mark and not self.trouble:
                return
            found = _by_hash(self._file.read())
            if found is None and self._by_hash is not None:
                raise CannotDecide("the keys were there and are gone", str(self._file.path), "make new ones")
        except (ShipworthyError, OSError) as problem:
            if not self.trouble:
                _log.error("every request is refused: %s", problem)
            self._by_hash = self._by_hash if self._by_hash is not None else {}
            self.trouble = str(problem)
            return
        self._mark, self._by_hash, self.trouble = mark, found, ""


def _by_hash(keys: ApiKeys | None) -> dict[bytes, ApiKey] | None:
    return None if keys is None else {bytes.fromhex(one.sha256): one for one in keys.keys}
