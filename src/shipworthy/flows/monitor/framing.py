"""Chunks of a log become frames: every column by its rule, and a count of whatever could not be taken as meant.

In: a chunk, a lens. Out: a `Frame`, and notes (what was wrong → how often). A row without a usable time is left out and
counted; a cell that is no number where one is declared is an empty one and counted; a column that is not there as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from shipworthy.deploy.http.gateway import ONLY_TENANT
from shipworthy.deploy.segments import segments_of
from shipworthy.facts import OTHER, Fact
from shipworthy.flows.monitor.columns import Column, Empty
from shipworthy.flows.monitor.lens import Lens
from shipworthy.flows.monitor.logs import Chunk
from shipworthy.flows.monitor.periods import LAST
from shipworthy.observe.frames.columns import NO_LABEL, Coded, Floats, Frame, Ints, Marks, Places
from shipworthy.observe.frames.counts import MACHINE, PERSON
from shipworthy.profile.rows import as_category


class Note(Fact, frozen=True, kw_only=True):
    """What could not be taken as meant: `n` rows or lines, the first at `first` ("" = not told)."""

    what: str
    n: int
    first: str = ""


@dataclass(slots=True)
class Notes:
    """Notes that add up."""

    n: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def say(self, what: str, n: int, first: str = "") -> None:
        """Note something about `n` rows; nothing for none."""
        if n:
            self.n[what] += n
            if first and (what not in self.first or first < self.first[what]):
                self.first[what] = first

    def add(self, other: Notes) -> None:
        """Add those of another file."""
        for what, n in other.n.items():
            self.say(what, n, other.first.get(what, ""))

    def told(self) -> tuple[Note, ...]:
        """Return them, most first."""
        ranked = sorted(self.n.items(), key=lambda one: (-one[1], one[0]))
        return tuple(Note(what=what, n=n, first=self.first.get(what, "")) for what, n in ranked)


class Framing:
    """Makes the frames of one lens. `offset`: rows before this file, where periods are of rows."""

    def __init__(self, lens: Lens, notes: Notes, place: str, offset: int = 0) -> None:
        self._lens, self._notes, self._place, self._rows = lens, notes, place, offset
        profile = lens.profile
        self._numbers = [one.name for one in profile.numbers]
        self._categories = {one.name: frozenset((*one.values, *one.accepted)) for one in profile.categories}
        self._texts = [one.name for one in profile.texts]
        self._hide = lens.hide()
        self._bins = lens.bins
        hidden = set(lens.hidden)
        self._groups = [key for key in lens.groups if key not in lens.keys or key in hidden]

    def frame(self, chunk: Chunk) -> Frame:
        """Return the frame of one chunk."""
        for what, (n, first) in chunk.left_out.items():
            self._notes.say(what, n, first)
        kept, minute = self._minutes(chunk)
        made = _Cut(chunk, kept, self._notes, self._place)
        numbers, broken = self._inputs(made)
        categories = {name: made.words(name) for name in self._categories}
        unseen = {name: _unknown(categories[name], known) for name, known in self._categories.items()}
        decision, route = self._answers(made)
        names = self._lens.names
        return Frame(
            n=int(kept.size),
            minute=minute,
            version=made.words(names.version, quiet=True).filled(self._lens.version),
            tenant=_only_tenants(made.words(names.tenant, quiet=True).filled(ONLY_TENANT)),
            numbers=numbers,
            categories=categories,
            score=self._scores(made),
            decision=decision,
            route=route,
            took_ms=made.numbers(names.took_ms, quiet=True)[0],
            label=self._labels(made),
            dimensions=self._dimensions(made, unseen),
            unseen={name: marks for name, marks in unseen.items() if marks.any()},
            broken=broken,
            texts={name: made.texts(name) for name in self._texts},
        )

    def _minutes(self, chunk: Chunk) -> tuple[Places, Ints]:
        """(the rows that have a time, the period of each)."""
        every = self._lens.every
        rows = np.arange(chunk.n, dtype=np.intp)
        if not every.by_time:
            at = (self._rows + rows) // every.length
            self._rows += chunk.n
            return rows, at.astype(np.int64)
        column = chunk.columns.get(self._lens.names.time)
        seconds = np.full(chunk.n, np.nan) if column is None else column.seconds()
        usable = (seconds >= 0.0) & (seconds < LAST)
        self._notes.say("rows without a usable time, left out", int(chunk.n - usable.sum()), self._place)
        kept = np.flatnonzero(usable)
        return kept, every.starts(seconds[kept])

    def _inputs(self, made: _Cut) -> tuple[dict[str, Floats], dict[str, Marks]]:
        numbers: dict[str, Floats] = {}
        broken: dict[str, Marks] = {}
        for name in self._numbers:
            numbers[name], marks = made.numbers(name)
            if marks.any():
                broken[name] = marks
                self._notes.say(f"cells of {name} that are no number, counted as empty", int(marks.sum()), self._place)
        return numbers, broken

    def _scores(self, made: _Cut) -> Floats:
        score, broken = made.numbers(self._lens.names.score, quiet=True)
        outside = broken | (score < 0.0) | (score > 1.0)
        self._notes.say("scores that are no number from 0 to 1, not counted", int(outside.sum()), self._place)
        return score

    def _labels(self, made: _Cut) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        values, broken = made.numbers(self._lens.names.label, quiet=True)
        label = np.full(values.size, NO_LABEL, dtype=np.int8)
        for truth in (0, 1):
            label[values == truth] = truth
        wrong = broken | (~np.isnan(values) & (label == NO_LABEL))
        self._notes.say("labels that are neither 0 nor 1, not counted", int(wrong.sum()), self._place)
        return label

    def _answers(self, made: _Cut) -> tuple[Coded, Coded]:
        """Decision and route; where no column says who decided, the word that leaves does."""
        names, words = self._lens.names, self._lens.words
        decision = made.words(names.decision, quiet=True).filled("")
        if made.has(names.route) or not made.has(names.decision):
            return decision, made.words(names.route, quiet=True).filled("")
        route = tuple(PERSON if word == words.review else MACHINE if word else "" for word in decision.words)
        return decision, Coded(route, decision.codes)

    def _dimensions(self, made: _Cut, unseen: dict[str, Marks]) -> tuple[Coded, ...]:
        terms = {key: self._terms(made, key, unseen.get(key), hide=True) for key in self._lens.keys}
        groups = [self._terms(made, key, unseen.get(key), hide=False) for key in self._groups]
        pairs = [_joined(*(terms[key] for key in sorted(pair))) for pair in self._lens.pairs]
        return (*terms.values(), *pairs, *groups)

    def _terms(self, made: _Cut, key: str, unseen: Marks | None, hide: bool) -> Coded:
        """The segment text of every row, as `deploy.segments` writes it."""
        cells, codes = made.cells(key)
        hidden = self._hide if hide else None
        texts = [segments_of({key: cell}, (key,), (), bins=self._bins, hide=hidden)[1][0] for cell in cells]
        if unseen is None or not unseen.any():
            return _compact(texts, codes)
        texts += [segments_of({key: cell}, (key,), (), (key,), bins=self._bins, hide=hidden)[1][0] for cell in cells]
        return _compact(texts, codes + len(cells) * unseen)


class _Cut:
    """The kept rows of a chunk, column by column; what is not there is empty and noted once a chunk."""

    def __init__(self, chunk: Chunk, kept: Places, notes: Notes, place: str) -> None:
        self._chunk, self._notes, self._place = chunk, notes, place
        self._kept = None if kept.size == chunk.n else kept
        self.n = int(kept.size)

    def has(self, name: str) -> bool:
        return name in self._chunk.columns

    def column(self, name: str, quiet: bool = False) -> Column:
        column = self._chunk.columns.get(name)
        if column is None:
            if not quiet:
                self._notes.say(f"rows without the column {name}, counted as empty", self.n, self._place)
            return Empty(self._chunk.n)
        return column

    def numbers(self, name: str, quiet: bool = False) -> tuple[Floats, Marks]:
        values, broken = self.column(name, quiet).numbers()
        return (values, broken) if self._kept is None else (values[self._kept], broken[self._kept])

    def cells(self, name: str, quiet: bool = False) -> tuple[tuple[float | int | str | bool | None, ...], Places]:
        cells, codes = self.column(name, quiet).cells()
        return cells, codes if self._kept is None else codes[self._kept]

    def words(self, name: str, quiet: bool = False) -> Coded:
        cells, codes = self.cells(name, quiet)
        return Coded(tuple(as_category(cell) for cell in cells), codes)

    def texts(self, name: str) -> list[str | None]:
        cells, codes = self.cells(name)
        texts = [None if cell is None or isinstance(cell, bool) else str(cell) for cell in cells]
        return [texts[code] for code in codes.tolist()]


def _unknown(column: Coded, known: frozenset[str]) -> Marks:
    return np.array([word is not None and word not in known for word in column.words], dtype=bool)[column.codes]


def _only_tenants(column: Coded) -> Coded:
    """`*` is all tenants: nobody is called so."""
    return Coded(tuple(OTHER if word == "*" else word for word in column.words), column.codes)


def _compact(texts: list[str], codes: Places) -> Coded:
    """The same column with every text once, so that there is one window a text."""
    places = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    return Coded(tuple(places), np.array([places[text] for text in texts], dtype=np.intp)[codes])


def _joined(first: Coded, second: Coded) -> Coded:
    used, codes = np.unique(first.codes * len(second.words) + second.codes, return_inverse=True)
    pairs = [divmod(one, len(second.words)) for one in used.tolist()]
    return Coded(tuple(f"{first.words[a]};{second.words[b]}" for a, b in pairs), codes)
