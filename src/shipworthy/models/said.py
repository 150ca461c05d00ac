"""What a child process says: its first line on standard output, and its last words in its log.

In: a process with a pipe on standard output, or a path. Out: a line; Unreachable when none comes in time.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

from shipworthy.errors import Unreachable

_SAYS_NOTHING = "it said nothing"


def first_line(process: subprocess.Popen[bytes], within_s: float) -> bytes:
    """Return the first line of a child that was just started. Raises Unreachable when it ends or takes too long."""
    assert process.stdout is not None
    line = b""
    until = time.monotonic() + within_s
    while not line.endswith(b"\n"):
        left = until - time.monotonic()
        ready = left > 0 and select.select([process.stdout], [], [], left)[0]
        read = os.read(process.stdout.fileno(), 4096) if ready else b""
        if not read:
            raise Unreachable("the process did not say that it is ready", str(process.args))
        line += read
    return line


def last_words(log: Path) -> str:
    """Return the last line of a log, which says why."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else _SAYS_NOTHING
