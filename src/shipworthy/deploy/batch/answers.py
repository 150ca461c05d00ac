"""What leaves for a column of scores: the one function of single requests, asked once for each kind of row.

In: a release, scores, and of each row its group (posture, limits), bucket of thresholds and out-of-distribution flag.
Out: one `Answer` a kind of row, and the kind of each row. Two rows are of one kind when nothing that
`deploy.answer.answer` looks at tells them apart: where the score lies between the edges, whether it is certain enough,
the posture, and what each never event says of whatever might leave. So the rules stand in one place only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from shipworthy.deploy.answer import MACHINE, PERSON, REFUSED, Answer, answer
from shipworthy.deploy.batch.never import asked
from shipworthy.deploy.batch.ranks import Floats, Groups, Marks, Places, grouped
from shipworthy.deploy.batch.table import BOOL, Cell, Numbers, Stored, Table
from shipworthy.deploy.limits import Limited, bound_of
from shipworthy.deploy.neverevents import NeverEvents
from shipworthy.deploy.release import Cut, Release
from shipworthy.facts import Posture, Source
from shipworthy.profile.columns import Coded

_NO_NEVER = NeverEvents(())


class Flagged(NamedTuple):
    """The out-of-distribution score of one row, as `answer` reads it."""

    p: float
    view: str
    flag: bool
    feature: str | None = None
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows of one version and arm. `score`: NaN where no usable one came; `own`: the model's own words (None = none);
    `place`: the group of each row among `bounds`; `bucket` among `cuts`; `view` among `views`. `uncertainty`: NaN =
    unknown. `told`: what never events may ask beside the row."""

    release: Release
    table: Table
    score: Floats
    own: Coded | None
    place: Places
    bounds: Sequence[tuple[Posture, Limited]]
    bucket: Places
    cuts: Sequence[Cut | None]
    p: Floats
    view: Places
    views: Sequence[str]
    flag: Marks
    uncertainty: Floats
    told: Mapping[str, str | Stored]


class Answers(NamedTuple):
    """`kinds[kind[i]]` is the answer of row i, but for score and uncertainty, which are columns (NaN = None)."""

    kinds: tuple[Answer, ...]
    kind: Places
    score: Floats
    uncertainty: Floats


def answers(rows: Asked) -> Answers:
    """Return what leaves."""
    computed = np.array([bound_of(*one).source is not Source.NONE for one in rows.bounds], dtype=bool)[rows.place]
    usable = computed & (rows.score >= 0.0) & (rows.score <= 1.0)
    rows = replace(
        rows, score=np.where(usable, rows.score, np.nan), uncertainty=np.where(usable, rows.uncertainty, np.nan)
    )
    groups = _situations(rows)
    if rows.release.never:
        groups = _by_never(rows, groups)
    kinds = tuple(_one(rows, row, rows.release) for row in groups.first.tolist())
    return Answers(kinds, groups.of, rows.score, rows.uncertainty)


def _situations(rows: Asked) -> Groups:
    """Group the rows by all that the answer depends on, but for never events."""
    n, release = rows.table.n, rows.release
    usable = ~np.isnan(rows.score)
    deny, approve = (_edges(rows.cuts, name)[rows.bucket] for name in ("deny", "approve"))
    limit = release.max_uncertainty
    certain = np.zeros(n, dtype=bool) if limit is None else rows.uncertainty <= limit
    abstains = np.array([view in release.abstain_on for view in rows.views], dtype=bool)[rows.view] & rows.flag
    columns: list[tuple[np.ndarray, int]] = [
        (rows.place, len(rows.bounds)),
        (usable, 2),
        (rows.bucket, len(rows.cuts)),
        (rows.score <= deny, 2),
        (rows.score >= approve, 2),
        (np.where(abstains, rows.view + 1, 0), len(rows.views) + 1),
        (certain, 2),
    ]
    if rows.own is not None:
        columns.append((np.where(usable, rows.own.codes + 1, 0), len(rows.own.values) + 1))
    return grouped(n, columns)


def _edges(cuts: Sequence[Cut | None], name: str) -> Floats:
    found = [None if cut is None else getattr(cut, name) for cut in cuts]
    return np.array([np.nan if edge is None else edge for edge in found], dtype=np.float64)


