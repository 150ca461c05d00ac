"""What a block of decided rows leaves behind: events of single rows, and the columns that windows count.

In: blocks with their answers. Out: the `Event` of one row, as a single request makes it, and `Decided` for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shipworthy.deploy.answer import MACHINE, PERSON
from shipworthy.deploy.batch.ranks import Marks, Places
from shipworthy.deploy.http.ids import rfc3339
from shipworthy.facts import NORMAL, Event
from shipworthy.observe.frames.live import Decided
from shipworthy.observe.payload import is_payload
from shipworthy.observe.repeated import Rows
from shipworthy.observe.windows import RESCUED
from shipworthy.profile.batch import TOLD
from shipworthy.runtime.batch.ids import Bytes, texts
from shipworthy.runtime.batch.passes import Block


@dataclass(frozen=True, slots=True)
class Moment:
    """When and under what a pass was decided. `ids`: of its rows."""

    now_s: float
    epoch: int
    ids: Bytes

    @property
    def minute(self) -> int:
        """Return the minute of the decision."""
        return int(self.now_s // 60)

    @property
    def at(self) -> str:
        """Return the time, RFC 3339."""
        return rfc3339(self.now_s)


def event_of(block: Block, at: int, when: Moment) -> Event:
    """Return the event of the block's row `at`, without a time to answer."""
    seen, given = block.seen, block.given
    view, answer = seen.views[int(seen.view[at])], given.kinds[int(given.kind[at])]
    feature = int(seen.feature[at])
    row = int(seen.rows[at])
    return Event(
        request=texts(when.ids[row : row + 1])[0],
        at=when.at,
        minute=when.minute,
        version=seen.lens.release.version,
        arm=seen.arm,
        tenant=tenant_of(block, int(seen.view[at])),
        segments=view.place.texts,
        score=_known(given.score[at]),
        decision=answer.decision,
        route=answer.route,
        ood_p=float(seen.p[at]),
        ood_view=TOLD[int(seen.told[at])],
        ood_flag=bool(seen.flag[at]),
        unseen=tuple(name for name, marks in seen.unseen.items() if marks[at]),
        uncertainty=_known(given.uncertainty[at]),
        never=answer.violated,
        unknown=answer.unknown,
        leaked=answer.leaked,
        replayed=block.replayed,
        failed=answer.failed,
        groups=view.place.groups,
        ood_feature=seen.lens.scorer.features[feature] if feature >= 0 else "",
        degraded=view.posture != NORMAL,
    )


def tenant_of(block: Block, view: int) -> str:
    """Return whose rows lie in one of the block's views."""
    return block.seen.views[view].place.plain[0]["tenant"]


def decided_of(block: Block, minute: int) -> Decided:
    """Return a block as windows count it."""
    seen, given = block.seen, block.given
    n = seen.rows.size
    unseen = np.zeros(n, dtype=bool)
    for marks in seen.unseen.values():
        unseen |= marks
    says = {name: np.array([bool(one) for one in told], dtype=bool)[given.kind] for name, told in _kinds(block).items()}
    degraded = np.array([view.posture != NORMAL for view in seen.views], dtype=bool)[seen.view]
    says |= {"n_ood": seen.flag, "n_unseen": unseen, "n_degraded": degraded, "n_replayed": np.full(n, block.replayed)}
    return Decided(
        version=seen.lens.release.version,
        arm=RESCUED if block.replayed else seen.arm,
        minute=minute,
        places=[(tenant_of(block, at), (*one.place.texts, *one.place.groups)) for at, one in enumerate(seen.views)],
        place=seen.view,
        score=given.score,
        p=seen.p,
        flag=seen.flag,
        feature=seen.feature,
        features=seen.lens.scorer.features,
        says={name: marks for name, marks in says.items() if marks.any()},
    )


def _kinds(block: Block) -> dict[str, list[object]]:
    kinds = block.given.kinds
    return {
        "n_review": [one.route == PERSON for one in kinds],
        "n_machine": [one.route == MACHINE for one in kinds],
        "n_failed": [one.failed for one in kinds],
        "n_never": [one.violated for one in kinds],
        "n_leaked": [one.leaked for one in kinds],
        "n_unknown": [one.unknown for one in kinds],
    }


def repeats_of(block: Block, which: Places) -> Rows:
    """Return some rows of a block as the watch for repeats takes them: places in the order in which they come."""
    seen = block.seen
    used, first = np.unique(seen.view[which], return_index=True)
    order = used[np.argsort(first, kind="stable")]
    place = np.zeros(len(seen.views), dtype=np.intp)
    place[order] = np.arange(order.size)
    return Rows(
        version=seen.lens.release.version,
        places=[(tenant_of(block, at), seen.views[at].place.texts) for at in order.tolist()],
        place=place[seen.view[which]],
        flag=seen.flag[which],
    )


def odd_rows(block: Block) -> Marks:
    """Return the rows whose content counts as abuse by itself: what a never event withheld, and payloads."""
    seen, given = block.seen, block.given
    marks = np.array([bool(one.violated) for one in given.kinds], dtype=bool)[given.kind]
    for name, unseen in _loose(block).items():
        words = seen.table.words(name)
        told = np.array([isinstance(cell, str) and is_payload(cell) for cell in words.values], dtype=bool)
        if told.any():
            marks = marks | (told[words.codes] & unseen)
    return marks


def _loose(block: Block) -> dict[str, Marks]:
    """The features whose value nobody declared, and in which rows."""
    everywhere = np.ones(block.seen.rows.size, dtype=bool)
    texts_ = {name: everywhere for name, kind in block.seen.lens.release.columns if kind == "text"}
    return {**texts_, **block.seen.unseen}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
