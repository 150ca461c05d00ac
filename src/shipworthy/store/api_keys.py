"""`api-keys.json`: which keys callers of this site may show, as hashes, under the host's MAC (DECISIONS §8, §9).

In: keys to keep. Out: the keys as last written, and a mark that changes with the file. A key that ended or was revoked
stays in the list: a site that ever had keys is never taken for one that is open to all.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact
from shipworthy.store.failpoints import nothing
from shipworthy.store.safe_files import read_plain, write_whole
from shipworthy.store.sealed_json import sealed, unsealed

FILE: Final = "api-keys.json"
_NAME: Final = "api_keys"
Mark = tuple[int, int, int]


class ApiKey(Fact, frozen=True, kw_only=True):
    """What is kept of a key. `tenant` `*` may speak for every tenant; `id` are the first digits of `sha256`.

    Times are RFC 3339; `revoked_at` is \"\" while nobody has revoked it.
    """

    id: str
    tenant: str
    sha256: str
    made_at: str
    expires: str
    revoked_at: str = ""


class ApiKeys(Fact, frozen=True, kw_only=True):
    """All keys of a site, oldest first."""

    keys: tuple[ApiKey, ...] = ()


class KeyFile:
    """The file of one state directory, under the host's MAC key."""

    def __init__(self, home: Path, mac_key: bytes) -> None:
        self.path = home / FILE
        self._key = mac_key

    def mark(self) -> Mark | None:
        """Return what changes whenever the file does; None when there is none."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def read(self) -> ApiKeys | None:
        """Return the keys, None when the site never had any. Raises CannotDecide for a file that is not ours."""
        if self.mark() is None:
            return None
        try:
            return unsealed(_NAME, ApiKeys, read_plain(self.path), self._key, str(self.path))
        except CannotDecide as problem:
            fix = "delete it, start anew and make new keys: callers need new ones"
            raise CannotDecide(problem.what, str(self.path), fix) from None

    def write(self, keys: ApiKeys) -> None:
        """Replace the keys. Call it under the directory's lock."""
        write_whole(self.path, sealed(_NAME, keys, self._key), nothing)
