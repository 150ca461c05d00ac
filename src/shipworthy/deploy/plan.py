"""The rollout plan: what the evidence lets a rollout do next. Pure; the controller only carries the step out.

In: the manifest's stages, the state of the rollout, the canary's judgements, what comparing both arms has shown, the
number of samples of this stage and the roles that approved leaving it. Out: a step and its reason. Advance needs
everything met; a breach rolls back from any stage; whatever is missing or undecided holds.

Status: `running` → `held` and back, `running` → `completed`, any of these → `aborted`. Stages go up one at a time;
nothing leads out of `aborted` and, but for an abort, out of `completed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from shipworthy.deploy.routing import WHOLE_BP
from shipworthy.errors import UsageError
from shipworthy.facts import Fact, Judgement, Outcome, RolloutState

_OVER = ("aborted", "completed")
STAGE_SHOWN = "deploy/stage-shown"  # where the site keeps what the present stage has shown


class StageLike(Protocol):
    """What the manifest's stage shows: `share` in percent; `advance` is `auto` or the role that must agree."""

    @property
    def name(self) -> str: ...
    @property
    def share(self) -> float: ...
    @property
    def tenants(self) -> tuple[str, ...]: ...
    @property
    def min_samples(self) -> int: ...
    @property
    def advance(self) -> str: ...


class Step(Fact, frozen=True, kw_only=True):
    """What to do next. `next` is the whole state after it; on `hold` it is the state as it was."""

    kind: Literal["advance", "hold", "roll_back", "complete"]
    because: str
    next: RolloutState


class StageShown(Fact, frozen=True, kw_only=True):
    """What a rollout's stage has shown so far, as the controller judged it `at`, `minutes` after it had begun.

    `compared`: the judgements of both arms side by side. `passed`: the gate passed the version, no override.
    """

    rollout: RolloutState
    judgements: tuple[Judgement, ...]
    samples: int
    at: str
    compared: tuple[Judgement, ...] = ()
    minutes: int = 0
    passed: bool = True


def start(
    stages: Sequence[StageLike],
    *,
    id: str,
    version: str,
    baseline: str,
    salt: str,
    shadow: tuple[str, ...] = (),
    started_at: str = "",
) -> RolloutState:
    """Return the first stage. Raises UsageError without stages, with a share outside 0..100 or without a baseline."""
    for stage in stages:
        if not 0 <= stage.share <= 100 or not stage.tenants:
            raise UsageError(f"stage {stage.name!r} needs a share of 0 to 100 and tenants", "rollout.stages")
    if not stages or not baseline or version == baseline:
        raise UsageError("a rollout needs stages and a baseline that is another version", "rollout.stages")
    first = RolloutState(
        id=id,
        version=version,
        baseline=baseline,
        stage=0,
        status="running",
        share_bp=0,
        tenants=(),
        salt=salt,
        shadow=shadow,
        started_at=started_at,
    )
    return at_stage(stages, first, 0, started_at)


def step(
    stages: Sequence[StageLike],
    state: RolloutState,
    judgements: Iterable[Judgement],
    samples: int,
    approved: frozenset[str] = frozenset(),
    passed: bool = True,
    compared: Iterable[Judgement] = (),
    at: str = "",
) -> Step:
    """Return the next step. `samples`: decisions of the candidate in this stage; `approved`: roles that agreed.

    `compared` decides beside the judgements and never instead of them; `at`: when a next stage would begin.
    `passed`: the gate passed it. What an override lets through for a while never completes: it is no baseline.
    """
    if state.status in _OVER:
        return _hold(state, f"the rollout is {state.status}")
    slos, beside = deciding(judgements), deciding(compared)
    breached = [judgement for judgement in (*slos, *beside) if judgement.outcome is Outcome.BREACHED]
    if breached:
        return abort(state, _told(breached))
    waits = _waits(stages, state, slos, beside, samples, approved)
    if not waits and not passed and state.stage + 1 == len(stages):
        waits = "all met in the last stage; under an override it does not become the baseline"
    return _hold(state, waits) if waits else _forward(stages, state, at)


def deciding(judgements: Iterable[Judgement]) -> list[Judgement]:
    """Return those that decide here: neither on trial nor of another place."""
    return [judgement for judgement in judgements if judgement.here and not judgement.trial]


def abort(state: RolloutState, because: str) -> Step:
    """Roll back, from every state, any number of times: stage 0, share 0, nobody's tenant."""
    gone = msgspec.structs.replace(state, status="aborted", stage=0, share_bp=0, tenants=(), shadow=())
    return Step(kind="roll_back", because=because, next=gone)


def hold(state: RolloutState, because: str) -> Step:
    """Stop advancing until somebody resumes; the share stays. A rollout that is over stays over."""
    held = state if state.status in _OVER else msgspec.structs.replace(state, status="held")
    return Step(kind="hold", because=because, next=held)


def resume(state: RolloutState) -> RolloutState:
    """Let a held rollout advance again. Nothing brings back one that is over."""
    return msgspec.structs.replace(state, status="running") if state.status == "held" else state


def at_stage(stages: Sequence[StageLike], state: RolloutState, index: int, at: str = "") -> RolloutState:
    """Return the state at a stage that begins `at`: its share and tenants replace the old ones, they never add up."""
    stage = stages[index]
    share_bp = round(stage.share * 100)
    tenants = tuple(stage.tenants)
    return msgspec.structs.replace(state, stage=index, share_bp=share_bp, tenants=tenants, stage_since=at)


def alone(stage: StageLike) -> bool:
    """True when a stage leaves the baseline none of its tenants' units: nothing can be compared there."""
    return stage.share >= 100


def _waits(
    stages: Sequence[StageLike],
    state: RolloutState,
    slos: list[Judgement],
    beside: list[Judgement],
    samples: int,
    approved: frozenset[str],
) -> str:
    """Return what is waited for, or "" when nothing is."""
    if state.status != "running":
        return f"the rollout is {state.status}"
    if not 0 <= state.stage < len(stages):
        return f"stage {state.stage} is not in the plan"
    stage = stages[state.stage]
    if not slos:
        return "nothing decides here: no SLO of the policy is judged at the canary"
    unmet = [judgement for judgement in (*slos, *beside) if judgement.outcome is not Outcome.MET]
    if unmet:
        return _told(unmet)
    if samples < stage.min_samples:
        return f"{samples} of {stage.min_samples} samples in stage {stage.name}"
    if stage.advance != "auto" and stage.advance not in approved:
        return f"all met in stage {stage.name}; waits for {stage.advance}"
    return ""


def _forward(stages: Sequence[StageLike], state: RolloutState, at: str) -> Step:
    name = stages[state.stage].name
    if state.stage + 1 == len(stages):
        done = msgspec.structs.replace(state, status="completed", share_bp=WHOLE_BP, tenants=("*",), shadow=())
        return Step(kind="complete", because=f"all met in the last stage, {name}", next=done)
    onward = at_stage(stages, state, state.stage + 1, at)
    return Step(kind="advance", because=f"all met in stage {name}", next=onward)


def _hold(state: RolloutState, because: str) -> Step:
    return Step(kind="hold", because=because, next=state)


def _told(judgements: Iterable[Judgement]) -> str:
    return "; ".join(f"{one.slo} on {one.segment} {one.outcome.value}: {one.because}" for one in judgements)
