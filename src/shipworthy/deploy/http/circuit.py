"""A local circuit per candidate: when it fails too often its share goes to the baseline without trying.

In: how each attempt at a version ended. Out: open or closed. It opens after five failures in a row, or
when more than a fifth of the last fifty attempts failed. Then health checks; when one passes, a few requests at a time
try it again, and it closes after five that succeed, or opens again at the first that fails. Each gateway decides alone
and at once; the control plane hears of it afterwards. Nobody asks whether the baseline's circuit is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from shipworthy.deploy.http.upstream import Upstream

IN_A_ROW = 5
LAST, MOST_OF_LAST = 50, 10
TRIALS_AT_ONCE = 2
TRIALS = 5
CHECK_EVERY_S = 0.25
_ROW = (1 << IN_A_ROW) - 1
_WINDOW = (1 << LAST) - 1
_log = logging.getLogger("shipworthy.gateway")


class Circuits:
    """Circuits by version. `openings`: how often each has opened since the start, for whoever counts."""

    def __init__(self, upstream: Callable[[str], Upstream | None], check_every_s: float = CHECK_EVERY_S) -> None:
        self._upstream = upstream
        self._check_every_s = check_every_s
        self._failed: dict[str, int] = {}  # the last attempts, one bit each, the newest lowest; none while all is well
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._trials: dict[str, int] = {}  # of a half-open circuit: how many succeeded in a row
        self._trying: dict[str, int] = {}
        self.openings: dict[str, int] = {}

    def open(self, version: str) -> bool:
        """True while the version is not tried, or while as many try it as may."""
        if version in self._checks:
            return True
        return bool(self._trials) and version in self._trials and self._trying.get(version, 0) >= TRIALS_AT_ONCE

    def state(self, version: str) -> str:
        """Return `closed`, `open` or `half_open`."""
        return "open" if version in self._checks else "half_open" if version in self._trials else "closed"

    def told(self) -> dict[str, dict[str, object]]:
        """Return `state` and `openings` of every version whose circuit is not closed, or once was not."""
        versions = sorted({*self._checks, *self._trials, *self.openings})
        return {one: {"state": self.state(one), "openings": self.openings.get(one, 0)} for one in versions}

    def began(self, version: str) -> bool:
        """An attempt begins; returns whether it is a trial of a half-open circuit, for `ended`."""
        if not self._trials or version not in self._trials:
            return False
        self._trying[version] = self._trying.get(version, 0) + 1
        return True

    def ended(self, version: str, trial: bool, ok: bool | None) -> None:
        """An attempt is over: answered, failed, or None for one that was given up by the caller."""
        if trial and self._trying.get(version):
            self._trying[version] -= 1
        if ok is False:
            self._fail(version)
        elif ok:
            self._succeed(version, trial)

    async def stop(self) -> None:
        """End the health checks."""
        checks, self._checks = list(self._checks.values()), {}
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    def _succeed(self, version: str, trial: bool) -> None:
        bits = self._failed.get(version)
        if bits is not None:
            self._failed[version] = (bits << 1) & _WINDOW
            if not self._failed[version]:
                del self._failed[version]
        if trial and version in self._trials:
            self._trials[version] += 1
            if self._trials[version] >= TRIALS:
                self._forget(version)

    def _fail(self, version: str) -> None:
        bits = self._failed[version] = ((self._failed.get(version, 0) << 1) | 1) & _WINDOW
        often = bits & _ROW == _ROW or bits.bit_count() > MOST_OF_LAST
        if version not in self._checks and (often or version in self._trials):
            self._open(version)

    def _open(self, version: str) -> None:
        self._forget(version)
        self.openings[version] = self.openings.get(version, 0) + 1
        _log.warning("the circuit of version %s opened; its share goes to the baseline", version)
        self._checks[version] = asyncio.get_running_loop().create_task(self._until_healthy(version))

    def _forget(self, version: str) -> None:
        for kept in (self._failed, self._trials, self._trying):
            kept.pop(version, None)

    async def _until_healthy(self, version: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._check_every_s)
            upstream = self._upstream(version)
            if upstream is not None and await upstream.healthy(loop.time() + self._check_every_s):
                self._forget(version)
                self._trials[version] = 0
                self._checks.pop(version, None)
                return
