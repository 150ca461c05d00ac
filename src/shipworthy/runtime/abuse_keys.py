"""The secrets of pseudonyms: one a period of 30 days, made in the store, sealed there, in memory while it is needed.

In: a store, the site key, the hour. Out: the secret of a period, None where it is not known: then nobody is named. The
secret of the next period is there a day before it begins, so that rotating waits for no store; the old one stays in the
store until the last count of its period has expired, and dies with it (`store.abuse`). Every process of a site uses the
secret that was there first.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import Future

from shipworthy.artifact.sealing import NONCE_BYTES, seal, unseal
from shipworthy.observe.pseudonyms import SECRET_BYTES, period_end
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store

AHEAD_HOURS = 24
_OF = "\x00abuse"  # in place of a tenant: no tenant has this name
_Made = Future[dict[int, bytes]]


class AbuseKeys:
    """The secrets of one process. Single thread; what is written goes through group commit."""

    def __init__(self, store: Store, commits: GroupCommit, site_key: bytes, hour: int) -> None:
        """Make or read the secrets of now. Raises Unreachable or CannotDecide when the store cannot say."""
        self._commits = commits
        self._site_key = site_key
        self._made: _Made | None = None
        self._secrets = opened(_kept(store, _sealed(site_key, _needed(hour))), site_key)

    def secret(self, hour: int) -> bytes | None:
        """Return the secret of the period of an hour."""
        return self._secrets.get(period_end(hour))

    def keep_up(self, hour: int) -> None:
        """Ask for the secrets that will be needed, take those that have come, and forget those of the past.

        Raises what the store had against it; the next call asks again.
        """
        made, done = self._made, self._made is not None and self._made.done()
        if done and made is not None:
            self._made = None
            self._secrets.update(opened(made.result(), self._site_key))
        self._secrets = {end: secret for end, secret in self._secrets.items() if end >= hour}
        missing = [end for end in _needed(hour) if end not in self._secrets]
        if missing and self._made is None:
            fresh = _sealed(self._site_key, missing)
            self._made = self._commits.submit(lambda store: _kept(store, fresh))


def opened(sealed: Mapping[int, bytes], site_key: bytes) -> dict[int, bytes]:
    """Return the secrets by the end of their period. Raises CannotDecide for one that this site did not seal."""
    return {end: unseal(site_key, _OF, one, _aad(end)) for end, one in sealed.items()}


def _needed(hour: int) -> list[int]:
    return sorted({period_end(hour), period_end(hour + AHEAD_HOURS)})


def _sealed(site_key: bytes, ends: list[int]) -> dict[int, bytes]:
    """Return a new secret for each period."""
    return {
        end: seal(site_key, _OF, secrets.token_bytes(NONCE_BYTES), secrets.token_bytes(SECRET_BYTES), _aad(end))
        for end in ends
    }


def _kept(store: Store, fresh: Mapping[int, bytes]) -> dict[int, bytes]:
    return {end: store.abuse_key(end, one) for end, one in fresh.items()}


def _aad(end: int) -> bytes:
    return b"abuse_keys/%d" % end
