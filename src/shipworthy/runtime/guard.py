"""The guard in your own process: the same decision path, checks and telemetry as the gateway, without HTTP.

In: rows. Out: replies with route, reasons and a receipt. Scores come from supervised model processes, or from a
callable of your own; everything else is the gateway's code. Use it as a context manager.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from shipworthy.deploy.http.client import Scored, Upstream, UpstreamFailed
from shipworthy.deploy.http.gateway import ONLY_TENANT, Reply, reply_of
from shipworthy.errors import Unreachable, UsageError
from shipworthy.models.spec import Cell, columns_of, text_of
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.site import Site
from shipworthy.runtime.workspace import Clock, Workspace, wall_clock

Told = TypeVar("Told")
Score = Callable[[list[dict[str, Cell]]], Sequence[float | None]]
TICK_S = 0.2
START_S = 120.0
DECIDE_S = 30.0


class OwnModel:
    """The caller's own callable as the model of every version: rows by feature name in, one score a row out."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._names: dict[str, list[str]] = {}
        self._upstreams: dict[str, Upstream] = {}

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def start(self, one: Loaded) -> None:
        """Take a version up."""
        self._names[one.version] = [name for name, _ in columns_of(one.contract.manifest.features)]
        self._upstreams[one.version] = _Own(self, one.version)

    async def stop(self, version: str) -> None:
        """Let a version go."""
        self._upstreams.pop(version, None)

    async def close(self) -> None:
        """Let go of all."""
        self._upstreams.clear()

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of rows of values in model order."""
        names = self._names[version]
        return self._score([dict(zip(names, row, strict=True)) for row in rows])

    def pids(self) -> dict[str, int]:
        """There are no processes."""
        return {}

    def told(self) -> dict[str, dict[str, object]]:
        """Return what is known of each version's model: that it is the caller's own, which no gate has seen."""
        return {version: {"kind": "callable", "where": "", "gated": False} for version in self._upstreams}


class _Own:
    def __init__(self, model: OwnModel, version: str) -> None:
        self._model = model
        self._version = version

    async def score(self, row: list[Cell], deadline: float) -> Scored:
        try:
            (score,) = await asyncio.to_thread(self._model.ask, self._version, [row])
        except Exception as error:  # whatever the callable does wrong, it gave no score
            raise UpstreamFailed(f"score: {error}") from error
        if score is None or not 0.0 <= score <= 1.0:
            raise UpstreamFailed(f"score: {score!r}")
        return Scored(score=float(score))

    async def healthy(self, deadline: float) -> bool:
        return True


class Guard:
    """Decides rows of the shipped model. `model` is your own scoring callable; without it, model processes are used.

    `root` is the model repository, `home` its state directory (default `.shipworthy/state`). Raises CannotDecide when
    nothing has shipped, or what has shipped is not what the gate passed.
    """

    def __init__(
        self,
        root: Path | str = ".",
        home: Path | str | None = None,
        model: Score | None = None,
        clock: Clock = wall_clock,
        observe_only: bool = False,
    ) -> None:
        place = Path(root)
        state = Path(home) if home is not None else place / ".shipworthy" / "state"
        self._workspace = Workspace(root=place, home=state, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shipworthy-guard", daemon=True)
        self._thread.start()
        self._ticking: asyncio.Task[None] | None = None
        try:
            self._site = self._run(self._open(model, observe_only), START_S)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decide(self, row: Mapping[str, Cell]) -> Reply:
        """Return the reply to one row. Raises UsageError when the row does not say whose it is."""
        return self._run(self._decide(dict(row)), DECIDE_S)

    def batch(self, rows: Sequence[Mapping[str, Cell]]) -> list[Reply]:
        """Return one reply a row, in order."""
        return self._run(self._all([dict(row) for row in rows]), DECIDE_S + len(rows))

    def label(self, receipt: str, label: int) -> str:
        """Add the late label of a decision by its receipt; returns `accepted`, `used` or `expired`."""
        from shipworthy.deploy.receipt import unseal

        found = unseal(self._workspace.host_key(), receipt)
        return self._run(self._site.take_label(found, label), DECIDE_S)

    def status(self) -> dict[str, Any]:
        """Return what holds and how it is judged."""
        return self._run(self._status(), DECIDE_S)

    def close(self) -> None:
        """Write what is still in memory and stop."""
        if not self._loop.is_closed():
            self._run(self._shut(), START_S)
            self._end()

    async def _open(self, model: Score | None, observe_only: bool) -> Site:
        site = Site(self._workspace, observe_only, OwnModel(model) if model is not None else None)
        try:
            await site.start()
        except BaseException:
            await site.close()
            raise
        self._ticking = asyncio.create_task(site.watch(TICK_S))
        return site

    async def _decide(self, row: dict[str, Cell]) -> Reply:
        site = self._site
        now_s = self._workspace.clock().timestamp()
        outcome = await site.gateway.decider.decide(row, self._tenant(row), now_s)
        site.gateway.shadows.consider(outcome, row, now_s)
        if outcome.error:
            raise Unreachable(outcome.error, "guard", "see `why` in the log; nothing was decided")
        return reply_of(outcome)

    async def _all(self, rows: list[dict[str, Cell]]) -> list[Reply]:
        return [await self._decide(row) for row in rows]

    async def _status(self) -> dict[str, Any]:
        return self._site.status()

    async def _shut(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self._site.close()

    def _tenant(self, row: Mapping[str, Cell]) -> str:
        key = self._site.gateway.wiring.keys.tenant
        if key is None:
            return ONLY_TENANT
        cell = row.get(key)
        if cell is None or cell == "":
            raise UsageError(f"no tenant: column {key!r} is missing", "row", "say whose request it is")
        return cell if isinstance(cell, str) else text_of(cell)

    def _run(self, work: Coroutine[Any, Any, Told], limit_s: float) -> Told:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(limit_s)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()
