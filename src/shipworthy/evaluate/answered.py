"""Rows with the model's answer to each: what every evaluator counts over.

In: rows. Out: per row its label, score, decision, route, uncertainty, out-of-distribution flag and threshold bucket,
decided by the same release thresholds the runtime uses, or by the model itself where it decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipworthy.evaluate.bench import Bench
from shipworthy.facts import UNSEEN, parse_segment
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import Row, as_number
from shipworthy.profile.score import OodScore
from shipworthy.profile.thresholds import Choice, decide

MACHINE = "machine"
PERSON = "person"
OOD_NAMES = frozenset({"ood", "ood_flag", "ood_p", "ood_view"})
ANSWER_NAMES = frozenset({"label", "score", "decision", "route", "uncertainty", "bucket"}) | OOD_NAMES


@dataclass(frozen=True, slots=True)
class Answered:
    """One row with its answer. `label` is 0, 1 or None; `decision` is "" when nothing can decide."""

    row: Row
    label: int | None
    score: float | None
    decision: str
    route: str
    uncertainty: float | None
    bucket: str
    ood: OodScore | None

    def named(self) -> Mapping[str, Any]:
        """Return the row's own columns with the answer's names laid over them, for expressions."""
        return {**self.row, **{name: told(self) for name, told in _TOLD.items()}}

    def told(self, name: str) -> float | int | str | bool | None:
        """Return what the answer says under one of ANSWER_NAMES."""
        return _TOLD[name](self)


_TOLD: dict[str, Callable[[Answered], float | int | str | bool | None]] = {
    "label": lambda one: one.label,
    "score": lambda one: one.score,
    "decision": lambda one: one.decision or None,
    "route": lambda one: one.route or None,
    "uncertainty": lambda one: one.uncertainty,
    "bucket": lambda one: one.bucket,
    "ood": lambda one: None if one.ood is None else one.ood.flag,
    "ood_flag": lambda one: None if one.ood is None else one.ood.flag,
    "ood_p": lambda one: None if one.ood is None else one.ood.p,
    "ood_view": lambda one: None if one.ood is None else one.ood.view,
}


def answer(bench: Bench, rows: Sequence[Row], with_ood: bool = False) -> tuple[Answered, ...]:
    """Return the rows with the model's answers; `with_ood` asks the profile as well (about 10 us a row)."""
    scores, decisions = bench.ask(rows)
    own = decisions or [None] * len(rows)
    return tuple(
        _answered(bench, row, score, decision, with_ood) for row, score, decision in zip(rows, scores, own, strict=True)
    )


def label_of(bench: Bench, row: Row) -> int | None:
    """Return the truth, 0 or 1, or None when the row has none that can be read."""
    number = as_number(row.get(bench.label))
    return int(number) if number in (0.0, 1.0) else None


def in_segment(bench: Bench, row: Row, segment: str) -> bool:
    """True when the row lies in the segment. `__unseen__` holds for a category that neither model nor contract knows;
    a column the row lacks is never inside."""
    return all(key in row and bool(values & _groups(bench, row, key)) for key, values in parse_segment(segment).items())


def selected(bench: Bench, answered: Sequence[Answered], segment: str) -> tuple[Answered, ...]:
    """Return the answers whose rows lie in the segment."""
    if segment == "*":
        return tuple(answered)
    return tuple(one for one in answered if in_segment(bench, one.row, segment))


def decides(bench: Bench, answered: Sequence[Answered]) -> bool:
    """True when somebody decides: the model itself, or the release's thresholds."""
    return bench.thresholds is not None or any(one.decision for one in answered)


def wrong_by_half(one: Answered) -> bool:
    """True when the class at score 0.5 is not the label; no score is wrong."""
    return one.score is None or (one.score >= 0.5) != (one.label == 1)


def wrong_alone(bench: Bench, one: Answered) -> bool:
    """True when a machine's decision contradicts the label: denied a 1, approved a 0, or a word nobody declared."""
    right = bench.words.approve if one.label == 1 else bench.words.deny
    return one.decision != right


def _groups(bench: Bench, row: Row, key: str) -> frozenset[str]:
    value = row.get(key)
    seen = group_of(bench.feature(key), value)
    unseen = bench.scorer is not None and key in bench.scorer.unseen(row)
    return frozenset({seen, UNSEEN}) if unseen else frozenset({seen})


def _answered(bench: Bench, row: Row, score: float | None, own: str | None, with_ood: bool) -> Answered:
    choice = _choice(bench, row, score, own)
    ood = bench.scorer.score(row) if with_ood and bench.scorer is not None else None
    return Answered(
        row=row,
        label=label_of(bench, row),
        score=score,
        decision=choice.decision,
        route=choice.route,
        uncertainty=choice.uncertainty,
        bucket=choice.bucket,
        ood=ood,
    )


def _choice(bench: Bench, row: Row, score: float | None, own: str | None) -> Choice:
    unknown = bench.scorer.bucket(row) if bench.scorer is not None else ()
    if bench.thresholds is not None:
        choice = decide(bench.thresholds, score, bench.thresholds.bucket_of(unknown))
        if own is None:
            return choice
        return Choice(
            decision=own,
            route=PERSON if own == bench.words.review else MACHINE,
            uncertainty=choice.uncertainty,
            bucket=choice.bucket,
            why="the model decided",
        )
    if own is None:
        return Choice(decision="", route="", uncertainty=None, bucket="*", why="nobody decides")
    route = PERSON if own == bench.words.review else MACHINE
    return Choice(decision=own, route=route, uncertainty=None, bucket="*", why="the model decided")
