"""One look at a chunk under one state: arms, views, scores, answers, without anything left behind.

In: the wiring, the lenses of the served versions, a table. Out: blocks of rows that share version, arm and history.
What the gateway does for one request is done here for all: the arm by the unit, the view of the candidate, the move to
the baseline where a posture wants it, the replay of what the candidate did not answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from shipworthy.deploy.batch.answers import Answers, Asked, answers
from shipworthy.deploy.batch.ranks import Marks, Places
from shipworthy.deploy.batch.table import Table
from shipworthy.deploy.http.client import UpstreamFailed
from shipworthy.deploy.http.decider import Decider
from shipworthy.deploy.routing import BASELINE, CANDIDATE, WHOLE_BP, Routes, chosen, place
from shipworthy.errors import Unreachable
from shipworthy.facts import Source
from shipworthy.models.spec import text_of
from shipworthy.profile.batch import TOLD
from shipworthy.profile.columns import Coded
from shipworthy.runtime.batch.asking import Scores, scores
from shipworthy.runtime.batch.ids import Bytes, texts
from shipworthy.runtime.batch.lens import Lens
from shipworthy.runtime.batch.views import Carried, Looking, Seen


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one version and arm, with their scores and, once asked for, their answers."""

    seen: Seen
    scores: Scores
    replayed: bool
    answers: Answers | None = None

    @property
    def given(self) -> Answers:
        """Return the answers. Raises ValueError before there are any."""
        if self.answers is None:
            raise ValueError("nothing is answered yet")
        return self.answers


