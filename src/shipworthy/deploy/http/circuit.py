"""A local circuit per candidate: after five failures in a row its share goes to the baseline without trying.

In: failures and successes of one version's attempts. Out: open or closed. It closes again when a health check passes.
Each gateway decides alone and at once; the control plane hears of it afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shipworthy.deploy.http.client import Upstream

FAILURES = 5
CHECK_EVERY_S = 0.25


class Circuits:
    """Circuits by version."""

    def __init__(self, upstream: Callable[[str], Upstream | None], check_every_s: float = CHECK_EVERY_S) -> None:
        self._upstream = upstream
        self._check_every_s = check_every_s
        self._failures: dict[str, int] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}

    def open(self, version: str) -> bool:
        """True while the version is not tried."""
        return version in self._checks

    def succeeded(self, version: str) -> None:
        """One answer came: earlier failures no longer count."""
        if self._failures:
            self._failures.pop(version, None)

    def failed(self, version: str) -> None:
        """One attempt failed; the fifth in a row opens the circuit and starts its health checks."""
        count = self._failures.get(version, 0) + 1
        self._failures[version] = count
        if count >= FAILURES and version not in self._checks:
            self._checks[version] = asyncio.get_running_loop().create_task(self._until_healthy(version))

    async def stop(self) -> None:
        """End the health checks."""
        checks, self._checks = list(self._checks.values()), {}
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    async def _until_healthy(self, version: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._check_every_s)
            upstream = self._upstream(version)
            if upstream is not None and await upstream.healthy(loop.time() + self._check_every_s):
                self._failures.pop(version, None)
                self._checks.pop(version, None)
                return
