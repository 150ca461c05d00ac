"""A file that is there as a whole or not at all.

In: a path and bytes. Out: nothing. The bytes go into a new file beside it, onto the disk, and then take the name.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from shipworthy.errors import CannotDecide


def write_whole(path: Path, raw: bytes, mode: int = 0o644) -> None:
    """Writes `raw` to `path`, replacing what was there. Raises CannotDecide, with the old content left as it was."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise CannotDecide(f"cannot be written ({error.strerror})", str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise CannotDecide(f"cannot be written ({error.strerror})", str(path)) from error
