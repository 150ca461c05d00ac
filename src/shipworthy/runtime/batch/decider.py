"""The path of a batch, from a table to what leaves: chunk by chunk, each under one state.

In: a running site, a table. Out: a `BatchResult`. A chunk is decided under one epoch. What would act on a single
request acts here as well, at its row: a never event that is violated, an alarm of repeats. The rows up to that one
stand; if the state has moved by it, the rest of the chunk is decided again, under the new state. So the answers are
those that single requests would have had, one after the other.

What a person decides is in the review queue, all of a chunk in one transaction, before it is counted or returned.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shipworthy.deploy.batch.answers import Answers
from shipworthy.deploy.batch.ranks import Floats, Places, grouped
from shipworthy.deploy.batch.receipts import mac_of
from shipworthy.deploy.batch.table import Table
from shipworthy.deploy.http.decider import DECIDE_AGAIN
from shipworthy.deploy.http.gateway import ONLY_TENANT
from shipworthy.deploy.overflow import FAILED, FULL
from shipworthy.deploy.routing import CANDIDATE
from shipworthy.errors import UsageError
from shipworthy.facts import DRILL_TENANT
from shipworthy.models.spec import text_of
from shipworthy.observe.repeated import first_alarm, new_streams, take, take_calm
from shipworthy.profile.columns import Coded
from shipworthy.runtime.batch.events import Moment, decided_of, event_of, odd_rows, repeats_of, tenant_of
from shipworthy.runtime.batch.ids import Bytes, uuid7s
from shipworthy.runtime.batch.lens import Lens
from shipworthy.runtime.batch.passes import Block, Passes
from shipworthy.runtime.batch.result import BatchResult, Shared
from shipworthy.runtime.batch.reviews import asked_of, fallen_rows, parted, refused_rows, shared_of, violated_rows
from shipworthy.runtime.site import Site
from shipworthy.store.review import Admission

CHUNK = 65_536
MODEL_S = 120.0
QUEUE_S = 60.0
ONE_BY_ONE = 512  # rows after an alarm that moved nothing: others may follow at once
_log = logging.getLogger("shipworthy.guard")


class BatchDecider:
    """Decides tables for one site. One event loop, one table at a time."""

    def __init__(self, site: Site, model_s: float = MODEL_S) -> None:
        """`model_s`: the longest that a model may take over a chunk."""
        self._site, self._wiring = site, site.gateway.wiring
        self._lenses: dict[str, Lens] = {}
        self._passes = Passes(site.gateway.decider, site.models, self._lens, model_s)
        self._mac = mac_of(self._wiring.mac_key)
        self._one_at_a_time = asyncio.Lock()

    async def decide(self, table: Table, chunk: int = CHUNK) -> BatchResult:
        """Return the decisions of a table. Raises UsageError, before anything is decided, when a row does not say whose
        it is; Unreachable when the baseline is not loaded here."""
        if chunk < 1:
            raise UsageError(f"a chunk of {chunk} rows", "batch", "at least 1")
        tenants = self._tenants(table)
        made = _Made(table.n)
        async with self._one_at_a_time:
            for start in range(0, table.n, chunk):
                rows = slice(start, min(start + chunk, table.n))
                await self._chunk(table.part(rows), tenants[rows], start, made)
        of, score, unsure, ids = made.of, made.score, made.uncertainty, made.ids
        return BatchResult(self._mac, made.shared, of, score, unsure, ids, self._wiring.override())

    def _lens(self, version: str) -> Lens:
        loaded = self._site.releases[version]
        lens = self._lenses.get(version)
        if lens is None or lens.loaded is not loaded:
            lens = self._lenses[version] = Lens(loaded)
        return lens

    def _tenants(self, table: Table) -> Coded:
        """Whose each row is: a row that does not say could be under anybody's orders."""
        key = self._wiring.keys.tenant
        if key is None:
            return Coded([ONLY_TENANT], np.zeros(table.n, dtype=np.intp))
        words = table.words(key)
        empty = np.array([cell is None or cell == "" for cell in words.values], dtype=bool)[words.codes]
        if empty.any():
            at = int(np.flatnonzero(empty)[0])
            raise UsageError(f"no tenant: column {key!r} is missing", f"row {at}", "say whose request it is")
        named = [cell if isinstance(cell, str) else text_of(cell or 0) for cell in words.values]
        if DRILL_TENANT in named:
            raise UsageError(f"{DRILL_TENANT} is the tenant of drills", "rows", "say whose request each is")
        places = {name: at for at, name in enumerate(dict.fromkeys(named))}
        return Coded([*places], np.array([places[name] for name in named], dtype=np.intp)[words.codes])

    async def _chunk(self, table: Table, tenants: Coded, start: int, made: _Made) -> None:
        done = 0
        while done < table.n:
            rest = slice(done, table.n)
            now_s = self._wiring.clock()
            ids = uuid7s(now_s, table.n - done)
            blocks, epoch = await self._settled(table.part(rest) if done else table, tenants[rest], ids)
            when = Moment(now_s, epoch, ids)
            taken = self._acted(blocks, when, table.n - done)
            kept = [_upto(block, taken) for block in blocks]
            kept = await self._queued([block for block in kept if block.seen.rows.size], when)
            for block in kept:
                self._counted(block, when)
                made.add(block, when, start + done)
            done += taken

    async def _settled(self, table: Table, tenants: Coded, ids: Bytes) -> tuple[list[Block], int]:
        """Look until the state stands still, as for a single request; if it never does, no score leaves."""
        w = self._wiring
        for _ in range(DECIDE_AGAIN):
            epoch = w.epoch()
            blocks = await self._passes.blocks(w.routes(), table, tenants, ids)
            closed = any(one.seen.arm == CANDIDATE and w.closed(one.seen.lens.release.version) for one in blocks)
            if w.epoch() == epoch and not closed:
                return self._passes.answered(blocks, unsettled=False), epoch
        return self._passes.answered(blocks, unsettled=True), epoch

    def _acted(self, blocks: Sequence[Block], when: Moment, n: int) -> int:
        """Let every row act that would; return how many rows stand before the state has moved."""
        repeats = self._site.controller.repeats
        at, inert, slow = 0, set[tuple[str, ...]](), 0
        while at < n:
            if not slow and self._crowded(blocks, at, n):
                slow = ONE_BY_ONE
            acting = at if slow else self._next(blocks, at, n, inert)
            if acting is None:
                return n
            block, row = _where(blocks, acting)
            event, alarms = event_of(block, row, when), len(repeats.alarms())
            self._site.controller.act_on(event)
            at, slow = acting + 1, max(0, slow - 1)
            if self._wiring.epoch() != when.epoch:
                return at
            if event.never:
                inert.add((event.version, event.tenant, *event.never))
            if len(repeats.alarms()) != alarms:
                slow = ONE_BY_ONE
        return n

    def _crowded(self, blocks: Sequence[Block], start: int, n: int) -> bool:
        """True when these rows would make more streams of repeats than are kept."""
        repeats = self._site.controller.repeats
        rows = [repeats_of(block, _between(block, start, n)) for block in blocks]
        return not repeats.fits(sum(new_streams(repeats, one) for one in rows))

    def _next(self, blocks: Sequence[Block], start: int, n: int, inert: set[tuple[str, ...]]) -> int | None:
        """Count repeats up to the next row that acts, and return it."""
        repeats = self._site.controller.repeats
        stop = min((_violation(block, start, inert) for block in blocks), default=n)
        acting = [stop] if stop < n else []
        if len(blocks) == 1:  # one look does for both: mostly nothing acts
            which = _between(blocks[0], start, stop if acting else n)
            calm = take_calm(repeats, repeats_of(blocks[0], which)) if which.size else None
            if calm is None:
                return stop if acting else None
        for block in blocks:
            which = _between(block, start, min(stop + 1, n))
            at = first_alarm(repeats, repeats_of(block, which)) if which.size else None
            acting += [] if at is None else [int(block.seen.rows[which[at]])]
        end = min(acting, default=n)
        for block in blocks:
            which = _between(block, start, end)
            if which.size:
                take(repeats, repeats_of(block, which))
        return end if acting else None

    async def _queued(self, blocks: list[Block], when: Moment) -> list[Block]:
        """Make all reviews of these rows durable at once, in the order of rows; what does not fit is answered as a
        single request would be."""
        asked = sorted((one for block in blocks for one in asked_of(block, when, self._mac)), key=lambda one: one.row)
        if not asked:
            return blocks
        try:
            async with asyncio.timeout(QUEUE_S):
                told = await self._site.enqueue.many([one.review for one in asked])
        except Exception:  # whatever the queue's trouble is, the caller must hear a no
            _log.exception("the review queue did not take %d rows", len(asked))
            return [refused_rows(block, FAILED) for block in blocks]
        full = {one.row for one, fits in zip(asked, told, strict=True) if fits is not Admission.QUEUED}
        return blocks if not full else [made for block in blocks for made in await self._overflowed(block, full, when)]

    async def _overflowed(self, block: Block, full: set[int], when: Moment) -> list[Block]:
        """Answer the rows that did not fit: by the baseline where it may, else by nobody."""
        kept, refused, falling = parted(block, full)
        made = [*kept, *(refused_rows(one, FULL) for one in refused)]
        for one in falling:
            told = fallen_rows(await self._passes.instead(one.seen, self._wiring.routes().baseline, when.epoch))
            made.append(told)
            for at in violated_rows(told):
                event = event_of(told, at, when)
                for name in event.never:
                    self._site.controller.never(name, event)
        return made

    def _counted(self, block: Block, when: Moment) -> None:
        seen, lens = block.seen, block.seen.lens
        frame = lens.frame(seen.table) if lens.inputs is not None else None
        self._site.telemetry.add_decided(decided_of(block, when.minute), lens.inputs, frame)
        odd = odd_rows(block)
        for at in np.flatnonzero(odd).tolist():
            self._site.abuse.answered_row(event_of(block, at, when), seen.table.row(at))
        plain = np.bincount(seen.view[~odd], minlength=len(seen.views)).tolist()
        for view, n in zip(seen.views, plain, strict=True):
            self._site.abuse.answered_rows(when.minute, view.place.texts, n)


