"""Runs of gateways over one state directory: each has a name of its own, and one that died without a word is noticed.

In: the state directory, the minute of the start. Out: the name of this run, the names of runs that ended without saying
so, and whether others are still running. A run holds a lock on a file of its own; the system lets go of it however the
process ends, and only a run that ends well takes its file away.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from shipworthy.errors import Unreachable
from shipworthy.store.safe_files import private_directory

_SUFFIX = ".run"


class Run:
    """One run of a gateway. `lost`: runs that died; `others`: how many are running beside it."""

    def __init__(self, home: Path, start_minute: int) -> None:
        """Begin a run. Raises Unreachable when the directory cannot be written."""
        self.name = f"gateway-{start_minute}-{secrets.token_hex(4)}"
        self._folder = private_directory(home / "runs")
        self._path = self._folder / f"{self.name}{_SUFFIX}"
        try:
            self._held = self._begin()
            ended = {path.stem: _is_over(path) for path in sorted(self._folder.glob(f"*{_SUFFIX}"))}
        except OSError as error:
            raise Unreachable(f"cannot mark this run: {error.strerror}", str(self._folder)) from error
        ended.pop(self.name, None)
        self.lost = tuple(name for name, over in ended.items() if over)
        self.others = len(ended) - len(self.lost)

    def settled(self) -> None:
        """Forget the runs that died: what they lost is written down."""
        for name in self.lost:
            (self._folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)

    def end(self) -> None:
        """End this run, all it had to say being said. Twice is once."""
        if self._held >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._held)
            self._held = -1

    def _begin(self) -> int:
        """Lock a file before it has its name, so that nobody finds it free."""
        unnamed = self._path.with_suffix(".new")
        held = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self._path)
        return held


def started(name: str) -> int:
    """Return the minute a run began, from its name."""
    return int(name.split("-")[1])


def _is_over(path: Path) -> bool:
    """True when nobody holds a run's file any more."""
    try:
        looked = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # it ended well while we looked
        return False
    try:
        fcntl.flock(looked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(looked)
    return path.exists()
