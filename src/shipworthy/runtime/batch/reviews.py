"""Rows of a table that ask for a person: what the review queue is told of them, and what is answered without it.

In: blocks with their answers. Out: requests for review, and blocks parted by who answers them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shipworthy.deploy.answer import PERSON
from shipworthy.deploy.batch.ranks import Places
from shipworthy.deploy.batch.receipts import Mac, sealed
from shipworthy.deploy.http.wiring import ForReview, for_review
from shipworthy.deploy.overflow import fallen_back, may_fall_back, refused
from shipworthy.runtime.batch.events import Moment, event_of, tenant_of
from shipworthy.runtime.batch.ids import spelled
from shipworthy.runtime.batch.passes import Block
from shipworthy.runtime.batch.result import Shared


class AskedRow(NamedTuple):
    """What a person is asked about a row of the pass."""

    row: int
    review: ForReview


def asked_of(block: Block, when: Moment, mac: Mac) -> list[AskedRow]:
    """Return what people are asked about the rows of a block."""
    given, seen = block.given, block.seen
    made = []
    for at in np.flatnonzero(_persons(block)).tolist():
        event, answer = event_of(block, at, when), given.kinds[int(given.kind[at])]
        shared = shared_of(block, int(seen.view[at]), int(given.kind[at]), when)
        shown = np.array([np.nan if event.score is None or not shared.told else event.score])
        row = int(seen.rows[at])
        receipt = sealed(mac, shared.receipt(), spelled(when.ids[row : row + 1]), shown)[0]
        made.append(AskedRow(row, for_review(event, seen.table.row(at), seen.lens.release.words, answer, receipt)))
    return made


def shared_of(block: Block, view: int, kind: int, when: Moment) -> Shared:
    """Return what rows of one view and one kind of answer have in common."""
    place = block.seen.views[view].place
    return Shared(
        answer=block.given.kinds[kind],
        version=block.seen.lens.release.version,
        arm=block.seen.arm,
        tenant=tenant_of(block, view),
        segments=place.texts,
        groups=place.groups,
        minute=when.minute,
        at=when.at,
        epoch=when.epoch,
    )


def parted(block: Block, full: set[int]) -> tuple[list[Block], list[Block], list[Block]]:
    """Return the block's rows that stand, those that nobody answers, and those that the baseline may answer."""
    given, seen = block.given, block.seen
    out = np.isin(seen.rows, list(full))
    release = seen.lens.release
    falls = np.zeros(seen.rows.size, dtype=bool)
    for at in np.flatnonzero(out).tolist():
        kind, bound = given.kinds[int(given.kind[at])], seen.views[int(seen.view[at])].bound
        falls[at] = may_fall_back(release, seen.arm, kind, bound)
    marks = (~out, out & ~falls, falls)
    kept, nobody, falling = ([_some(block, np.flatnonzero(one))] if one.any() else [] for one in marks)
    return kept, nobody, falling


def refused_rows(block: Block, why: str) -> Block:
    """Return the block with nobody in place of the person who was asked for."""
    given = block.given
    kinds = tuple(refused(one, why) if one.route == PERSON else one for one in given.kinds)
    return Block(block.seen, block.scores, block.replayed, given._replace(kinds=kinds))


def fallen_rows(block: Block) -> Block:
    """Return the block of the baseline's answers as they leave: machine decisions, and else nothing."""
    given = block.given
    kinds = tuple(fallen_back(one) for one in given.kinds)
    return Block(block.seen, block.scores, block.replayed, given._replace(kinds=kinds))


def violated_rows(block: Block) -> list[int]:
    """Return the rows on which a never event was true."""
    marks = np.array([bool(one.violated) for one in block.given.kinds], dtype=bool)[block.given.kind]
    found: list[int] = np.flatnonzero(marks).tolist()
    return found


def _persons(block: Block) -> Places:
    found: Places = np.array([one.route == PERSON for one in block.given.kinds], dtype=bool)[block.given.kind]
    return found


def _some(block: Block, which: Places) -> Block:
    given = block.given
    told = given._replace(kind=given.kind[which], score=given.score[which], uncertainty=given.uncertainty[which])
    return Block(block.seen.part(which), block.scores, block.replayed, told)
