"""Decisions counted at once make the very windows that single ones make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import canonical
from shipworthy.observe import slots
from shipworthy.observe.collector import Collector
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.frames.live import Decided, add_decided
from shipworthy.observe.inputs import inputs_of
from tests.observe.frames.made import CATEGORIES, Logged, _segment, columns_scorer, frame_of, profile, scorer
from tests.observe.frames.test_same_windows import CELLS, ROWS
from tests.observe.made import T0, event
from tests.observe.test_collector import hashed

LINES = st.lists(
    st.builds(
        lambda row, odd, **more: Logged({**row, **odd}, **more),
        st.sampled_from(ROWS),
        CELLS,
        tenant=st.sampled_from(["acme", "birch"]),
        score=st.none() | st.floats(0, 1) | st.sampled_from([1 / 3, 0.05]),
        route=st.sampled_from(["machine", "person", "refused"]),
    ),
    min_size=1,
    max_size=25,
)
SAYS = {
    "n_failed": "failed",
    "n_replayed": "replayed",
    "n_never": "never",
    "n_unknown": "unknown",
    "n_leaked": "leaked",
}


def collector() -> Collector:
    one = Collector(T0, hashed=hashed)
    inputs = inputs_of(profile())
    assert inputs is not None
    one.watch("2.0", inputs)
    return one


@settings(max_examples=30)
@given(LINES, st.randoms(use_true_random=False), st.sampled_from([0, 25 * 60]), st.sampled_from([2000, 3, 6]))
def test_decisions_at_once_are_counted_as_one_by_one(lines: list[Logged], drawn: Any, late: int, most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slots, "MOST_LIVE_KEYS", most)
        hold_beside(lines, drawn, late)


def hold_beside(lines: list[Logged], drawn: Any, late: int) -> None:
    alone, together = collector(), collector()
    for each in (alone, together):
        each.add(event(minute=T0, tenant="cedar", segments=("region=N",)))
    marks = {name: [drawn.random() < 0.3 for _ in lines] for name in SAYS}
    rescued = drawn.random() < 0.5  # all of a block, or none of it
    marks["n_replayed"] = [rescued] * len(lines)
    places = [(one.tenant, tuple(_segment(key, one.row) for key in CATEGORIES)) for one in lines]
    seen = [scorer().score(one.row) for one in lines]
    for at, (one, ood) in enumerate(zip(lines, seen, strict=True)):
        said: dict[str, Any] = {told: marks[name][at] for name, told in SAYS.items()}
        said |= {"never": ("n",) * said["never"], "unknown": ("n",) * said["unknown"]}
        given_ = event(
            minute=T0 + late, tenant=one.tenant, segments=places[at][1], score=one.score, route=one.route, ood_p=ood.p,
            ood_flag=ood.flag, ood_feature=ood.feature or "", unseen=ood.unseen, **said,
        )  # fmt: skip
        alone.add(given_, one.row)
    used = list(dict.fromkeys(places))
    features = columns_scorer().features
    says = {name: np.array(told) for name, told in marks.items()}
    says["n_ood"] = np.array([ood.flag for ood in seen])
    says["n_unseen"] = np.array([bool(ood.unseen) for ood in seen])
    says["n_review"] = np.array([one.route == "person" for one in lines])
    says["n_machine"] = np.array([one.route == "machine" for one in lines])
    decided = Decided(
        version="2.0",
        arm="rescued" if rescued else "candidate",
        minute=T0 + late,
        places=used,
        place=np.array([used.index(place) for place in places], dtype=np.intp),
        score=np.array([np.nan if one.score is None else one.score for one in lines]),
        p=np.array([ood.p for ood in seen]),
        flag=says["n_ood"],
        feature=np.array([features.index(ood.feature) if ood.feature else -1 for ood in seen], dtype=np.intp),
        features=features,
        says=says,
    )
    add_decided(together, decided, FrameInputs(profile()), frame_of(lines))
    end = T0 + late + 5
    assert canonical(together.roll(end)) == canonical(alone.roll(end))
    assert (together.skewed, together.spilled) == (alone.skewed, alone.spilled)