def _by_never(rows: Asked, groups: Groups) -> Groups:
    """Part the groups by what never events say of each answer that might leave a row."""
    drafted = replace(rows.release, never=_NO_NEVER)
    drafts = [_one(rows, row, drafted) for row in groups.first.tolist()]
    wanted = [_attempts(rows, draft, row) for draft, row in zip(drafts, groups.first.tolist(), strict=True)]
    columns: list[tuple[np.ndarray, int]] = [(groups.of, groups.first.size)]
    for attempt in dict.fromkeys(each for one in wanted for each in one):
        here = np.flatnonzero(np.array([attempt in one for one in wanted], dtype=bool)[groups.of])
        fields = _Fields(rows, here, *attempt)
        told = asked(rows.release.never, here.size, fields.column, fields.cell)
        code = np.zeros(rows.table.n, dtype=np.intp)
        code[here] = told.of + 1
        columns.append((code, told.first.size + 1))
    return grouped(rows.table.n, columns)


def _attempts(rows: Asked, draft: Answer, row: int) -> tuple[tuple[str, str], ...]:
    """Every (decision, route) that `answer` may ask the never events about for such a row."""
    own = _own(rows, row)
    made = [(rows.release.words.review, PERSON)]
    if draft.route != REFUSED:
        made.append((draft.decision, draft.route))
    if draft.suggestion is not None:
        made.append((draft.suggestion, MACHINE))
    if own is not None and not np.isnan(rows.score[row]):
        made.append((own, MACHINE))
    return tuple(dict.fromkeys(made))


class _Fields:
    """The named columns of some rows, as never events see them when (decision, route) would leave."""

    def __init__(self, rows: Asked, here: Places, decision: str, route: str) -> None:
        self._whole = here.size == rows.table.n
        self._rows, self._here = rows, here
        self._own: dict[str, Stored] = {
            "score": Numbers(rows.score[here]),
            "uncertainty": Numbers(rows.uncertainty[here]),
            "ood_p": Numbers(rows.p[here]),
            "ood_flag": Numbers(rows.flag[here].astype(np.float64), BOOL),
        }
        self._said: dict[str, str] = {"decision": decision, "route": route}

    def column(self, name: str) -> Stored:
        if name in self._said:
            return Coded([self._said[name]], np.zeros(self._here.size, dtype=np.intp))
        if name in self._own:
            return self._own[name]
        told = self._rows.told.get(name)
        if isinstance(told, str):
            return Coded([told], np.zeros(self._here.size, dtype=np.intp))
        column = told if told is not None else self._rows.table.columns.get(name)
        if column is None:
            return Coded([None], np.zeros(self._here.size, dtype=np.intp))
        return column if self._whole else column[self._here]

    def cell(self, name: str, row: int) -> Cell:
        return Table(self._here.size, {name: self.column(name)}).cell(name, row)


def _one(rows: Asked, row: int, release: Release) -> Answer:
    """Ask `answer` about one row."""
    posture, limited = rows.bounds[int(rows.place[row])]
    ood = Flagged(float(rows.p[row]), rows.views[int(rows.view[row])], bool(rows.flag[row]))
    fields: dict[str, Cell] = {}
    if release.never:
        names = {name for _, one in release.never.compiled for name in one.names}
        told = {name: _said(one, row) for name, one in rows.told.items()}
        fields = {**{name: rows.table.cell(name, row) for name in names}, **told, "ood_p": ood.p, "ood_flag": ood.flag}
    score, unsure = float(rows.score[row]), float(rows.uncertainty[row])
    return answer(
        release,
        score=None if np.isnan(score) else score,
        own=_own(rows, row),
        ood=ood,
        cut=rows.cuts[int(rows.bucket[row])],
        uncertainty=None if np.isnan(unsure) else unsure,
        posture=posture,
        limited=limited,
        fields=fields,
    )


def _own(rows: Asked, row: int) -> str | None:
    word = None if rows.own is None else rows.own.values[int(rows.own.codes[row])]
    return None if word is None else str(word)


def _said(one: str | Stored, row: int) -> Cell:
    return one if isinstance(one, str) else Table(len(one), {"": one}).cell("", row)
