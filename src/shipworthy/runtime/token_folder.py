"""The tokens of a site as they are kept in memory: their files are read again only when one of them has changed.

In: the state directory. Out: the tokens. A request with an invented token must not cost the reading of every file. What
has not the form of a token is looked up nowhere. A new or deleted file counts at once, by the times of the folder; one
that was edited, or changed within a tick of the file system's clock, within a second.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Final

from shipworthy.runtime.tokens import FOLDER, Token, holder, is_token, read_tokens

LOOK_S: Final = 1.0
_Stamp = tuple[tuple[str | int, ...], ...]


class TokenFolder:
    """Safe from several threads. Raises CannotDecide at a file that is no token, as `read_tokens` does."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / FOLDER
        self._lock = threading.Lock()
        self._changed: _Stamp | None = None
        self._files: _Stamp | None = None
        self._looked = 0.0
        self._kept: tuple[Token, ...] = ()

    def tokens(self) -> tuple[Token, ...]:
        """Return the tokens that are kept now."""
        with self._lock:
            changed, now = self._of_folder(), time.monotonic()
            if changed == self._changed and now - self._looked < LOOK_S:
                return self._kept
            self._changed = None  # what cannot be read is read again
            files = self._of_files()
            if files != self._files:
                self._files = None
                self._kept = read_tokens(self._home)
            self._files, self._changed, self._looked = files, changed, now
            return self._kept

    def holder(self, authorization: bytes | None, now: str) -> Token | None:
        """Return the token of an `Authorization` header, None without one of ours."""
        scheme, _, shown = (authorization or b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not is_token(shown):
            return None
        return holder(shown, self.tokens(), now)

    def _of_folder(self) -> _Stamp:
        try:
            return (_stamp("", self._folder.stat()),)
        except FileNotFoundError:
            return ()

    def _of_files(self) -> _Stamp:
        """Return what changes when a file is written. The folder's own stamp is part: its mode is looked at too."""
        try:
            with os.scandir(self._folder) as found:
                files = [_stamp(one.name, one.stat(follow_symlinks=False)) for one in found]
        except FileNotFoundError:
            return ()
        return tuple(sorted([*files, *self._of_folder()]))


def _stamp(name: str, found: os.stat_result) -> tuple[str | int, ...]:
    return name, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_mode, found.st_uid
