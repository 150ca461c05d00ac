"""Replay: one release and its traffic through the gateway's own decisions, windows, controller and orders.

In: a repository with a built artefact, a callable as its model, rows with their labels. Out: the orders that the
machine gave, each with the number of requests answered before it. Nobody is answered, no server runs, and the clock is
turned by hand: rows arrive evenly over a week, each label comes when the contract says it has matured, and the
controller judges every two hours (a gateway does so every minute; alarms and never events act at the request in both).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from shipworthy.deploy.http.client import Scored, Upstream, UpstreamFailed
from shipworthy.deploy.http.gateway import ONLY_TENANT
from shipworthy.deploy.http.wiring import ForReview
from shipworthy.deploy.receipt import unseal
from shipworthy.evaluate.bench import Model
from shipworthy.facts import Action, Fact, Measurement, Scope, Slo, Target
from shipworthy.indicators import INDICATORS
from shipworthy.models.spec import Cell, text_of, values_of
from shipworthy.observe.minutes import minute_of, minutes_in
from shipworthy.runtime.authority import MACHINE, Authority
from shipworthy.runtime.releases import Loaded, opened
from shipworthy.runtime.site import Site
from shipworthy.runtime.versions import Versions
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.posture import StateFiles

BEGIN = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
LENGTH = timedelta(days=7)
JUDGED_EVERY = timedelta(hours=2)
MEASURED = ("ood_rate", "review_rate", "never_event_unknown", "decision_ece", "error_rate", "auroc", "auto_error_rate")
Row = Mapping[str, Cell]
Usual = Collection[tuple[str, str]]


class Ordered(Fact, frozen=True, kw_only=True):
    """One order of the machine: what asked for it, where it holds, and how many requests were answered before."""

    rule: str
    segment: str
    requests: int


class Replayed(Fact, frozen=True, kw_only=True):
    """The orders of one replay, in the order they came, how many requests were answered in all, and what the windows
    show of the whole of it, whether or not an SLO asks."""

    orders: tuple[Ordered, ...]
    sent: int
    measured: tuple[Measurement, ...] = ()


class Claim(Fact, frozen=True, kw_only=True):
    """One row of the replay: what is sent of it, whose it is, and its label, None where nobody knows it."""

    row: dict[str, Cell]
    tenant: str
    label: int | None


class Turned:
    """A clock that stands still until it is turned."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Return the instant it shows."""
        return self.at


class Answering:
    """A callable as the model of a site: the rows of the replay are asked at once, beforehand."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._upstreams: dict[str, Upstream] = {}
        self._known: dict[tuple[Cell, ...], Scored | None] = {}

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def start(self, one: Loaded) -> None:
        """Take a version up."""
        self._upstreams[one.version] = self

    async def stop(self, version: str) -> None:
        """Let a version go."""
        self._upstreams.pop(version, None)

    async def close(self) -> None:
        """Let go of all."""
        self._upstreams.clear()

    def pids(self) -> dict[str, int]:
        """There are no processes."""
        return {}

    def told(self) -> dict[str, dict[str, object]]:
        """Nothing is told of a rehearsal."""
        return {}

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of many rows."""
        return self._model([list(row) for row in rows]).scores

    def ask_first(self, rows: list[list[Cell]]) -> None:
        """Ask for all rows of the replay in one batch."""
        answers = self._model([list(row) for row in rows])
        decisions = answers.decisions or [None] * len(rows)
        for row, score, decision in zip(rows, answers.scores, decisions, strict=True):
            usable = score is not None and 0.0 <= score <= 1.0
            self._known[_key(row)] = Scored(score=float(score or 0.0), decision=decision) if usable else None

    async def score(self, row: list[Cell], deadline: float) -> Scored:
        """Return the score of one row. Raises UpstreamFailed when the model has none."""
        scored = self._known.get(_key(row))
        if scored is None:
            raise UpstreamFailed("score: None")
        return scored

    async def healthy(self, deadline: float) -> bool:
        """A callable does not die."""
        return True


class _Unasked(Versions):
    """The version at hand, whether or not the gate passed it."""

    def admit(self, version: str) -> Loaded:
        return opened(self._workspace.root, self._workspace.contract())


class Rehearsal(Site):
    """A site that serves the repository as it lies, without asking whether the gate passed it. It answers nobody."""

    def _versions(self, files: StateFiles) -> Versions:
        return _Unasked(self.workspace, self.ledger, files, self._come, self._go)

    async def _enqueue(self, asked: ForReview) -> None:
        """Nobody waits for a person here."""


def replay(workspace: Workspace, model: Model, claims: Sequence[Claim], known: Usual | None = None) -> Replayed:
    """Return the machine's orders and how many requests were answered. `known` are (rule, segment) of orders that mean
    nothing: at the first other one the replay ends. None: it goes on to the last row.

    `workspace` holds the state directory of the replay, with keys; its clock is not used.
    """
    clock = Turned(BEGIN)
    here = Workspace(root=workspace.root, home=workspace.home, clock=clock)
    _begin(here)
    return asyncio.run(_play(here, clock, model, claims, known))


