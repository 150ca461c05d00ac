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
from shipworthy.respond.drills import DAY_S, DUE, DrillBook, Started
from shipworthy.respond.moments import later, moment, told
from shipworthy.runtime.address import serving
from shipworthy.runtime.authority import Authority, local_id
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.drilling import Site, answering, practise, sweep
from shipworthy.runtime.never import never_order
from shipworthy.runtime.orders import Later
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.workspace import Workspace

HOUR_S, AGAIN_S = 3600, 60
MOST_SOUGHT = 64
_log = logging.getLogger("shipworthy.drills")


class DrillWatch:
    """`keep_up` runs off the request path, one at a time; everything else on the event loop."""

    def __init__(self, workspace: Workspace, controller: Controller, later: Later, idly: Later) -> None:
        """`later` runs what waits for the store, one at a time with `keep_up`; `idly` what may take as long as it
        likes."""
        self._workspace = workspace
        self._controller = controller
        self._authority, self._live = controller.authority, controller.live
        self._releases, self._act = controller.releases, controller.act
        self._later, self._idly = later, idly
        self._book = DrillBook()
        self._sought: tuple[str, ...] = ()  # drills that rows named and the book did not know
        self._next_at: datetime | None = None  # before then no drill runs by itself
        self._running = False
        self._game: tuple[str, Repeats] = ("", Repeats(controller.levels.repeats))
        self.trouble = ""
        self.not_run = ""  # why the drill that was due did not begin
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
        except Exception as problem:  # nobody asks what became of this: what is not told here is lost
            self._failed(problem, "drills could not be kept up with")

    def _failed(self, problem: Exception, what: str) -> None:
        told_ = f"{what}: {problem if isinstance(problem, ShipworthyError) else repr(problem)}"
        if told_ != self.trouble:
            _log.error(what, exc_info=problem)
        self.trouble = told_

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
            "trouble": self.trouble or self.not_run,
        }

    def seen(self, event: Event, row: Row, peer: str) -> None:
        """Look at one decision of the synthetic tenant. Only those of a game day are looked at."""
        mark = mark_of(event.tenant, row)
        if mark is None or not self._act or self._begun(mark) is None:
            return
        if self._game[0] != mark.drill:
            self._game = (mark.drill, Repeats(self._controller.levels.repeats))
        held = self._never(event) or self._repeated(event)
        if held is not None:
            self._order(held, mark)

    def _begun(self, mark: Mark) -> Started | None:
        """Return the game day of a mark: begun in the ledger, and not over. The ledger is read for one that is new."""
        started = self._book.open.get(mark.drill)
        if started is None and mark.drill not in self._sought:
            self._sought = (*self._sought, mark.drill)[-MOST_SOUGHT:]
            self._later(self._read)
        if started is None or started.kind != "gameday":
            return None
        return started if self._workspace.clock() < moment(started.until) else None

    def _read(self) -> None:
        try:
            self._book.read(self._authority.ledger.entries(self._book.seen))
        except Exception as problem:
            self._failed(problem, "the drills in the ledger could not be read")

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
        """Make what the playbook asked for hold over the synthetic tenant, once a game day and no longer than it is."""
        started = self._begun(mark)
        mine = (held for held in self._live.state.orders if of_drill(held))
        if started is None or any(held.because.startswith(f"{mark.drill}:") for held in mine):
            return
        now, scope = self._workspace.clock(), asked.order.scope
        narrow = drill_scope(scope.model, scope.version, scope.segment)
        until_s = min(float(mark.until_s), moment(started.until).timestamp())
        rest_s = max(0.0, until_s - now.timestamp())
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
        """Run the kill drill that is due, in its hour of the day: once an hour, and again soon where none began."""
        wanted = self._contract_drills()
        waits = self._running or (self._next_at is not None and now < self._next_at)
        if wanted.run != "auto" or not self._act or waits or not in_hour(wanted.at, now):
            return
        self._running = True
        self._idly(self._run_now)

    def _run_now(self) -> None:
        rest_s = AGAIN_S
        try:
            run_auto(self._workspace, self._authority, self._releases)
            self.not_run, rest_s = "", HOUR_S
        except Exception as problem:  # nobody asks what became of this: what is not told here is lost
            self.not_run = f"the drill that was due could not be run: {problem}"
            _log.exception("the drill that was due could not be run")
        finally:
            self._next_at, self._running = later(self._workspace.clock(), rest_s), False


def in_hour(at: str, now: datetime) -> bool:
    """True in the hour from `at` (`HH:MM`, UTC) on, also past midnight."""
    hour, minute = (int(part) for part in at.split(":"))
    since = now - now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return since.total_seconds() % DAY_S < HOUR_S


def run_auto(workspace: Workspace, authority: Authority, releases: Mapping[str, Loaded]) -> None:
    """Run one kill drill on this site's own gateway. Raises what `practise` does when none began."""
    version, arm = answering(authority.state())
    one = releases.get(version)
    if one is None:
        raise CannotDecide(f"version {version} is not loaded", "drill")
    practise(Site(workspace, authority, serving(workspace.home), one.contract, arm), "kill", DRILLER)
