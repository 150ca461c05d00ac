"""What a batch hands back: columns in the order of the rows, and receipts that are sealed when they are asked for.

In: what rows share and what each has of its own. Out: `BatchResult`. It is a sequence too: `result[7]` is the reply
that `Guard.decide` would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from shipworthy.deploy.answer import REFUSED, Answer
from shipworthy.deploy.batch.ranks import Floats, Marks, Places
from shipworthy.deploy.batch.receipts import Mac, sealed
from shipworthy.facts import Receipt
from shipworthy.runtime.batch.ids import Bytes, spelled, texts
from shipworthy.runtime.reply import Decision

SEALED_AT_ONCE = 65_536
Column = NDArray[Any]


class Shared(NamedTuple):
    """What rows have in common: their answer but for the score, and where and when it was given."""

    answer: Answer
    version: str
    arm: str
    tenant: str
    segments: tuple[str, ...]
    groups: tuple[str, ...]
    minute: int
    at: str
    epoch: int

    @property
    def told(self) -> bool:
        """True when the score may leave: a withheld answer does not leave by its score either."""
        return self.answer.route != REFUSED and not self.answer.violated

    def receipt(self) -> Receipt:
        """Return what their receipts share."""
        return Receipt(
            request="",
            version=self.version,
            tenant=self.tenant,
            segments=self.segments,
            minute=self.minute,
            score_bin=-1,
            score_q=-1,
            arm=self.arm,
            route=self.answer.route,
            decision=self.answer.decision,
            groups=self.groups,
        )


class Receipts(Sequence[str]):
    """The receipts of a batch, one a row, each sealed when it is asked for; `all()` seals them together, which costs
    less than one by one. A receipt is the same whenever it is sealed."""

    def __init__(self, mac: Mac, shared: Sequence[Shared], of: Places, score: Floats, ids: Bytes) -> None:
        self._mac, self._shared, self._of, self._score, self._ids = mac, shared, of, score, ids

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return self._sealed(np.arange(len(self))[at])
        return self._sealed(np.array([range(len(self))[at]]))[0]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), SEALED_AT_ONCE):
            yield from self[start : start + SEALED_AT_ONCE]

    def all(self) -> list[str]:
        """Return all of them."""
        return [
            receipt for start in range(0, len(self), SEALED_AT_ONCE) for receipt in self[start : start + SEALED_AT_ONCE]
        ]

    def _sealed(self, rows: Places) -> list[str]:
        made: list[str] = [""] * rows.size
        of = self._of[rows]
        for kind in np.unique(of).tolist():
            here = np.flatnonzero(of == kind)
            which = rows[here]
            score = self._score[which] if self._shared[kind].told else np.full(here.size, np.nan)
            tokens = sealed(self._mac, self._shared[kind].receipt(), spelled(self._ids[which]), score)
            if here.size == rows.size:
                return tokens
            for place, token in zip(here.tolist(), tokens, strict=True):
                made[place] = token
        return made


class BatchResult(Sequence[Decision]):
    """The decisions of a table, in the order of its rows. Columns are numpy arrays of one entry a row:

    `decision` (None = refused), `route`, `why` (tuples), `score` and `uncertainty` (NaN = none), `version`, `arm`,
    `epoch`, `at`, `request`; `receipts` are sealed on access. `override`: the overrides that held, "" = none.
    `priority` is `batch`: not held to the rate per second that the contract gives each tenant's requests.
    """

    priority = "batch"

    def __init__(
        self,
        mac: Mac,
        shared: Sequence[Shared],
        of: Places,
        score: Floats,
        unsure: Floats,
        ids: Bytes,
        override: str,
    ) -> None:
        self._shared, self._of, self._ids = tuple(shared), of, ids
        told = self._column(lambda one: one.told).astype(bool)
        self.score = np.where(told, score, np.nan)
        self.uncertainty = unsure
        self.receipts = Receipts(mac, self._shared, of, score, ids)
        self.override = override

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, at: int) -> Decision: ...
    @overload
    def __getitem__(self, at: slice) -> list[Decision]: ...
    def __getitem__(self, at: int | slice) -> Decision | list[Decision]:
        if isinstance(at, slice):
            return [self._one(row) for row in range(len(self))[at]]
        return self._one(range(len(self))[at])

    @property
    def decision(self) -> Column:
        """The words that left; None where nothing did."""
        return self._column(lambda one: one.answer.decision or None)

    @property
    def route(self) -> Column:
        """`machine`, `person` or `refused`."""
        return self._column(lambda one: one.answer.route)

    @property
    def why(self) -> Column:
        """The reasons, a tuple a row."""
        return self._column(lambda one: one.answer.why)

    @property
    def version(self) -> Column:
        """The version that answered."""
        return self._column(lambda one: one.version)

    @property
    def arm(self) -> Column:
        """`candidate` or `baseline`."""
        return self._column(lambda one: one.arm)

    @property
    def epoch(self) -> NDArray[np.int64]:
        """The epoch of the state that each row was decided under."""
        return self._column(lambda one: one.epoch).astype(np.int64)

    @property
    def at(self) -> Column:
        """When each row was decided, RFC 3339."""
        return self._column(lambda one: one.at)

    @property
    def request(self) -> Column:
        """The id of each decision."""
        return np.array([*texts(self._ids), None], dtype=object)[:-1]

    @property
    def failed(self) -> Marks:
        """True where no model gave a usable score."""
        return self._column(lambda one: one.answer.failed).astype(bool)

    def columns(self) -> dict[str, Any]:
        """Return everything by name, receipts sealed: what a frame is made of."""
        names = ("decision", "route", "why", "score", "uncertainty", "version", "arm", "epoch", "at", "request")
        return {**{name: getattr(self, name) for name in names}, "receipt": self.receipts.all()}

    def counts(self) -> dict[str, int]:
        """Return how many rows took each route."""
        found: dict[str, int] = {}
        for one, n in zip(self._shared, np.bincount(self._of, minlength=len(self._shared)).tolist(), strict=True):
            if n:
                found[one.answer.route] = found.get(one.answer.route, 0) + n
        return found

    def _column(self, of: Callable[[Shared], object]) -> Column:
        values = np.empty(len(self._shared), dtype=object)
        for at, one in enumerate(self._shared):
            values[at] = of(one)
        return values[self._of]

    def _one(self, row: int) -> Decision:
        one = self._shared[int(self._of[row])]
        score, unsure = float(self.score[row]), float(self.uncertainty[row])
        return Decision(
            decision=one.answer.decision or None,
            route=one.answer.route,
            score=None if np.isnan(score) else score,
            uncertainty=None if np.isnan(unsure) else unsure,
            why=one.answer.why,
            version=one.version,
            arm=one.arm,
            receipt=self.receipts[row],
            request=texts(self._ids[row : row + 1])[0],
            epoch=one.epoch,
            at=one.at,
            override=self.override,
        )