def _begin(workspace: Workspace) -> None:
    """Let the version at hand be the one that serves."""
    store = workspace.store()
    try:
        authority = Authority(workspace.state_files(), workspace.ledger(store), store, workspace.clock)
        authority.begin()
        authority.baseline(MACHINE, workspace.contract().manifest.version)
    finally:
        store.close()


async def _play(
    workspace: Workspace,
    clock: Turned,
    model: Model,
    claims: Sequence[Claim],
    known: Usual | None,
) -> Replayed:
    models = Answering(model)
    site = Rehearsal(workspace, models=models)
    try:
        await site.start()
        return await _Player(site, clock, models, known).play(claims)
    finally:
        await site.close()


class _Player:
    """Sends rows and labels in order of time, and looks at the orders."""

    def __init__(self, site: Rehearsal, clock: Turned, models: Answering, known: Usual | None) -> None:
        manifest = site.workspace.contract().manifest
        self.site, self.clock, self.models, self.known = site, clock, models, known
        self.columns = site.served[manifest.version].columns
        self.after = timedelta(minutes=minutes_in(manifest.label.matured_after))
        self.due: deque[tuple[datetime, str, int]] = deque()
        self.key = site.workspace.host_key()
        self.seen: dict[str, Ordered] = {}
        self.sent = 0
        self.judge_at = BEGIN + JUDGED_EVERY
        numbers = count()
        site.gateway.wiring.new_id = lambda now_s: f"replayed-{next(numbers)}"

    async def play(self, claims: Sequence[Claim]) -> Replayed:
        self.models.ask_first([values_of(claim.row, self.columns) for claim in claims])
        step = LENGTH / max(len(claims), 1)
        for place, claim in enumerate(claims):
            await self._until(BEGIN + step * place)
            if self._ended():
                break
            await self._send(claim)
            if self._ended():
                break
        else:
            await self._until(BEGIN + LENGTH + self.after + 2 * JUDGED_EVERY)
        return Replayed(orders=tuple(self.seen.values()), sent=self.sent, measured=tuple(self._measured()))

    def _measured(self) -> Iterator[Measurement]:
        """What the runtime can measure, over the whole replay."""
        manifest = self.site.workspace.contract().manifest
        scope = Scope(model=manifest.model, version=manifest.version)
        begin, now = minute_of(BEGIN), minute_of(self.clock.at)
        after = manifest.label.matured_after
        for name in MEASURED:
            found = self.site.telemetry.measure(_asking(name), scope, begin, now, after, ())
            yield from (one for one in found if one.indicator == name)

    async def _send(self, claim: Claim) -> None:
        outcome = await self.site.gateway.decider.decide(claim.row, claim.tenant, self.clock.at.timestamp())
        self.site.flush()
        self.sent += 1
        if claim.label is not None:
            self.due.append((self.clock.at + self.after, outcome.receipt, claim.label))
        self._look()

    async def _until(self, moment: datetime) -> None:
        """Turn the clock; hand in the labels that are due and judge, step by step."""
        while self.judge_at <= moment and not self._ended():
            self.clock.at = self.judge_at
            await self._label()
            self.site.controller.tick()
            self._look()
            self.judge_at += JUDGED_EVERY
        self.clock.at = max(self.clock.at, moment)

    async def _label(self) -> None:
        ready = []
        while self.due and self.due[0][0] <= self.clock.at:
            _, receipt, label = self.due.popleft()
            ready.append(self.site.take_label(unseal(self.key, receipt), label))
        await asyncio.gather(*ready)

    def _look(self) -> None:
        for held in self.site.live.state.orders:
            if held.order.id not in self.seen:
                rule = held.because.partition(":")[0].removesuffix(" breached")
                self.seen[held.order.id] = Ordered(rule=rule, segment=held.order.scope.segment, requests=self.sent)

    def _ended(self) -> bool:
        known = self.known
        return known is not None and any((one.rule, one.segment) not in known for one in self.seen.values())


def _asking(indicator: str) -> Slo:
    """The question alone: nothing is judged by it."""
    return Slo(
        name=indicator,
        indicator=indicator,
        objective="",
        target=Target(op=">=", value=0.0),
        window="rolling",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=INDICATORS[indicator].clause,
        min_samples=1,
    )


def tenant_of(row: Row, column: str | None) -> str:
    """Return whose row it is; `default` where there are no tenants."""
    cell = row.get(column) if column else None
    if cell is None or cell == "":
        return ONLY_TENANT
    return cell if isinstance(cell, str) else text_of(cell)


def _key(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(row)