class Passes:
    """Looks at chunks. One per event loop."""

    def __init__(self, decider: Decider, models: object, lens_of: Callable[[str], Lens], model_s: float) -> None:
        self._decider, self._models, self._lens_of, self._model_s = decider, models, lens_of, model_s
        self._looking = Looking(decider.wiring)

    async def blocks(self, routes: Routes, table: Table, tenants: Coded, ids: Bytes) -> list[Block]:
        """Return the rows as they were seen and scored. Raises Unreachable when the baseline is not loaded here."""
        everyone = np.arange(table.n, dtype=np.intp)
        candidate = self._candidates(routes, table, tenants, ids)
        made: list[Block] = []
        rest: list[tuple[Places, Carried | None, bool]] = [(everyone[~candidate], None, False)]
        if candidate.any() and routes.candidate is not None:
            seen = self._look(routes.candidate, CANDIDATE, table, tenants, everyone[candidate])
            bound = np.array([view.bound.source is Source.BASELINE for view in seen.views], dtype=bool)[seen.view]
            rest.append((seen.rows[bound], (seen.view[bound], seen.views), False))
            block, failed = await self._told(seen.part(np.flatnonzero(~bound)), False)
            made.append(_part(block, np.flatnonzero(~failed)))
            rest.append((block.seen.rows[failed], (block.seen.view[failed], seen.views), True))
        for rows, carried, replayed in rest:
            if rows.size:
                seen = self._look(routes.baseline, BASELINE, table, tenants, rows, carried)
                made.append((await self._told(seen, replayed))[0])
        return [block for block in made if block.seen.rows.size]

    def answered(self, blocks: list[Block], unsettled: bool) -> list[Block]:
        """Return the blocks with their answers. `unsettled`: the state never stood still, and no score leaves."""
        return [replace(block, answers=self._answers(block, unsettled)) for block in blocks]

    async def instead(self, seen: Seen, baseline: str, epoch: int) -> Block:
        """Return rows of the candidate as the baseline answers them, under what held for both; without a score when the
        state is no longer that of `epoch`. Raises Unreachable when the baseline is not loaded here."""
        names = [view.place.plain[0]["tenant"] for view in seen.views]
        at = {name: place for place, name in enumerate(dict.fromkeys(names))}
        whose = np.array([at[name] for name in names], dtype=np.intp)[seen.view]
        table = seen.table
        local = np.arange(seen.rows.size, dtype=np.intp)
        looked = self._look(baseline, BASELINE, table, Coded([*at], whose), local, (seen.view, seen.views))
        block, _ = await self._told(replace(looked, rows=seen.rows), True)
        return replace(block, answers=self._answers(block, self._decider.wiring.epoch() != epoch))

    def _candidates(self, routes: Routes, table: Table, tenants: Coded, ids: Bytes) -> Marks:
        """The rows of the candidate's arm, as `routing.arm` says: each distinct unit has its place once."""
        none = np.zeros(table.n, dtype=bool)
        if routes.candidate is None or routes.share_bp == 0 or not self._decider.may_serve(routes.candidate):
            return none
        named = np.array([chosen(routes.tenants, str(name)) for name in tenants.values], dtype=bool)
        mine: Marks = named[tenants.codes]
        if not mine.any() or routes.share_bp >= WHOLE_BP:
            return mine
        key = self._decider.wiring.keys.unit
        units = table.words(key) if key else Coded([None], np.zeros(table.n, dtype=np.intp))
        places = np.array([WHOLE_BP if unit is None else place(routes.salt, _text(unit)) for unit in units.values])
        found = places[units.codes]
        for row in np.flatnonzero((found == WHOLE_BP) & mine).tolist():  # without a unit, the request is one
            found[row] = place(routes.salt, texts(ids[row : row + 1])[0])
        told: Marks = mine & (found < routes.share_bp)
        return told

    def _look(
        self, version: str, arm: str, table: Table, tenants: Coded, rows: Places, carried: Carried | None = None
    ) -> Seen:
        if version not in self._decider.wiring.releases:
            raise Unreachable(f"version {version or '(none)'} is not loaded", "guard", "start it, or roll back")
        whole = rows.size == table.n
        some, whose = (table, tenants) if whole else (table.part(rows), tenants[rows])
        return self._looking.look(self._lens_of(version), arm, some, whose, rows, carried)

    async def _told(self, seen: Seen, replayed: bool) -> tuple[Block, Marks]:
        """Ask the model for the rows that a model may compute; return which of them it did not answer."""
        n = seen.rows.size
        score, own = np.full(n, np.nan), None
        wants = np.array([view.bound.source is not Source.NONE for view in seen.views], dtype=bool)[seen.view]
        if wants.any():
            whole = bool(wants.all())
            told = await self._tried(seen if whole else seen.part(np.flatnonzero(wants)))
            score[wants] = told.score
            if told.own is not None:
                own = told.own if whole else _spread(told.own, wants)
        return Block(seen, Scores(score, own), replayed), wants & np.isnan(score)

    async def _tried(self, seen: Seen) -> Scores:
        """Ask once for the chunk; what fails is reported and, of a candidate, counted against its circuit."""
        w, circuits = self._decider.wiring, self._decider.circuits
        release = seen.lens.release
        candidate = seen.arm == CANDIDATE
        trial = candidate and circuits.began(release.version)
        try:
            if release.version not in w.upstreams:
                raise UpstreamFailed("connect: no upstream")
            told = await scores(self._models, release.version, release.columns, seen.table, self._model_s)
        except UpstreamFailed as error:
            w.on_failure(release.version, str(error))
            told = Scores(np.full(seen.table.n, np.nan))
        if candidate:
            circuits.ended(release.version, trial, not np.isnan(told.score).all())
        return told

    def _answers(self, block: Block, unsettled: bool) -> Answers:
        seen = block.seen
        release, n = seen.lens.release, seen.rows.size
        score = np.full(n, np.nan) if unsettled else block.scores.score
        bounds = list(dict.fromkeys((view.posture, view.limited) for view in seen.views))
        at = {bound: place for place, bound in enumerate(bounds)}
        of = np.array([at[view.posture, view.limited] for view in seen.views], dtype=np.intp)
        tenants = list(dict.fromkeys(view.place.plain[0]["tenant"] for view in seen.views))
        whose = np.array([tenants.index(view.place.plain[0]["tenant"]) for view in seen.views], dtype=np.intp)
        asked = Asked(
            release=release,
            table=seen.table,
            score=score,
            own=None if unsettled else block.scores.own,
            place=of[seen.view],
            bounds=bounds,
            bucket=seen.buckets.of,
            cuts=[seen.lens.cut(name, self._decider.wiring.thresholds) for name in seen.buckets.names],
            p=seen.p,
            view=seen.told,
            views=TOLD,
            flag=seen.flag,
            uncertainty=seen.lens.uncertainty(score),
            told={"tenant": Coded(tenants, whose[seen.view]), "version": release.version, "arm": seen.arm},
        )
        return answers(asked)


def _part(block: Block, which: Places) -> Block:
    if which.size == block.seen.rows.size:
        return block
    own = block.scores.own
    scored = Scores(block.scores.score[which], None if own is None else own[which])
    return Block(block.seen.part(which), scored, block.replayed)


def _spread(own: Coded, wants: Marks) -> Coded:
    codes = np.full(wants.size, len(own.values), dtype=np.intp)
    codes[wants] = own.codes
    return Coded([*own.values, None], codes)


def _text(unit: float | int | str | None) -> str:
    return unit if isinstance(unit, str) else text_of(unit or 0)
