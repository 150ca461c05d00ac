"""The path of one request, from a row to what leaves.

In: the wiring, a tenant and a row. Out: an `Outcome`. Arm, OOD score, postures, the model of the arm (a failed
candidate is replayed once on the baseline, within the deadline), thresholds, never events; then the review queue for
what a person decides, and the event, just before the answer is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from shipworthy.deploy.answer import PERSON, REFUSED, Answer, answer
from shipworthy.deploy.http.account import Account
from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.drills import decided_as_marked, fail_as_marked
from shipworthy.deploy.http.ids import rfc3339
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.retry import PAUSES_S
from shipworthy.deploy.http.upstream import Scored, UpstreamFailed
from shipworthy.deploy.http.view import View, view_of
from shipworthy.deploy.http.wiring import Wiring, for_review
from shipworthy.deploy.overflow import FAILED, FULL, fallen_back, may_fall_back, refused
from shipworthy.deploy.receipt import seal_event, sealer_of
from shipworthy.deploy.release import Release, bucket_name
from shipworthy.deploy.routing import BASELINE, CANDIDATE, Routes, arm
from shipworthy.facts import DRILL_TENANT, NORMAL, Event, Posture, Source
from shipworthy.models.spec import Cell, taker_of, text_of
from shipworthy.store.review import Admission

DECIDE_AGAIN = 3  # times, when the state changes under a request
CANDIDATE_PART = 0.6  # of the deadline: a hung candidate leaves time for the replay
NOBODY = "no model could answer and the contract names nobody else"
UNASKED = {FAILED: "the review queue did not take the request", FULL: "the review queue is full: no person can decide"}
_log = logging.getLogger("shipworthy.gateway")


class Told(NamedTuple):
    """What came back of the models. `candidate`: it was asked, whether or not it answered."""

    scored: Scored | None = None
    replayed: bool = False
    candidate: bool = False


class Decided(NamedTuple):
    """A decision before it leaves: what was seen, what is answered, and the event of it."""

    view: View
    answer: Answer
    event: Event


class Under(NamedTuple):
    """Under what a request is decided, and by when."""

    routes: Routes
    epoch: int
    now_s: float
    deadline: float


class Outcome(NamedTuple):
    """What became of a request. `status`: 200, or 503 with `error` when nobody could take it. `posture`: what held."""

    status: int
    answer: Answer
    event: Event
    receipt: str
    epoch: int
    asked_candidate: bool
    error: str = ""
    posture: Posture = NORMAL


class Decider:
    """Decides rows. One per event loop; the gateway and the in-process guard share it."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._sealer = sealer_of(wiring.mac_key)
        self._takers: dict[str, tuple[Release, Callable[[Row], list[Cell]]]] = {}
        budget_s = (1 - CANDIDATE_PART) * wiring.deadline_s
        self._real, self.rehearsed = Account(wiring, budget_s, True), Account(wiring, budget_s, False)
        self.circuits, self.shed = self._real.circuits, self._real.shed
        self.heard: set[str] = set()  # versions that answered since whoever keeps them warm looked last
        self._baseline: Pool | None = None  # that was asked last

    async def decide(self, row: Row, tenant: str, now_s: float, peer: str = "") -> Outcome:
        """Return what leaves for this row; `peer`: who called. Raises Unreachable when the baseline is not loaded."""
        w = self.wiring
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + w.deadline_s
        request = w.new_id(now_s)
        for _ in range(DECIDE_AGAIN):
            epoch = w.epoch()
            routes = w.routes()
            view = self._first(routes, row, tenant, request)
            if view.arm == BASELINE and view.bound.source is not Source.NONE:
                told = Told(await self._steady(view, row, tenant, deadline))
            else:
                view, told = await self._told(routes, view, row, tenant, deadline)
            closed = view.arm == CANDIDATE and w.closed(view.release.version)
            if w.epoch() == epoch and not closed:
                break  # else an order came while the model was asked: what was seen before it does not leave
            if not view.release.idempotent:
                told = told._replace(scored=None)  # nor is a model with side effects asked twice
                break
        else:
            told = told._replace(scored=None)  # nor does it when the state never stood still
        if tenant == DRILL_TENANT:
            told = told._replace(scored=decided_as_marked(tenant, row, told.scored))
        given = self.answered(view, told.scored, row, tenant)
        replayed = told.replayed or self._passed_by(routes, view, row, tenant, request)
        event = event_of(view, given, tenant, request, now_s, replayed, (loop.time() - started) * 1000.0)
        if given.route == PERSON:
            if tenant != DRILL_TENANT:  # nobody is asked about a claim that nobody made
                seen = Decided(view, given, event)
                view, given, event = await self._reviewed(seen, row, Under(routes, epoch, now_s, deadline))
            event = msgspec.structs.replace(event, took_ms=(loop.time() - started) * 1000.0)
        receipt = self._sealed(event)
        (w.sink if tenant != DRILL_TENANT else w.sink_drill)(event, row, peer)
        if given.failed and given.route == REFUSED:
            error = next((told for why, told in UNASKED.items() if why in given.why), NOBODY)
            return Outcome(503, given, event, receipt, epoch, told.candidate, error, view.bound)
        return Outcome(200, given, event, receipt, epoch, told.candidate, "", view.bound)

    def may_serve(self, version: str | None, tenant: str = "") -> bool:
        """True when a candidate is loaded, not closed, and its circuit is not open for this tenant."""
        w = self.wiring
        return (
            version is not None
            and version in w.releases
            and version in w.upstreams
            and not w.closed(version)
            and not self.account(tenant).circuits.open(version)
        )

    def account(self, tenant: str) -> Account:
        """Return what a tenant's failures and load count in: a drill's is its own, and touches nobody else's."""
        return self.rehearsed if tenant == DRILL_TENANT else self._real

    def answered(self, view: View, scored: Scored | None, row: Row, tenant: str) -> Answer:
        """Return the answer for a score, or for none."""
        release = view.release
        score, own = (scored.score, scored.decision) if scored is not None else (None, None)
        cut, uncertainty = None, None
        if score is not None:
            unseen = release.scorer.bucket(row)
            bucket = bucket_name(unseen) if unseen else "*"
            cut = self.wiring.thresholds(release.version, bucket)
            uncertainty = release.uncertainty(score, bucket)
        ood = view.ood
        fields: dict[str, Any] = {}
        if release.never:
            fields = {
                **row,
                "tenant": tenant,
                "version": release.version,
                "arm": view.arm,
                "ood_p": ood.p,
                "ood_flag": ood.flag,
                "score": score,
                "uncertainty": uncertainty,
            }
        return answer(
            release,
            score=score,
            own=own,
            ood=ood,
            cut=cut,
            uncertainty=uncertainty,
            posture=view.posture,
            limited=view.limited,
            fields=fields,
        )

    def ask(self, view: View, row: Row, deadline: float) -> Awaitable[Scored]:
        """Ask the version's model. Raises UpstreamFailed, now or when awaited."""
        upstream = self.wiring.upstreams.get(view.release.version)
        if upstream is None:
            raise UpstreamFailed("connect: no upstream", sent=False, heard=False)
        if view.arm == BASELINE and isinstance(upstream, Pool):
            self._baseline = upstream
        return upstream.score(self._values(view.release, row), deadline)

    def _values(self, release: Release, row: Row) -> list[Cell]:
        """Return the row as the release's model takes it."""
        known = self._takers.get(release.version)
        if known is None or known[0] is not release:
            known = self._takers[release.version] = release, taker_of(release.columns)
        return known[1](row)

    def _first(self, routes: Routes, row: Row, tenant: str, request: str) -> View:
        """Choose the arm and take its view; a posture that wants the baseline moves the request there."""
        w = self.wiring
        if (
            arm(routes, tenant, self._unit(row, request)) == CANDIDATE
            and routes.candidate
            and self.may_serve(routes.candidate, tenant)
        ):
            view = view_of(w, routes.candidate, CANDIDATE, tenant, row)
            if tenant == DRILL_TENANT and view.bound.source is Source.NONE:
                return view_of(w, routes.baseline, BASELINE, tenant, row)  # closed for a drill as it would be for all
            if view.bound.source is not Source.BASELINE:
                return view
            return view_of(w, routes.baseline, BASELINE, tenant, row, carried=view)
        return view_of(w, routes.baseline, BASELINE, tenant, row)

    def queued_s(self) -> float:
        """Return how long the first caller in the baseline's queue has waited; 0 when nobody does."""
        return self._baseline.queued_s() if self._baseline is not None else 0.0

    def _unit(self, row: Row, request: str) -> str:
        key = self.wiring.keys.unit
        unit = row.get(key) if key else None
        return request if unit is None else unit if isinstance(unit, str) else text_of(unit)

    def _passed_by(self, routes: Routes, view: View, row: Row, tenant: str, request: str) -> bool:
        """True when the candidate's open circuit alone sent a request of its share to the baseline: one more that it
        failed, or a dead candidate would look as if nobody had asked it."""
        candidate = routes.candidate
        if candidate is None or view.arm == CANDIDATE or not self.account(tenant).circuits.open(candidate):
            return False
        return arm(routes, tenant, self._unit(row, request)) == CANDIDATE and not self.wiring.closed(candidate)

    async def _told(self, routes: Routes, view: View, row: Row, tenant: str, deadline: float) -> tuple[View, Told]:
        """Ask the model of the view; a failed candidate is replayed once on the baseline.

        A candidate with too much in hand is not asked. Raises Overloaded when the baseline has no room for more.
        """
        if view.bound.source is Source.NONE:
            return view, Told()
        asked = view.arm == CANDIDATE and self.account(tenant).shed.has_room(routes.share_bp)
        if asked:
            found = await self._tried(view, row, tenant, deadline - (1 - CANDIDATE_PART) * self.wiring.deadline_s)
            if isinstance(found, Scored):
                return view, Told(found, candidate=True)
            if found.sent and not view.release.idempotent:
                return view, Told(candidate=True)  # it may have acted: nobody acts a second time
        if view.arm == CANDIDATE:
            if not asked:
                self.account(tenant).shed.move(self.queued_s())
            view = view_of(self.wiring, routes.baseline, BASELINE, tenant, row, carried=view)
            if view.bound.source is Source.NONE:
                return view, Told(replayed=asked, candidate=asked)
        return view, Told(await self._steady(view, row, tenant, deadline), replayed=asked, candidate=asked)

    async def _tried(self, view: View, row: Row, tenant: str, deadline: float) -> Scored | UpstreamFailed:
        """Ask the candidate; its failures are reported and counted."""
        version = view.release.version
        account = self.account(tenant)
        trial, ok = account.circuits.began(version), None
        account.shed.in_hand += 1
        try:
            if not account.real:
                await fail_as_marked(tenant, row, deadline)
            scored = await self.ask(view, row, deadline)
            ok = True
        except UpstreamFailed as error:
            ok = False
            account.failed(version, str(error))
            return error
        finally:
            account.shed.in_hand -= 1
            account.circuits.ended(version, trial, ok)
        self.heard.add(version)
        return scored

    async def _steady(self, view: View, row: Row, tenant: str, deadline: float) -> Scored | None:
        """Ask the baseline, again after a pause while its connections break unheard and the budget lasts."""
        version = view.release.version
        account = self.account(tenant)
        account.retries.earn()
        try:
            scored = await self.ask(view, row, deadline)
        except UpstreamFailed as error:
            return await self._once_more(view, row, account, deadline, error)
        self.heard.add(version)
        return scored

    async def _once_more(
        self, view: View, row: Row, account: Account, deadline: float, error: UpstreamFailed
    ) -> Scored | None:
        version = view.release.version
        for pause_s in (*PAUSES_S, 0.0):
            account.failed(version, str(error))
            again = not error.heard and (view.release.idempotent or not error.sent)
            late = asyncio.get_running_loop().time() + pause_s >= deadline
            if not again or late or not pause_s or not account.retries.spend():
                return None
            await asyncio.sleep(pause_s)
            try:
                scored = await self.ask(view, row, deadline)
            except UpstreamFailed as another:
                error = another
            else:
                self.heard.add(version)
                return scored
        return None

    async def _reviewed(self, seen: Decided, row: Row, under: Under) -> Decided:
        """Make a review durable; where nobody can be asked, return what is answered instead."""
        view, given, event = seen
        why = await self._enqueued(seen, row)
        if not why:
            return seen
        if why != FULL or not may_fall_back(view.release, view.arm, given, view.bound):
            event = msgspec.structs.replace(event, decision="", route=REFUSED, failed=True)
            return Decided(view, refused(given, why), event)
        view, given = await self._fallen_back(view, row, event.tenant, under)
        return Decided(view, given, event_of(view, given, event.tenant, event.request, under.now_s, True))

    async def _fallen_back(self, view: View, row: Row, tenant: str, under: Under) -> tuple[View, Answer]:
        """Ask the baseline in place of the person that the candidate's doubt asked for, through the same checks."""
        steady = view_of(self.wiring, under.routes.baseline, BASELINE, tenant, row, carried=view)
        scored = None
        if steady.bound.source is not Source.NONE:
            scored = await self._steady(steady, row, tenant, under.deadline)
            if self.wiring.epoch() != under.epoch:
                scored = None  # an order came while the model was asked
        return steady, fallen_back(self.answered(steady, scored, row, tenant))

    def _sealed(self, event: Event) -> str:
        """Return the receipt of an event: it can be read, so a withheld score is not in it."""
        return seal_event(self._sealer, event, None if event.never or event.route == REFUSED else event.score)

    async def _enqueued(self, seen: Decided, row: Row) -> str:
        """Return "" once the review is durable, else why it is not."""
        view, given, event = seen
        try:
            async with asyncio.timeout(self.wiring.deadline_s):
                asked = for_review(event, row, view.release.words, given, self._sealed(event))
                told = await self.wiring.enqueue(asked)
        except Exception:  # whatever the queue's trouble is, the caller must hear a no
            _log.exception("the review queue did not take request %s", event.request)
            return FAILED
        return "" if told is Admission.QUEUED else FULL


def event_of(
    view: View,
    given: Answer,
    tenant: str,
    request: str,
    now_s: float,
    replayed: bool = False,
    took_ms: float | None = None,
) -> Event:
    """Return the event of a decision."""
    ood = view.ood
    return Event(
        request=request,
        at=rfc3339(now_s),
        minute=int(now_s // 60),
        version=view.release.version,
        arm=view.arm,
        tenant=tenant,
        segments=view.place.texts,
        score=given.score,
        decision=given.decision,
        route=given.route,
        ood_p=ood.p,
        ood_view=ood.view,
        ood_flag=ood.flag,
        unseen=ood.unseen,
        uncertainty=given.uncertainty,
        never=given.violated,
        unknown=given.unknown,
        leaked=given.leaked,
        replayed=replayed,
        failed=given.failed,
        groups=view.place.groups,
        ood_feature=ood.feature or "",
        took_ms=took_ms,
        degraded=view.posture is not NORMAL and view.posture != NORMAL,
    )
