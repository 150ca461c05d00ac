"""The next step of a running rollout, from what its stage has shown.

In: a rollout, its version and the judgements of the moment. Out: the stage advances, holds, completes or is aborted,
through the authority. While an order holds inside the candidate its rollout holds too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from shipworthy.deploy import plan
from shipworthy.errors import PolicySaysNo, ShipworthyError
from shipworthy.facts import Judgement, Outcome, RolloutState, Scope, canonical
from shipworthy.respond.moments import told
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.scopes import covers
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.live import Live
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.telemetry import Telemetry

Later = Callable[[Callable[[], None]], object]
_log = logging.getLogger("shipworthy.rolling")


class Rolling:
    """Steps rollouts of one gateway. Single thread; `later` runs what may wait for the store."""

    def __init__(self, authority: Authority, live: Live, telemetry: Telemetry, later: Later) -> None:
        self.authority = authority
        self.live = live
        self.telemetry = telemetry
        self._later = later
        self._stage: tuple[tuple[str, int], int] = (("", -1), 0)

    def step(self, one: Loaded, rollout: RolloutState, judgements: Sequence[Judgement], now: datetime) -> None:
        """Let the plan take the next step of a running rollout from the canary's judgements."""
        if one.contract.manifest.rollout is None:
            return
        scope = Scope(model=one.contract.manifest.model, version=one.version)
        held = [each for each in self.live.state.orders if _reaches(each.order.scope, scope)]
        shown = [_contained(each) if held else each for each in judgements]
        samples = self._samples(rollout)
        passed = one.override is None
        step = plan.step(one.contract.manifest.rollout.stages, rollout, shown, samples, passed=passed)
        self._later(partial(self._tell, rollout, tuple(shown), samples, told(now)))
        if step.kind == "hold":
            return
        verb = {"advance": "advanced", "complete": "completed", "roll_back": "aborted"}[step.kind]
        try:
            self.authority.rollout(MACHINE, verb, step.next, step.because, rollout)
        except PolicySaysNo as moved:
            _log.warning("%s", moved)
            self.live.refresh()
            return
        if step.kind == "complete":
            self.authority.baseline(MACHINE, rollout.version)
        self.live.refresh()

    def _samples(self, rollout: RolloutState) -> int:
        """Return the candidate's decisions since this process first saw the present stage."""
        served = self.telemetry.served(rollout.version, "candidate")
        stage = (rollout.id, rollout.stage)
        if self._stage[0] != stage:
            self._stage = (stage, served)
        return served - self._stage[1]

    def _tell(self, rollout: RolloutState, judgements: tuple[Judgement, ...], samples: int, at: str) -> None:
        """Leave what the stage has shown where `rollout advance` reads it."""
        shown = plan.StageShown(rollout=rollout, judgements=judgements, samples=samples, at=at)
        try:
            self.authority.store.put(plan.STAGE_SHOWN, canonical(shown))
        except ShipworthyError:
            _log.exception("what the stage has shown could not be kept")


def _reaches(order: Scope, version: Scope) -> bool:
    return order.version in ("*", version.version) or covers(order, version)


def _contained(judgement: Judgement) -> Judgement:
    """While an order holds inside a candidate its rollout holds: the breach is answered, advancing is not on."""
    if not judgement.here or judgement.trial or judgement.outcome not in (Outcome.BREACHED, Outcome.MET):
        return judgement
    return msgspec.structs.replace(judgement, outcome=Outcome.UNDECIDED, because=f"{judgement.because}; an order holds")
