"""The local engine: one evaluation on this machine, without network, each row scored once.

In: what `pack.evaluate_all` takes. Out: the same. Many cases ask about the same held-out rows, so answers are kept for
the length of one evaluation; the model must therefore be a function of its row, which `repeats` below checks on a
sample, because a noisy model would otherwise look deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shipworthy.errors import CannotDecide
from shipworthy.evaluate.bench import Answers, Bench, Model
from shipworthy.evaluate.pack import MOST_QUERIES, Progress, Shown, evaluate_all
from shipworthy.evaluate.run.offline import no_network
from shipworthy.facts import Case, Policy
from shipworthy.profile.rows import Value

MOST_KEPT = 500_000
REPEATED_ROWS = 200
SAME = 1e-6

_Key = tuple[tuple[type, Value], ...]


@dataclass(frozen=True)
class Kept:
    """Answers in the order of the rows."""

    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None


class Remembering:
    """A model that asks the other one about each distinct row once, in batches, as long as there is room."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._kept: dict[_Key, tuple[float | None, str | None]] = {}
        self._decides = False

    def __call__(self, rows: list[list[Value]]) -> Answers:
        keys = [_key(row) for row in rows]
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._kept}
        if len(self._kept) + len(new) > MOST_KEPT:
            self._kept.clear()
            new = dict(zip(keys, rows, strict=True))
        if new:
            self._keep(list(new), self._model(list(new.values())))
        seen = [self._kept[key] for key in keys]
        return Kept([score for score, _ in seen], [decision for _, decision in seen] if self._decides else None)

    def _keep(self, keys: list[_Key], answers: Answers) -> None:
        decisions = answers.decisions
        self._decides = self._decides or decisions is not None
        if len(answers.scores) != len(keys):
            raise CannotDecide(f"{len(answers.scores)} answers to {len(keys)} rows", "model", "answer every row once")
        given = decisions if decisions is not None else [None] * len(keys)
        self._kept.update(zip(keys, zip(answers.scores, given, strict=True), strict=True))


def evaluate_local(
    bench: Bench,
    policy: Policy,
    cases: Sequence[Case],
    most_queries: int = MOST_QUERIES,
    progress: Progress = lambda name: None,
) -> Shown:
    """Run the evaluation here. Raises CannotDecide for a model that answers the same row differently, and
    NetworkRefused when the model or a case reaches for another machine."""
    with no_network():
        check_repeats(bench)
        remembering = replace(bench, model=Remembering(bench.model))
        return evaluate_all(remembering, policy, cases, most_queries, progress)


def check_repeats(bench: Bench) -> None:
    """Ask a sample of held-out rows twice, the second time in another order. Raises CannotDecide when answers differ
    by more than the last digits, which a batch may move."""
    rows = [bench.values(row) for row in bench.rows(bench.held_out)[:REPEATED_ROWS]]
    if not rows:
        return
    first, again = bench.model(rows), bench.model(rows[::-1])
    same = all(_close(a, b) for a, b in zip(first.scores, list(again.scores)[::-1], strict=True))
    if first.decisions is not None and again.decisions is not None:
        same = same and list(first.decisions) == list(again.decisions)[::-1]
    if not same:
        what = "the model answers the same row differently"
        raise CannotDecide(what, "evaluate", "fix its seed, or its dependence on the batch")


def _close(a: float | None, b: float | None) -> bool:
    return (a is None) == (b is None) and (a is None or b is None or abs(a - b) <= SAME)


def _key(row: list[Value]) -> _Key:
    """1, 1.0 and True are equal in Python and need not be to a model."""
    return tuple((type(value), value) for value in row)