class _Made:
    """The result as it grows."""

    def __init__(self, n: int) -> None:
        self.shared: list[Shared] = []
        self.of = np.zeros(n, dtype=np.intp)
        self.score: Floats = np.full(n, np.nan)
        self.uncertainty: Floats = np.full(n, np.nan)
        self.ids: Bytes = np.zeros((n, 16), dtype=np.uint8)

    def add(self, block: Block, when: Moment, start: int) -> None:
        seen, given = block.seen, block.given
        rows = seen.rows + start
        kinds = grouped(seen.rows.size, [(seen.view, len(seen.views)), (given.kind, len(given.kinds))])
        self.of[rows] = kinds.of + len(self.shared)
        for row in kinds.first.tolist():
            self.shared.append(shared_of(block, int(seen.view[row]), int(given.kind[row]), when))
        self.score[rows], self.uncertainty[rows] = given.score, given.uncertainty
        self.ids[rows] = when.ids[seen.rows]


def _between(block: Block, start: int, end: int) -> Places:
    """The block's rows that lie in [start, end) of the pass; a block's rows are ascending."""
    first, last = np.searchsorted(block.seen.rows, (start, end)).tolist()
    return np.arange(first, last, dtype=np.intp)


def _where(blocks: Sequence[Block], row: int) -> tuple[Block, int]:
    for block in blocks:
        at = int(np.searchsorted(block.seen.rows, row))
        if at < block.seen.rows.size and block.seen.rows[at] == row:
            return block, at
    raise LookupError(f"row {row} is in no block")


def _violation(block: Block, start: int, inert: set[tuple[str, ...]]) -> int:
    """The first row from `start` at which a never event is violated that has not shown to move nothing."""
    given, seen = block.given, block.seen
    kinds = np.array([bool(one.violated) for one in given.kinds], dtype=bool)
    if not kinds.any():
        return np.iinfo(np.intp).max
    which = _between(block, start, np.iinfo(np.intp).max)
    for at in which[kinds[given.kind[which]]].tolist():
        names = given.kinds[int(given.kind[at])].violated
        if (seen.lens.release.version, tenant_of(block, int(seen.view[at])), *names) not in inert:
            return int(seen.rows[at])
    return np.iinfo(np.intp).max


def _upto(block: Block, end: int) -> Block:
    """The block's rows before `end` of the pass."""
    which = _between(block, 0, end)
    if which.size == block.seen.rows.size:
        return block
    given = block.given
    cut = Answers(given.kinds, given.kind[which], given.score[which], given.uncertainty[which])
    return replace(block, seen=block.seen.part(which), answers=cut)
