"""What is dear to make is made once in a run, whichever of its workers asks first.

In: the folder that all workers of a run share, a name, and what makes a folder. Out: the finished folder; the other
workers wait for it and read it. A maker that failed or was killed leaves nothing that is taken for finished.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def run_folder(config: pytest.Config, factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of the whole run; that of a worker of `make test` lies inside it."""
    own = factory.getbasetemp()
    return own.parent if hasattr(config, "workerinput") else own


def once(base: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return `base/name`, made by the first who asks. Raises what `make` raises; the next who asks makes it anew."""
    folder, fresh = base / name, base / f"{name}-unfinished"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(fresh, ignore_errors=True)
            make(fresh)
            fresh.rename(folder)
    return folder
