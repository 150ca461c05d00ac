"""A rollout in each state that other controllers can meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from shipworthy.contract.manifest import Stage
from shipworthy.deploy import plan
from shipworthy.facts import Judgement, Outcome, RolloutState
from shipworthy.respond.moments import told
from shipworthy.runtime.outside.seen import Seen

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
STAGES = (
    Stage(name="some", share=10, tenants=("acme",), min_samples=500),
    Stage(name="half", share=50, tenants=("*",), min_samples=500, advance="sre"),
)
FIRST = plan.start(STAGES, id="ROL-2027-0001", version="2", baseline="1", salt="s", started_at=told(NOW))
LAST = plan.at_stage(STAGES, FIRST, 1, told(NOW))


def judgement(outcome: Outcome, slo: str = "error_rate", needs_n: int | None = None) -> Judgement:
    return Judgement(slo=slo, segment="*", outcome=outcome, because="because", needs_n=needs_n)


def seen(
    rollout: RolloutState | None = FIRST,
    slo: Outcome | None = Outcome.MET,
    beside: Outcome = Outcome.MET,
    samples: int = 812,
    age_s: float = 30.0,
    closed: bool = False,
    serving: bool = True,
    needs_n: int | None = None,
) -> Seen:
    """Return a site whose stage has shown this; `slo` None: no gateway has judged it."""
    shown = None
    if rollout is not None and slo is not None:
        shown = plan.StageShown(
            rollout=rollout,
            judgements=(judgement(slo),),
            compared=(judgement(beside, "compare:errors", needs_n),),
            samples=samples,
            at=told(NOW - timedelta(seconds=age_s)),
            minutes=40,
        )
    return Seen("tiny", rollout, STAGES, shown, 42, NOW, serving, closed)


def ended(status: str) -> RolloutState:
    if status == "aborted":
        return plan.abort(FIRST, "breached").next
    return msgspec.structs.replace(LAST, status=status)


SITES: dict[str, Seen] = {
    "met": seen(),
    "met in the last stage": seen(LAST),
    "undecided": seen(beside=Outcome.UNDECIDED, needs_n=300),
    "no data": seen(slo=Outcome.NO_DATA, samples=0),
    "thin": seen(samples=499),
    "breached": seen(beside=Outcome.BREACHED),
    "not judged": seen(slo=None),
    "stale": seen(age_s=301),
    "of the future": seen(age_s=-5),
    "held": seen(plan.hold(FIRST, "lunch").next),
    "aborted": seen(ended("aborted"), slo=None),
    "completed": seen(ended("completed"), slo=None),
    "closed": seen(closed=True),
    "not loaded": seen(serving=False),
    "none": seen(None, slo=None),
}
