"""What a rollout's stage amounts to, in one word, for people and for other controllers.

In: the rollout, its stages and what the serving gateway judged last. Out: `pass`, `fail` or `inconclusive`, with every
reason, and what is still missing. Nothing judged, old, thin, held or of another stage is `inconclusive`, never `pass`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from shipworthy.decide import STALE_AFTER
from shipworthy.deploy import plan
from shipworthy.facts import Fact, Judgement, Outcome, RolloutState
from shipworthy.respond.moments import moment
from shipworthy.runtime.rolling import next_step

Word = Literal["pass", "fail", "inconclusive"]


class Verdict(Fact, frozen=True, kw_only=True):
    """One stage in one word. `score`: the part of what decides that is met; `waits_for`: the role that may advance.

    `needs_n`: the candidate's requests that are missing, as far as known; `needs_minutes`: at the pace so far.
    """

    verdict: Word
    score: float
    samples: int
    min_samples: int
    reasons: tuple[str, ...]
    waits_for: str = ""
    per_minute: float = 0.0
    needs_n: int | None = None
    needs_minutes: int | None = None


def verdict_of(
    stages: Sequence[plan.StageLike], rollout: RolloutState, shown: plan.StageShown | None, now: datetime
) -> Verdict:
    """Return the verdict of the present stage. What is over has one for good."""
    if rollout.status == "completed":
        return _said("pass", "the rollout is completed", score=1.0)
    if rollout.status == "aborted":
        return _said("fail", "the rollout is aborted")
    if not 0 <= rollout.stage < len(stages):
        return _said("inconclusive", f"stage {rollout.stage} is not in the plan")
    stage = stages[rollout.stage]
    if shown is None or (shown.rollout.id, shown.rollout.stage) != (rollout.id, rollout.stage):
        return _said("inconclusive", "no gateway has judged this stage yet", least=stage.min_samples)
    if not moment(shown.at) <= now <= moment(shown.at) + STALE_AFTER:
        return _said("inconclusive", f"this stage was last judged at {shown.at}", shown.samples, stage.min_samples)
    return _weighed(stages, stage, rollout, shown)


def _weighed(
    stages: Sequence[plan.StageLike], stage: plan.StageLike, rollout: RolloutState, shown: plan.StageShown
) -> Verdict:
    role = "" if stage.advance == "auto" else stage.advance
    step = next_step(stages, _with(shown, rollout), frozenset({role}))
    word: Word = "inconclusive" if step.kind == "hold" else "fail" if step.kind == "roll_back" else "pass"
    asked = [*plan.deciding(shown.judgements), *plan.deciding(shown.compared)]
    unmet = [one for one in asked if one.outcome is not Outcome.MET]
    reasons = [f"{one.slo} on {one.segment} {one.outcome.value}: {one.because}" for one in unmet] or [step.because]
    if shown.samples < stage.min_samples and unmet:
        reasons.append(f"{shown.samples} of {stage.min_samples} samples in stage {stage.name}")
    pace = shown.samples / shown.minutes if shown.minutes else 0.0
    needs_n = _needed(unmet, stage.min_samples - shown.samples)
    return Verdict(
        verdict=word,
        score=(len(asked) - len(unmet)) / len(asked) if asked else 0.0,
        samples=shown.samples,
        min_samples=stage.min_samples,
        reasons=tuple(reasons),
        waits_for=role,
        per_minute=pace,
        needs_n=needs_n,
        needs_minutes=math.ceil(needs_n / pace) if needs_n is not None and pace > 0 else None,
    )


def _with(shown: plan.StageShown, rollout: RolloutState) -> plan.StageShown:
    """What was judged while the rollout ran says nothing of one that is held now."""
    return plan.StageShown(
        rollout=rollout,
        judgements=shown.judgements,
        samples=shown.samples,
        at=shown.at,
        compared=shown.compared,
        minutes=shown.minutes,
        passed=shown.passed,
    )


def _needed(unmet: Sequence[Judgement], short: int) -> int | None:
    """Return the samples that are missing; None while one judgement cannot say how many it needs."""
    needs = [one.needs_n for one in unmet]
    known = [one for one in needs if one is not None]
    return None if len(known) < len(needs) else max([0, short, *known])


def _said(verdict: Word, because: str, samples: int = 0, least: int = 0, score: float = 0.0) -> Verdict:
    return Verdict(verdict=verdict, score=score, samples=samples, min_samples=least, reasons=(because,))
