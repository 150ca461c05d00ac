"""What other controllers may ask about: the one rollout of a site, as it stands at this moment.

In: the controller and which versions are served. Out: `Seen`, from memory alone.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from shipworthy.deploy import plan
from shipworthy.facts import RolloutState
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.outside.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Seen:
    """The rollout of the model `model`. `serving`: its candidate is loaded; `closed`: an order closes it everywhere."""

    model: str
    rollout: RolloutState | None
    stages: tuple[plan.StageLike, ...]
    shown: plan.StageShown | None
    epoch: int
    now: datetime
    serving: bool = False
    closed: bool = False

    def verdict(self, rollout: RolloutState) -> Verdict:
        """Return the verdict of a rollout's present stage."""
        return verdict_of(self.stages, rollout, self.shown, self.now)


def seen_of(controller: Controller, served: Container[str]) -> Seen:
    """Return what stands now. `served`: the versions that are loaded and asked."""
    live, rollout = controller.live, controller.live.state.rollout
    one = controller.releases.get(rollout.version) if rollout is not None else None
    planned = one.contract.manifest.rollout if one is not None else None
    return Seen(
        model=live.model,
        rollout=rollout,
        stages=planned.stages if planned is not None else (),
        shown=controller.rolling.shown,
        epoch=live.state.epoch,
        now=controller.clock(),
        serving=rollout is not None and rollout.version in served,
        closed=rollout is not None and live.closed(rollout.version),
    )
