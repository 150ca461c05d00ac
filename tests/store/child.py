"""The environment of child processes: they import what this process imports, and nothing else changes."""

from __future__ import annotations

import os
import sys


def child_environ(**more: str) -> dict[str, str]:
    """Return this process's environment with its import path, and more variables."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path), **more}
