"""Shadow scores: what the candidate would have said, asked after the answer has left.

In: a finished request. Out: an event with arm `shadow` to `sink_shadow`, which says whether it disagrees with what
left, some time later or never: shadow work is the first to be dropped, and its time is nobody's latency. Only requests
that the candidate has not scored, in the segments the rollout shadows.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from shipworthy.deploy.http.decider import Decider, Outcome, event_of
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.upstream import UpstreamFailed
from shipworthy.deploy.http.view import View, view_of
from shipworthy.deploy.limits import UNLIMITED
from shipworthy.deploy.routing import chosen
from shipworthy.facts import DRILL_TENANT, NORMAL, Event, holds

SHADOW = "shadow"
TOLERANCE = 0.1  # of a score: two calibrated models differ by less on most rows
_log = logging.getLogger("shipworthy.gateway")


class Shadows:
    """At most `shadow_pending` shadow scores under way."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._tasks: set[asyncio.Task[None]] = set()

    def consider(self, outcome: Outcome, row: Row, now_s: float) -> None:
        """Start the shadow score of an answered request, if it wants one and there is room."""
        w = self._decider.wiring
        segments = w.shadow()
        if outcome.event.tenant == DRILL_TENANT:  # nobody compares what nobody asked
            return
        if not segments or outcome.asked_candidate or len(self._tasks) >= w.shadow_pending:
            return
        routes = w.routes()
        candidate, tenant = routes.candidate, outcome.event.tenant
        if candidate is None or not self._decider.may_serve(candidate) or not chosen(routes.tenants, tenant):
            return
        if not w.releases[candidate].idempotent:  # what acts would act although it does not answer
            return
        view = view_of(w, candidate, SHADOW, tenant, row)
        if not any(holds(segment, reading) for segment in segments for reading in view.place.plain):
            return
        if not self._decider.shed.shadows(self._decider.queued_s(), routes.share_bp):
            return
        task = asyncio.get_running_loop().create_task(self._score(view, outcome, row, now_s))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Drop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _score(self, view: View, outcome: Outcome, row: Row, now_s: float) -> None:
        w = self._decider.wiring
        try:
            scored = await self._decider.ask(view, row, asyncio.get_running_loop().time() + w.deadline_s)
        except UpstreamFailed as error:
            w.on_failure(view.release.version, f"shadow {error}")
            return
        event = outcome.event
        free = view._replace(posture=NORMAL, limited=UNLIMITED)  # what it would say if it were allowed to
        given = self._decider.answered(free, scored, row, event.tenant)
        would = event_of(view, given, event.tenant, event.request, now_s)
        w.sink_shadow(msgspec.structs.replace(would, disagrees=disagrees(event, would)), row)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a shadow score failed", exc_info=task.exception())


def disagrees(left: Event, would: Event) -> bool:
    """True when a shadow score would have decided otherwise than what left, or lies further than TOLERANCE from it.

    Where an order or a failure kept the answering version from its own word, only scores are compared; without one of
    the scores that is a disagreement: what cannot be told is never agreement.
    """
    if left.score is None or would.score is None:
        return True
    if not left.degraded and not left.failed and left.decision != would.decision:
        return True
    return not abs(left.score - would.score) <= TOLERANCE
