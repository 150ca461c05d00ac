"""Ending a process in the middle of a write, on purpose.

In: the name of a place (`shipworthy.store.failpoints`) and how many times it may be passed. Out: a failpoint that
kills this process there as `kill -9` would: no handler runs, nothing is flushed.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping

from shipworthy.store.failpoints import FILES, STORE, Failpoint, nothing

VARIABLE = "SHIPWORTHY_FAILPOINT"


class DieAt:
    """Kill this process when place `name` is reached for the `n`-th time (from 1)."""

    def __init__(self, name: str, n: int = 1) -> None:
        if name not in (*STORE, *FILES) or n < 1:
            raise ValueError(f"no such failpoint: {name}:{n}")
        self._name = name
        self._left = n

    def __call__(self, name: str) -> None:
        """Count the place; at the last one, die."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Recorder:
    """Count which places were passed: to see that a test reaches the ones it means to."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        """Count the place."""
        self.passed[name] += 1


def failpoint_from(environ: Mapping[str, str]) -> Failpoint:
    """Return the failpoint that `SHIPWORTHY_FAILPOINT=name:n` asks for; without it, one that does nothing."""
    asked = environ.get(VARIABLE)
    if asked is None:
        return nothing
    name, _, n = asked.partition(":")
    return DieAt(name, int(n or "1"))
