"""The next step of a running rollout, from what its stage has shown.

In: a rollout, its version and the judgements of the moment. Out: both arms are compared, and the stage advances, holds,
completes or is aborted, through the authority. While an order holds inside the candidate its rollout holds too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec

from shipworthy.contract.manifest import Rollout
from shipworthy.deploy import plan
from shipworthy.errors import PolicySaysNo, ShipworthyError
from shipworthy.facts import Judgement, Outcome, RolloutState, Scope, canonical
from shipworthy.observe.compared import NAMES, Compared, Margins, judged, level_of
from shipworthy.observe.minutes import minute_of
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
        self.shown: plan.StageShown | None = None
        self._later = later
        self._judged: tuple[Compared, tuple[Judgement, ...]] | None = None

    def changed(self, rollout: RolloutState | None, minute: int) -> None:
        """Follow a new state: sums begin anew where a stage does, and what was shown of another stage is over."""
        self.telemetry.beside.follow(rollout, minute)
        if self.telemetry.beside.since >= 0:
            self.telemetry.kept.cut(self.telemetry.beside.since)
        if self.shown is not None and (rollout is None or _stage(self.shown.rollout) != _stage(rollout)):
            self.shown = None

    def step(self, one: Loaded, rollout: RolloutState, judgements: Sequence[Judgement], now: datetime) -> None:
        """Let the plan take the next step of a rollout from the canary's judgements and from both arms."""
        if one.contract.manifest.rollout is None:
            return
        stages = one.contract.manifest.rollout.stages
        self.shown = self._seen(one, rollout, judgements, now)
        step = next_step(stages, self.shown, at=told(now))
        self._later(partial(self._tell, self.shown))
        if step.kind == "hold":
            return
        verb = {"advance": "advanced", "complete": "completed", "roll_back": "aborted"}[step.kind]
        try:
            self.authority.rollout(MACHINE, verb, step.next, step.because, rollout)
        except PolicySaysNo as moved:
            _log.warning("%s", moved)
            self.live.refresh()
            return
        self.finish(step.next)
        self.live.refresh()

    def finish(self, rollout: RolloutState) -> None:
        """Make the version of a completed rollout the warm baseline, if it is not yet."""
        if rollout.status == "completed" and self.live.state.baseline != rollout.version and finish(self.authority):
            self.live.refresh()

    def end(self, because: str) -> str:
        """Abort the rollout under way for somebody outside who may; return what was done. A second time is nothing."""
        rollout = self.authority.state().rollout
        if rollout is None or rollout.status not in ("running", "held"):
            return "nothing was done: no rollout is under way"
        self.authority.rollout(MACHINE, "aborted", plan.abort(rollout, because).next, because, rollout)
        return f"{rollout.id} is aborted"

    def _seen(
        self, one: Loaded, rollout: RolloutState, judgements: Sequence[Judgement], now: datetime
    ) -> plan.StageShown:
        stages = one.contract.manifest.rollout
        beside = self.telemetry.beside.look()
        compared = self._compare(beside, stages, rollout) if stages else ()
        scope = Scope(model=one.contract.manifest.model, version=one.version)
        held = any(_reaches(each.order.scope, scope) for each in self.live.state.orders)
        return plan.StageShown(
            rollout=rollout,
            judgements=tuple(_contained(each) if held else each for each in judgements),
            compared=tuple(_contained(each) if held else each for each in compared),
            samples=beside.counts.candidate.answered,
            minutes=max(0, minute_of(now) - self.telemetry.beside.since),
            passed=one.override is None,
            at=told(now),
        )

    def _compare(self, beside: Compared, stages: Rollout, rollout: RolloutState) -> tuple[Judgement, ...]:
        """Judge both arms; what stands since the last look is judged as it was."""
        if self._judged is None or self._judged[0] is not beside:
            least = stages.stages[rollout.stage].min_samples if 0 <= rollout.stage < len(stages.stages) else 0
            self._judged = (beside, judged(beside, margins_of(stages), alone_in(stages, rollout), least))
        return self._judged[1]

    def _tell(self, shown: plan.StageShown) -> None:
        """Leave what the stage has shown where `rollout status` and `rollout advance` read it."""
        try:
            self.authority.store.put(plan.STAGE_SHOWN, canonical(shown))
        except ShipworthyError:
            _log.exception("what the stage has shown could not be kept")


def finish(authority: Authority) -> bool:
    """Make the version of a completed rollout the warm baseline; False when it is, or nothing is completed.

    Two entries say it, and a crash may come between them: whoever looks next writes the second one.
    """
    state = authority.state()
    rollout = state.rollout
    if rollout is None or rollout.status != "completed" or state.baseline != rollout.baseline:
        return False
    authority.baseline(MACHINE, rollout.version)
    return True


def next_step(
    stages: Sequence[plan.StageLike], shown: plan.StageShown, approved: frozenset[str] = frozenset(), at: str = ""
) -> plan.Step:
    """Return the step that the plan takes from what a stage has shown."""
    return plan.step(
        stages,
        shown.rollout,
        shown.judgements,
        shown.samples,
        approved,
        passed=shown.passed,
        compared=shown.compared,
        at=at,
    )


def margins_of(rollout: Rollout) -> Margins:
    """Return the margins, and what each comparison of each stage that has two arms may spend of the budget."""
    compare = rollout.compare
    asked = sum(getattr(compare, name) is not None for name in NAMES)
    stages = sum(not plan.alone(stage) for stage in rollout.stages)
    level = level_of(compare.false_rollbacks, asked, stages)
    return Margins(compare.errors, compare.latency, compare.review_rate, compare.disagreement, level)


def alone_in(rollout: Rollout, state: RolloutState) -> bool:
    """True when the present stage leaves the baseline nothing to be compared with; a stage of no plan compares."""
    return 0 <= state.stage < len(rollout.stages) and plan.alone(rollout.stages[state.stage])


def _stage(rollout: RolloutState) -> tuple[str, int]:
    return rollout.id, rollout.stage


def _reaches(order: Scope, version: Scope) -> bool:
    return order.version in ("*", version.version) or covers(order, version)


def _contained(judgement: Judgement) -> Judgement:
    """While an order holds inside a candidate its rollout holds: the breach is answered, advancing is not on."""
    if not judgement.here or judgement.trial or judgement.outcome not in (Outcome.BREACHED, Outcome.MET):
        return judgement
    return msgspec.structs.replace(judgement, outcome=Outcome.UNDECIDED, because=f"{judgement.because}; an order holds")
