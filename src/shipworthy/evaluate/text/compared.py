"""Answers before and after a text was changed, judged by the oracle of the case.

In: rows with the text that replaces theirs. Out: a result whose names speak of the changed row, with `changed`, `fell`,
`score_before` and `decision_before` beside them and, where given, a name for what was written (`payload`). Where either
score is missing nothing can be told, and that counts against the case: a model that fails on a text is not unmoved. A
request that breaks the model is asked again in halves, so that only the texts that break it have no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from shipworthy.errors import ModelBroke
from shipworthy.evaluate.answered import OOD_NAMES, Answered, answer
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.changes import before_and_after
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.oracle import against, judge_rows
from shipworthy.evaluate.rows_case import wanted_names
from shipworthy.evaluate.text.shown import differing, text_example
from shipworthy.facts import Case, CaseResult, Example
from shipworthy.facts.texts import as_text
from shipworthy.profile.rows import Row


@dataclass(frozen=True, slots=True)
class Written:
    """A row, its place among those of the case, the text written into it, and what kind of text that is."""

    at: int
    row: Row
    text: str
    payload: str = ""


def compared(
    case: Case, bench: Bench, field: str, written: Sequence[Written], seed: int, tolerance: float, notes: str = ""
) -> CaseResult:
    """Return the result over all that was written, with the first five that count against the case."""
    ood = bool(wanted_names(case) & OOD_NAMES)
    unique = {one.at: one.row for one in written}
    before = dict(zip(unique, answer(bench, list(unique.values()), ood), strict=True))
    after = answered(bench, [{**one.row, field: one.text} for one in written], ood)
    named = [
        {**before_and_after(before[one.at], now, tolerance), "payload": one.payload}
        for one, now in zip(written, after, strict=True)
    ]
    result = judge_rows(case, named, seed, hits=case.oracle.metric)
    shown = [(one, before[one.at], now) for one, now in zip(written, after, strict=True)]
    return msgspec.structs.replace(
        result, because=result.because + notes, worst=_worst(case, field, shown, result.bits)
    )


def answered(bench: Bench, rows: Sequence[Row], ood: bool) -> list[Answered]:
    """Return one answer a row; a row that the model does not answer, asked alone, has neither score nor decision."""
    try:
        return list(answer(bench, rows, ood))
    except ModelBroke:  # by one of these texts; a model that is gone or silent is not asked again
        if len(rows) == 1:
            return unanswered(bench, rows, ood)
    half = len(rows) // 2
    return answered(bench, rows[:half], ood) + answered(bench, rows[half:], ood)


def unanswered(bench: Bench, rows: Sequence[Row], ood: bool) -> list[Answered]:
    """Return the rows as ones that the model gave no score for."""
    return list(answer(replace(bench, model=_silent), rows, ood))


@dataclass(frozen=True)
class _Nothing:
    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None = None


def _silent(rows: list[list[Any]]) -> _Nothing:
    return _Nothing([None] * len(rows))


def _worst(
    case: Case, field: str, shown: Sequence[tuple[Written, Answered, Answered]], bits: str
) -> tuple[Example, ...]:
    places = [place for place, bit in enumerate(bits) if bit in against(case.oracle)][:MOST]
    return tuple(_example(field, *shown[place]) for place in places)


def _example(field: str, one: Written, before: Answered, after: Answered) -> Example:
    told = f"score {_score(before)} -> {_score(after)}, decision {after.decision or 'none'}"
    if one.payload:
        told = f"{one.payload}: {told}"
    text = as_text(one.row.get(field)) or ""
    return text_example(told, one.at, one.row, field, differing(text, one.text))


def _score(one: Answered) -> str:
    return "none" if one.score is None else f"{one.score:.4f}"
