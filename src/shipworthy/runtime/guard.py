"""The guard in your own process: the same decision path, checks and telemetry as the gateway, without HTTP.

In: rows, or whole tables. Out: decisions with route, reasons and a receipt. Scores come from supervised model
processes, or from a callable of your own, row by row or by columns; everything else is the gateway's code. A single row
counts against the throttle of its tenant, a table does not: it is work of priority `batch`. Use it as a context
manager.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import numpy as np

from shipworthy.deploy.http.client import Scored, Upstream, UpstreamFailed
from shipworthy.deploy.http.gateway import ONLY_TENANT
from shipworthy.deploy.throttle import Admission
from shipworthy.errors import PolicySaysNo, Unreachable, UsageError
from shipworthy.facts import DRILL_TENANT, AbuseKind
from shipworthy.models.spec import Cell, Columns, columns_of, text_of
from shipworthy.runtime.batch.asking import ByColumns, ModelColumn, model_columns
from shipworthy.runtime.batch.decider import CHUNK, BatchDecider
from shipworthy.runtime.batch.frames import table_of
from shipworthy.runtime.batch.result import BatchResult
from shipworthy.runtime.given import GIVER, Given, Giver
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.reply import Decision, decision_of
from shipworthy.runtime.site import Site
from shipworthy.runtime.workspace import Clock, Workspace, wall_clock

Told = TypeVar("Told")
Score = Callable[[list[dict[str, Cell]]], Sequence[float | None]]
Ask = Callable[[], Coroutine[Any, Any, Scored | None]]
TICK_S = 0.2
START_S = 120.0
DECIDE_S = 30.0


class OwnModel:
    """The caller's own callable as the model of every version: rows by feature name in, one score a row out."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._columns: dict[str, Columns] = {}
        self._upstreams: dict[str, Upstream] = {}

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def start(self, one: Loaded) -> None:
        """Take a version up."""
        self._columns[one.version] = columns_of(one.contract.manifest.features)
        self._upstreams[one.version] = _Own(self, one.version)

    async def stop(self, version: str) -> None:
        """Let a version go."""
        self._upstreams.pop(version, None)

    async def close(self) -> None:
        """Let go of all."""
        self._upstreams.clear()

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of rows of values in model order."""
        names = [name for name, _ in self._columns[version]]
        return self._score([dict(zip(names, row, strict=True)) for row in rows])

    def pids(self) -> dict[str, int]:
        """There are no processes."""
        return {}

    def told(self) -> dict[str, dict[str, object]]:
        """Return what is known of each version's model: that it is the caller's own, which no gate has seen."""
        return {version: {"kind": "callable", "where": "", "gated": False} for version in self._upstreams}


class OwnColumns(OwnModel):
    """The caller's own callable over columns: arrays by feature name in, an array of scores out. One call a chunk."""

    def __init__(self, score: ByColumns) -> None:
        super().__init__(lambda rows: ())
        self._by_columns = score

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of rows of values in model order."""
        columns = self._columns[version]
        table = table_of([{name: cell for (name, _), cell in zip(columns, row, strict=True)} for row in rows])
        told: list[float | None] = np.asarray(self.ask_columns(version, model_columns(table, columns)), float).tolist()
        return told

    def ask_columns(self, version: str, columns: Mapping[str, ModelColumn]) -> Sequence[float] | ModelColumn:
        """Return the scores of a chunk."""
        return self._by_columns(columns)


class Throttled(PolicySaysNo):
    """The tenant has had its share for now; nothing was decided. `retry_after_s`: seconds until it may ask again."""

    def __init__(self, admission: Admission) -> None:
        super().__init__(
            "too many rows of this tenant", "throttles", f"ask again in {admission.retry_after_s:.3g} s, or as a batch"
        )
        self.admission = admission
        self.retry_after_s = admission.retry_after_s


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

    The callable gets a list of rows by feature name; with `columns=True`, one array a feature (float64, NaN where a
    cell is empty; an object array of texts and None for words). It returns one score in [0, 1] a row. `throttled=False`
    takes `decide` out of the contract's throttles, for a service that has its own in front.

    `root` is the model repository, `home` its state directory (default `.shipworthy/state`). Raises CannotDecide when
    nothing has shipped, or what has shipped is not what the gate passed.
    """

    def __init__(
        self,
        root: Path | str = ".",
        home: Path | str | None = None,
        model: Score | ByColumns | None = None,
        clock: Clock = wall_clock,
        observe_only: bool = False,
        columns: bool = False,
        throttled: bool = True,
    ) -> None:
        place = Path(root)
        state = Path(home) if home is not None else place / ".shipworthy" / "state"
        self._workspace = Workspace(root=place, home=state, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shipworthy-guard", daemon=True)
        self._thread.start()
        self._ticking: asyncio.Task[None] | None = None
        self._throttled = throttled
        try:
            self._site = self._run(self._open(_own(model, columns), observe_only), START_S)
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decide(self, row: Mapping[str, Cell]) -> Decision:
        """Return the decision of one row. Raises UsageError when the row does not say whose it is, Throttled when its
        tenant has asked too often, Unreachable when nobody could take it."""
        return self._run(self._decide(dict(row)), DECIDE_S)

    def batch(self, frame: object, chunk: int = CHUNK) -> BatchResult:
        """Return the decisions of a table, in the order of its rows: a pandas, Polars or Arrow frame, columns by name,
        or a sequence of rows. `chunk`: rows that are decided together, under one state.

        Raises UsageError when a row does not say whose it is. A row that nobody could take is `refused`, and its `why`
        says so.
        """
        return self._run(self._batch.decide(table_of(frame), chunk), None)

    async def decide_with(self, row: Mapping[str, Cell], ask: Ask, version: str, peer: str = "") -> Decision:
        """Return the decision of one row whose score, as of `version`, an application gives when it is asked: for any
        event loop. `ask()` returns None where no score came. Raises as `decide`."""
        loop = asyncio.get_running_loop()
        giver = Giver(version, lambda: asyncio.run_coroutine_threadsafe(ask(), loop))
        work = self._decide_given(dict(row), giver, peer)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def baseline(self) -> str:
        """Return the version that answers where no candidate does."""
        return self._site.live.state.baseline

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

    async def _open(self, model: OwnModel | None, observe_only: bool) -> Site:
        site = Site(self._workspace, observe_only, model)
        try:
            await site.start()
        except BaseException:
            await site.close()
            raise
        self._ticking = asyncio.create_task(site.watch(TICK_S))
        self._batch = BatchDecider(site)
        site.gateway.wiring.upstreams = Given(site.gateway.wiring.upstreams)
        return site

    async def _decide_given(self, row: dict[str, Cell], giver: Giver, peer: str) -> Decision:
        GIVER.set(giver)
        return await self._decide(row, peer)

    async def _decide(self, row: dict[str, Cell], peer: str = "") -> Decision:
        site = self._site
        now_s = self._workspace.clock().timestamp()
        tenant = self._tenant(row)
        if self._throttled:
            self._admit(tenant, peer, now_s)
        outcome = await site.gateway.decider.decide(row, tenant, now_s, peer)
        site.gateway.shadows.consider(outcome, row, now_s)
        if outcome.error:
            raise Unreachable(outcome.error, "guard", "see `why` in the log; nothing was decided")
        return decision_of(outcome, site.gateway.wiring.override())

    def _admit(self, tenant: str, peer: str, now_s: float) -> None:
        admission = self._site.gateway.wiring.throttles.admit(tenant, now_s)
        if admission is not None and not admission.ok:
            self._site.abuse.refused(AbuseKind.FLOOD, tenant, peer, int(now_s // 60), b"")
            raise Throttled(admission)

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
        tenant = cell if isinstance(cell, str) else text_of(cell)
        if tenant == DRILL_TENANT:
            raise UsageError(f"{DRILL_TENANT} is the tenant of drills", "row", "say whose request it is")
        return tenant

    def _run(self, work: Coroutine[Any, Any, Told], limit_s: float | None) -> Told:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(limit_s)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()


def _own(model: Score | ByColumns | None, columns: bool) -> OwnModel | None:
    if model is None:
        return None
    return OwnColumns(cast(ByColumns, model)) if columns else OwnModel(cast(Score, model))
