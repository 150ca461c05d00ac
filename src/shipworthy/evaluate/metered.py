"""A model that is counted, bounded, remembered and asked again: what stands between a case and the model.

In: the model of a bench, a budget, and answers that are known already. Out: a model of the same shape. Whatever goes
wrong in it comes out as one kind of error, so that a case can say so and the next case still runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.evaluate.bench import Answers, Chat, Model
from shipworthy.facts import Conversation, Reply
from shipworthy.profile.rows import Value

SAME = 1e-6
ASKED_AGAIN = 32  # rows of each case
MOST_KEPT = 500_000

Key = tuple[tuple[type, ...], tuple[Value, ...]]
Known = Mapping[Key, tuple[float | None, str | None]]


class ModelFailed(CannotDecide):
    """The model crashed, hung, or gave something that is no answer."""


class Noisy(ModelFailed):
    """The model answers the same row differently."""


class BudgetSpent(CannotDecide):
    """A case wanted more than it may spend."""


class Limit(Protocol):
    """When time is up. `models.deadline.Deadline` is one."""

    def set(self, seconds: float | None) -> None: ...
    def passed(self) -> bool: ...


@dataclass(frozen=True)
class Kept:
    """Answers in the order of the rows."""

    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None


class Metered:
    """A model that counts the rows it is asked and stops at the budget. Raises BudgetSpent and ModelFailed."""

    def __init__(self, model: Model, most: int | None = None, limit: Limit | None = None) -> None:
        self._model, self._most, self._limit = model, most, limit
        self.asked = 0

    def __call__(self, rows: list[list[Value]]) -> Answers:
        self._may(len(rows))
        self.asked += len(rows)
        return answered(self._model, rows)

    def charge(self, rows: int) -> None:
        """Count what is asked past this model: rows whose answers are known already, calls of an assistant."""
        self._may(rows)
        self.asked += rows

    def _may(self, rows: int) -> None:
        if self._limit is not None and self._limit.passed():
            raise BudgetSpent("the seconds it may take were spent before it was done")
        if self._most is not None and self.asked + rows > self._most:
            raise BudgetSpent(f"the {self._most} queries it may ask were spent before it was done")


def metered_chat(chat: Chat, meter: Metered) -> Chat:
    """Return an assistant whose calls count against the same budget as the rows a model is asked."""

    def asked_on(conversations: Sequence[Conversation]) -> Sequence[Reply | None]:
        meter.charge(len(conversations))
        return chat(conversations)

    return asked_on


class Remembering:
    """A model that is asked each distinct row once, in batches; rows that are `known` are not asked at all.

    `known` never changes here, so what one case asks cannot move the last digits of another's answers.
    """

    def __init__(self, model: Model, known: Known | None = None) -> None:
        self._model = model
        self._known: Known = known or {}
        self._own: dict[Key, tuple[float | None, str | None]] = {}

    def __call__(self, rows: list[list[Value]]) -> Answers:
        keys = [key_of(row) for row in rows]
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known and key not in self._own}
        if len(self._own) + len(new) > MOST_KEPT:
            self._own.clear()
            new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known}
        if new:
            self._own.update(asked(self._model, new))
        seen = [self._known[key] if key in self._known else self._own[key] for key in keys]
        decides = any(decision is not None for _, decision in seen)
        return Kept([score for score, _ in seen], [decision for _, decision in seen] if decides else None)

    def ask_again(self) -> None:
        """Ask some of the rows once more, in another order. Raises Noisy when an answer differs."""
        sample = dict(list(self._own.items())[:ASKED_AGAIN])
        check_same(self._model, sample)


def asked(model: Model, rows: Mapping[Key, list[Value]]) -> dict[Key, tuple[float | None, str | None]]:
    """Return what the model answers to these rows, by key. Raises ModelFailed."""
    if not rows:
        return {}
    answers = answered(model, list(rows.values()))
    given = answers.decisions if answers.decisions is not None else [None] * len(rows)
    return dict(zip(rows, zip(answers.scores, given, strict=True), strict=True))


def check_same(model: Model, known: Known) -> None:
    """Ask the rows of `known` again in reverse. Raises Noisy when an answer differs by more than the last digits,
    which a batch may move: a noisy model must not pass for a steady one."""
    if not known:
        return
    keys = list(known)[::-1]
    again = asked(model, {key: list(key[1]) for key in keys})
    if not all(_close(known[key], again[key]) for key in keys):
        what = "the model answers the same row differently"
        raise Noisy(what, fix="fix its seed, or its dependence on the batch")


def answered(model: Model, rows: list[list[Value]]) -> Answers:
    """Return the model's answers. Raises ModelFailed unless there is one a row."""
    try:
        answers = model(rows)
        many, decided = len(answers.scores), answers.decisions
    except ShipworthyError:
        raise
    except Exception as problem:  # the author's model may raise anything
        raise ModelFailed(f"the model raised {type(problem).__name__}: {problem}") from problem
    if many != len(rows) or (decided is not None and len(decided) != many):
        raise ModelFailed(f"{many} answers to {len(rows)} rows", fix="answer every row once")
    return answers


def key_of(row: list[Value]) -> Key:
    """Return the row as a key: 1, 1.0 and True are equal in Python and need not be to a model."""
    return tuple(map(type, row)), tuple(row)


def _close(a: tuple[float | None, str | None], b: tuple[float | None, str | None]) -> bool:
    if a[1] != b[1] or (a[0] is None) != (b[0] is None):
        return False
    return a[0] is None or b[0] is None or abs(a[0] - b[0]) <= SAME or (a[0] != a[0] and b[0] != b[0])
