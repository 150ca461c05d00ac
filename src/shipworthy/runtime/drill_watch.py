"""The serving site and its drills: it ends what a dead drill left, says when one is due, and measures the last ones.

In: the ledger, and the decisions of the synthetic tenant. Out: failed drills recorded, orders of drills released after
their end, `respond.drill_due` once, measurements for SLOs on drills, and the alarms of a game day: the same rules as
for everybody, on streams of their own, their orders kept to the synthetic tenant.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shipworthy.deploy.http.drills import Mark, mark_of
from shipworthy.deploy.http.places import Row
from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.facts import DRILLER, Event, Held, Measurement, Slo, drill_scope, of_drill
from shipworthy.observe.repeats import Repeats
from shipworthy.respond import drills, playbook
from shipworthy.respond.drills import DUE, DrillBook
from shipworthy.respond.moments import later, told
from shipworthy.runtime.address import serving
from shipworthy.runtime.authority import Authority, local_id
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.drilling import Site, answering, practise, sweep
from shipworthy.runtime.never import never_order
from shipworthy.runtime.orders import Later
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.workspace import Workspace

HOUR_S = 3600
_log = logging.getLogger("shipworthy.drills")


class DrillWatch:
    """`keep_up` runs off the request path, one at a time; everything else on the event loop."""

    def __init__(self, workspace: Workspace, controller: Controller, idly: Later) -> None:
        """`idly` runs what may take as long as it likes."""
        self._workspace = workspace
        self._controller = controller
        self._authority, self._live = controller.authority, controller.live
        self._releases, self._act, self._idly = controller.releases, controller.act, idly
        self._book = DrillBook()
        self._tried_at: datetime | None = None
        self._game: tuple[str, Repeats] = ("", Repeats(controller.levels.repeats))
        self.trouble = ""
        controller.drilled = self.measured

    def keep_up(self) -> None:
        """End what is left over, tell what is due, and run what the contract wants run. What fails is tried again."""
        try:
            now = self._workspace.clock()
            for order in sweep(self._authority, self._book, now):
                _log.error("%s was left by a drill that died; it is released", order)
            if self._is_due(now):
                self._tell_due(now)
                self._run(now)
            self.trouble = ""
        except ShipworthyError as problem:
            self.trouble = str(problem)
            _log.exception("drills could not be kept up with")

    def measured(self, slo: Slo, now: datetime) -> Sequence[Measurement]:
        """Return what SLOs on drills are judged by; nothing when none was ever run."""
        return drills.measured(self._book, slo.indicator, self._live.model, now, slo.level)

    def told(self) -> dict[str, Any]:
        """Return what the status shows."""
        last = self._book.last("kill", self._live.model)
        return {
            "last": last,
            "due": self._is_due(self._workspace.clock()),
            "open": sorted(self._book.open),
            "trouble": self.trouble,
        }

    def seen(self, event: Event, row: Row, peer: str) -> None:
        """Look at one decision of the synthetic tenant. Only those of a game day are looked at."""
        mark = mark_of(event.tenant, row)
        if mark is None or not self._act:
            return
        if self._game[0] != mark.drill:
            self._game = (mark.drill, Repeats(self._controller.levels.repeats))
        held = self._never(event) or self._repeated(event)
        if held is not None:
            self._order(held, mark)

    def _never(self, event: Event) -> Held | None:
        for name in event.never:
            proposal = never_order(
                self._releases[event.version], name, event, self._live.state, self._workspace.clock()
            )
            if proposal is not None:
                return proposal.held
        return None

    def _repeated(self, event: Event) -> Held | None:
        alarm = self._game[1].add(event)
        if alarm is None:
            return None
        one = self._releases[alarm.version]
        slo = next((slo for slo in one.contract.policy.slos if slo.indicator == "ood_repeats"), None)
        now = self._workspace.clock()
        proposal = playbook.on_alarm(alarm, slo, self._live.model, self._live.state, "", now)
        return proposal.held if proposal is not None else None

    def _order(self, asked: Held, mark: Mark) -> None:
        """Make what the playbook asked for hold over the synthetic tenant, once a game day."""
        if any(of_drill(held) and held.because.startswith(f"{mark.drill}:") for held in self._live.state.orders):
            return
        now, scope = self._workspace.clock(), asked.order.scope
        narrow = drill_scope(scope.model, scope.version, scope.segment)
        rest_s = max(0.0, mark.until_s - now.timestamp())
        held = drills.drill_order("ORD", narrow, asked.order.posture, mark.drill, now, rest_s)
        named = drills.drill_order(local_id(held), narrow, asked.order.posture, mark.drill, now, rest_s)
        self._authority.hold(named)
        self._live.refresh()

    def _is_due(self, now: datetime) -> bool:
        every_s = self._contract_drills().every_s
        return drills.due(self._book, self._live.model, every_s, now)

    def _contract_drills(self) -> Any:  # noqa: ANN401
        return self._releases[self._live.state.baseline].contract.manifest.drills

    def _tell_due(self, now: datetime) -> None:
        last = self._book.last_passed("kill", self._live.model)
        since = last.at if last is not None else self._book.began
        if self._book.due_told > since:
            return
        body = {"drill": "kill", "model": self._live.model, "since": since, "every": self._contract_drills().every}
        self._authority.note(DRILLER, DUE, body)
        self._book.due_told = told(now)

    def _run(self, now: datetime) -> None:
        """Run the kill drill that is due, in its hour of the day, at most once an hour."""
        wanted = self._contract_drills()
        hour, minute = (int(part) for part in wanted.at.split(":"))
        begins = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        tried = self._tried_at is not None and now < later(self._tried_at, HOUR_S)
        if wanted.run != "auto" or not self._act or tried or not begins <= now < later(begins, HOUR_S):
            return
        self._tried_at = now
        self._idly(lambda: run_auto(self._workspace, self._authority, self._releases))


def run_auto(workspace: Workspace, authority: Authority, releases: Mapping[str, Loaded]) -> None:
    """Run one kill drill on this site's own gateway. What fails is in the log, and in the ledger where it began."""
    version, arm = answering(authority.state())
    one = releases.get(version)
    try:
        if one is None:
            raise CannotDecide(f"version {version} is not loaded", "drill")
        practise(Site(workspace, authority, serving(workspace.home), one.contract, arm), "kill", DRILLER)
    except ShipworthyError:
        _log.exception("the drill that was due could not be run")
