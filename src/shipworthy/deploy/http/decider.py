"""The path of one request, from a row to what leaves.

In: the wiring, a tenant and a row. Out: an `Outcome`. Arm, OOD score, postures, the model of the arm (a failed
candidate is replayed once on the baseline, within the deadline), thresholds, never events; then the review queue for
what a person decides, and the event, just before the answer is sent.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

import msgspec

from shipworthy.deploy.answer import PERSON, REFUSED, Answer, answer
from shipworthy.deploy.http.circuit import Circuits
from shipworthy.deploy.http.client import Scored, UpstreamFailed
from shipworthy.deploy.http.ids import rfc3339
from shipworthy.deploy.http.view import View, view_of
from shipworthy.deploy.http.wiring import ForReview, Row, Wiring
from shipworthy.deploy.receipt import receipt_of, seal
from shipworthy.deploy.release import bucket_name
from shipworthy.deploy.routing import BASELINE, CANDIDATE, Routes, arm
from shipworthy.facts import NORMAL, Event, Source
from shipworthy.models.spec import text_of, values_of

DECIDE_AGAIN = 3  # times, when the state changes under a request
CANDIDATE_PART = 0.6  # of the deadline: a hung candidate leaves time for the replay
_log = logging.getLogger("shipworthy.gateway")


class Told(NamedTuple):
    """What came back of the models. `candidate`: it was asked, whether or not it answered."""

    scored: Scored | None = None
    replayed: bool = False
    candidate: bool = False


class Outcome(NamedTuple):
    """What became of a request. `status` is 200, or 503 with `error` when nobody could take it."""

    status: int
    answer: Answer
    event: Event
    receipt: str
    epoch: int
    asked_candidate: bool
    error: str = ""


class Decider:
    """Decides rows. One per event loop; the gateway and the in-process guard share it."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.circuits = Circuits(lambda version: wiring.upstreams.get(version), wiring.circuit_check_every_s)

    async def decide(self, row: Row, tenant: str, now_s: float) -> Outcome:
        """Return what leaves for this row. Raises Unreachable when the baseline is not loaded here."""
        w = self.wiring
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + w.deadline_s
        request = w.new_id(now_s)
        for _ in range(DECIDE_AGAIN):
            epoch = w.epoch()
            routes = w.routes()
            view = self._first(routes, row, tenant, request)
            view, told = await self._told(routes, view, row, tenant, deadline)
            closed = view.arm == CANDIDATE and w.closed(view.release.version)
            if w.epoch() == epoch and not closed:
                break  # else an order came while the model was asked: what was seen before it does not leave
        else:
            told = told._replace(scored=None)  # nor does it when the state never stood still
        given = self.answered(view, told.scored, row, tenant)
        replayed = told.replayed or self._passed_by(routes, view, row, tenant, request)
        event = event_of(view, given, tenant, request, now_s, replayed)
        outcome = await self._finished(view, given, event, row, told.candidate, epoch)
        w.sink(msgspec.structs.replace(outcome.event, took_ms=(loop.time() - started) * 1000.0), row)
        return outcome

    def may_serve(self, version: str | None) -> bool:
        """True when a candidate is loaded, not closed, and its circuit is not open."""
        w = self.wiring
        return (
            version is not None
            and version in w.releases
            and version in w.upstreams
            and not w.closed(version)
            and not self.circuits.open(version)
        )

    def answered(self, view: View, scored: Scored | None, row: Row, tenant: str) -> Answer:
        """Return the answer for a score, or for none."""
        release = view.release
        score, own = (scored.score, scored.decision) if scored is not None else (None, None)
        cut, uncertainty = None, None
        if score is not None:
            bucket = bucket_name(release.scorer.bucket(row))
            cut = self.wiring.thresholds(release.version, bucket)
            uncertainty = release.uncertainty(score, bucket)
        told = {"tenant": tenant, "version": release.version, "arm": view.arm}
        ood = {"ood_p": view.ood.p, "ood_flag": view.ood.flag}
        return answer(
            release,
            score=score,
            own=own,
            ood=view.ood,
            cut=cut,
            uncertainty=uncertainty,
            posture=view.posture,
            limited=view.limited,
            fields={**row, **told, **ood} if release.never else row,
        )

    async def ask(self, view: View, row: Row, deadline: float) -> Scored:
        """Ask the version's model. Raises UpstreamFailed."""
        upstream = self.wiring.upstreams.get(view.release.version)
        if upstream is None:
            raise UpstreamFailed("connect: no upstream")
        return await upstream.score(values_of(row, view.release.columns), deadline)

    def _first(self, routes: Routes, row: Row, tenant: str, request: str) -> View:
        """Choose the arm and take its view; a posture that wants the baseline moves the request there."""
        w = self.wiring
        if (
            arm(routes, tenant, self._unit(row, request)) == CANDIDATE
            and routes.candidate
            and self.may_serve(routes.candidate)
        ):
            view = view_of(w, routes.candidate, CANDIDATE, tenant, row)
            if view.bound.source is not Source.BASELINE:
                return view
            return view_of(w, routes.baseline, BASELINE, tenant, row, carried=view)
        return view_of(w, routes.baseline, BASELINE, tenant, row)

    def _unit(self, row: Row, request: str) -> str:
        key = self.wiring.keys.unit
        unit = row.get(key) if key else None
        return request if unit is None else unit if isinstance(unit, str) else text_of(unit)

    def _passed_by(self, routes: Routes, view: View, row: Row, tenant: str, request: str) -> bool:
        """True when the candidate's open circuit alone sent a request of its share to the baseline: one more that it
        failed, or a dead candidate would look as if nobody had asked it."""
        candidate = routes.candidate
        if candidate is None or view.arm == CANDIDATE or not self.circuits.open(candidate):
            return False
        return arm(routes, tenant, self._unit(row, request)) == CANDIDATE and not self.wiring.closed(candidate)

    async def _told(self, routes: Routes, view: View, row: Row, tenant: str, deadline: float) -> tuple[View, Told]:
        """Ask the model of the view; a failed candidate is replayed once on the baseline."""
        if view.bound.source is Source.NONE:
            return view, Told()
        candidate = view.arm == CANDIDATE
        if candidate:
            scored = await self._tried(view, row, deadline - (1 - CANDIDATE_PART) * self.wiring.deadline_s)
            if scored is not None:
                return view, Told(scored, candidate=True)
            view = view_of(self.wiring, routes.baseline, BASELINE, tenant, row, carried=view)
            if view.bound.source is Source.NONE:
                return view, Told(replayed=True, candidate=True)
        return view, Told(await self._tried(view, row, deadline), replayed=candidate, candidate=candidate)

    async def _tried(self, view: View, row: Row, deadline: float) -> Scored | None:
        """Return the score or None; failures are reported and counted."""
        version = view.release.version
        try:
            scored = await self.ask(view, row, deadline)
        except UpstreamFailed as error:
            self.wiring.on_failure(version, str(error))
            if view.arm == CANDIDATE:
                self.circuits.failed(version)
            return None
        self.circuits.succeeded(version)
        return scored

    async def _finished(
        self, view: View, given: Answer, event: Event, row: Row, asked_candidate: bool, epoch: int
    ) -> Outcome:
        """Make a review durable, return the outcome."""
        w = self.wiring
        receipt = seal(w.mac_key, receipt_of(shown(event)))
        error = "no model could answer and the contract names nobody else" if given.failed else ""
        if given.route == PERSON:
            error = await self._enqueued(view, given, event, row, receipt)
            if error:  # an answer that says "a person will decide" while no person knows would be a lie
                given = Answer(decision="", route=REFUSED, why=(*given.why, "queue_failed"), failed=True)
                event = msgspec.structs.replace(event, decision="", route=REFUSED, failed=True)
                receipt = seal(w.mac_key, receipt_of(shown(event)))
        status = 503 if given.failed and given.route == REFUSED else 200
        return Outcome(status, given, event, receipt, epoch, asked_candidate, error if status == 503 else "")

    async def _enqueued(self, view: View, given: Answer, event: Event, row: Row, receipt: str) -> str:
        """Return "" once the review is durable, else what is wrong."""
        asked = ForReview(
            request=event.request,
            at=event.at,
            version=event.version,
            arm=event.arm,
            tenant=event.tenant,
            segments=event.segments,
            row=dict(row),
            review_word=view.release.words.review,
            suggestion=given.suggestion,
            score=given.score,
            uncertainty=given.uncertainty,
            why=given.why,
            receipt=receipt,
        )
        try:
            async with asyncio.timeout(self.wiring.deadline_s):
                await self.wiring.enqueue(asked)
        except Exception:  # whatever the queue's trouble is, the caller must hear a no
            _log.exception("the review queue did not take request %s", event.request)
            return "the review queue did not take the request"
        return ""


def shown(event: Event) -> Event:
    """Return the event as its receipt may tell it: a receipt can be read, so a withheld score is not in it."""
    return msgspec.structs.replace(event, score=None) if event.never or event.route == REFUSED else event


def event_of(view: View, given: Answer, tenant: str, request: str, now_s: float, replayed: bool = False) -> Event:
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
        degraded=view.posture != NORMAL,
    )
