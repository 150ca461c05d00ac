"""Every loaded version is asked once a second while nobody else asks it, so that the baseline is warm when needed.

In: the decider's versions and a row of the reference. Out: which of them answer, and whether the baseline is ready.
Probes are no requests: no event, no window, no circuit hears of them. A version with side effects is only asked for
its health. What is computed in the caller's own process is always warm.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.decider import Decider
from shipworthy.deploy.http.upstream import UpstreamFailed
from shipworthy.models.spec import values_of

_log = logging.getLogger("shipworthy.gateway")
BEGIN_WITHIN_S = 2.0
SILENT_S = 5.0
"""A version that has not answered for so long is not ready."""


class Warm:
    """Probes by version. One event loop. Until `start` it judges nothing, and everything loaded counts as ready."""

    def __init__(self, decider: Decider, silent_s: float = SILENT_S) -> None:
        self._decider = decider
        self._silent_s = silent_s
        self._beating: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._heard_at: dict[str, float] = {}
        self._trouble: dict[str, str] = {}

    def start(self) -> None:
        """Begin to probe, at once."""
        if self._beating is None:
            self._loop = asyncio.get_running_loop()
            self._beating = self._loop.create_task(self._beat())

    async def begin(self, within_s: float = BEGIN_WITHIN_S) -> None:
        """Begin to probe, and wait for the first answers: who is told that we serve must find us ready."""
        self.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not all(version in self._heard_at or version in self._trouble for version in self._loaded()):
                    await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """End the probes."""
        tasks = [*self._probes.values(), *([self._beating] if self._beating else [])]
        self._beating = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ready(self, version: str) -> bool:
        """True when a version has answered lately, a caller or a probe."""
        if self._beating is None or version in self._decider.heard:
            return True
        if not isinstance(self._decider.wiring.upstreams.get(version), Pool):
            return True
        ago = self._ago_s(version)
        return ago is not None and ago <= self._silent_s

    def told(self) -> dict[str, dict[str, object]]:
        """Return, by loaded version: `ready`, `silent_s` since it last answered (None: never), `trouble`."""
        told: dict[str, dict[str, object]] = {}
        for version in sorted(self._loaded()):
            ago = self._ago_s(version)
            silent = 0.0 if version in self._decider.heard else None if ago is None else round(ago, 3)
            trouble = self._trouble.get(version, "")
            told[version] = {"ready": self.ready(version), "silent_s": silent, "trouble": trouble}
        return told

    def _ago_s(self, version: str) -> float | None:
        heard_at = self._heard_at.get(version)
        return None if heard_at is None or self._loop is None else self._loop.time() - heard_at

    def _loaded(self) -> dict[str, Pool]:
        w = self._decider.wiring
        pools = {version: w.upstreams.get(version) for version in w.releases}
        return {version: pool for version, pool in pools.items() if isinstance(pool, Pool)}

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            loaded, heard = self._loaded(), self._decider.heard
            for version in list(self._heard_at):
                if version not in loaded:
                    del self._heard_at[version]
            for version, pool in loaded.items():
                if version in heard:
                    self._answered(version)
                elif version not in self._probes:
                    probe = loop.create_task(self._probe(version, pool))
                    self._probes[version] = probe
                    probe.add_done_callback(partial(self._ended, version))
            heard.clear()
            await asyncio.sleep(self._decider.wiring.warm_every_s)

    def _ended(self, version: str, probe: asyncio.Task[None]) -> None:
        self._probes.pop(version, None)
        if not probe.cancelled() and probe.exception() is not None:
            self._trouble[version] = "the probe itself failed"
            _log.error("a probe of version %s failed", version, exc_info=probe.exception())

    def _answered(self, version: str) -> None:
        self._heard_at[version] = asyncio.get_running_loop().time()
        self._trouble.pop(version, None)

    async def _probe(self, version: str, pool: Pool) -> None:
        w = self._decider.wiring
        deadline = asyncio.get_running_loop().time() + w.deadline_s
        if not await pool.healthy(deadline):
            self._trouble[version] = "its health check fails"
            return
        release = w.releases.get(version)
        row = w.warm_row(version) if release is not None and release.idempotent else None
        try:
            if release is not None and row is not None:
                await pool.score(values_of(row, release.columns), deadline)
        except UpstreamFailed as error:
            self._trouble[version] = str(error)
            return
        self._answered(version)
