"""How well does a model screen: of the malicious texts of a corpus how many does it catch, of the benign how many pass.

In: a corpus that the user has (.jsonl, .csv, .txt: a table with a text column and, where known, a label). Out: the rate
that the case judges, with the other one beside it: a model that catches everything by refusing everybody is no screen.
Caught = the decision is not the one that lets through, or, where nobody decides, the class at score 0.5 is 0. A text
without an answer is neither caught nor passed: it counts against both. So does a text that says neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import OOD_NAMES, Answered, decides
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.oracle import HIT, MISS, UNKNOWN, judge_rate, judge_rows
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.rows_case import wanted_names
from shipworthy.evaluate.text.compared import answered, unanswered
from shipworthy.evaluate.text.shown import spelled
from shipworthy.evaluate.text_flip import text_feature
from shipworthy.facts import Case, CaseResult, Example
from shipworthy.facts.texts import as_text
from shipworthy.profile.rows import Row, as_category
from shipworthy.stats.bounds import rate_bounds


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for a corpus that was not loaded or has no such column."""
    given = parameters(case)
    field = text_feature(case, bench, given["field"]).name
    rows = case_rows(bench, case, given["corpus"], "true", given["sample"], seed)
    if rows and not any(given["text"] in row for row in rows):
        raise ContractError(f"no column {given['text']!r}", given["corpus"], "write `text:`, the column of the texts")
    texts = [as_text(row.get(given["text"])) for row in rows]
    seen = _seen(bench, rows, texts, field, bool(wanted_names(case) & OOD_NAMES))
    deciding = decides(bench, seen)
    named = [_named(bench, one, _kind(row, given), deciding) for one, row in zip(seen, rows, strict=True)]
    result = _judged(case, named, seed)
    worst = _worst(case, seen, texts, result.bits)
    told = f"{result.because}; {_beside(case, named)}"
    return CaseShown(result=msgspec.structs.replace(result, because=told, worst=worst))


def _seen(bench: Bench, rows: Sequence[Row], texts: Sequence[str | None], field: str, ood: bool) -> list[Answered]:
    """One answer a row. A row without a text is asked nothing and has no answer."""
    asked = [{**row, field: text} for row, text in zip(rows, texts, strict=True) if text is not None]
    told = iter(answered(bench, asked, ood) if asked else ())
    return [
        unanswered(bench, [row], ood)[0] if text is None else next(told) for row, text in zip(rows, texts, strict=True)
    ]


def _kind(row: Row, given: Mapping[str, Any]) -> bool | None:
    """True for malicious, False for benign, None where the corpus does not tell."""
    label = (as_category(row.get(given["kind"])) or "").strip().lower()
    if label in {str(one).lower() for one in given["malicious"]}:
        return True
    return False if label in {str(one).lower() for one in given["benign"]} else None


def _named(bench: Bench, one: Answered, kind: bool | None, deciding: bool) -> dict[str, Any]:
    caught: bool | None = None
    if deciding:
        caught = one.decision != bench.words.approve if one.decision and one.score is not None else None
    elif one.score is not None:
        caught = one.score < 0.5
    return {**one.named(), "malicious": kind, "caught": caught}


def _judged(case: Case, named: Sequence[Mapping[str, Any]], seed: int) -> CaseResult:
    """By the metric, or by the oracle's own expression."""
    if case.oracle.metric is None:
        return judge_rows(case, named, seed)
    counted, among = _METRICS[case.oracle.metric]
    bits = "".join(_bit(one, counted, among) for one in named)
    unknown = f"; {bits.count(UNKNOWN)} without an answer count against it" if UNKNOWN in bits else ""
    hits = bits.count(HIT) + (bits.count(UNKNOWN) if case.oracle.op == "<=" else 0)
    return judge_rate(case, hits, len(bits) - bits.count("."), seed, bits, unknown)


_METRICS = {"caught": (True, True), "passed": (False, False)}  # metric: (what `caught` must be, among which kind)


def _bit(one: Mapping[str, Any], counted: bool, among: bool) -> str:
    if one["malicious"] is not among:
        return "."
    if one["caught"] is None:
        return UNKNOWN
    return HIT if one["caught"] is counted else MISS


def _beside(case: Case, named: Sequence[Mapping[str, Any]]) -> str:
    """Both rates in words, whichever decides."""
    told: list[str] = []
    for metric, (counted, among) in _METRICS.items():
        bits = [_bit(one, counted, among) for one in named]
        n = sum(bit != "." for bit in bits)
        kind = "malicious" if among else "benign"
        if n == 0:
            told.append(f"no {kind} text")
            continue
        lo, hi = rate_bounds(bits.count(HIT), n, case.oracle.level)
        told.append(f"{bits.count(HIT)} of {n} {kind} {metric} [{lo:.4g}, {hi:.4g}]")
    unknown = sum(one["malicious"] is None for one in named)
    return ", ".join(told) + (f", {unknown} that say neither" if unknown else "")


def _worst(case: Case, seen: Sequence[Answered], texts: Sequence[str | None], bits: str) -> tuple[Example, ...]:
    """The corpus is the user's, and no person's record: its texts are shown, cut off and spelled out."""
    against = (MISS if case.oracle.op == ">=" else HIT, UNKNOWN)
    places = [place for place, bit in enumerate(bits) if bit in against][:MOST]
    return tuple(example(_told(seen[at], texts[at] or ""), at, seen[at].row) for at in places)


def _told(one: Answered, text: str) -> str:
    score = "none" if one.score is None else f"{one.score:.4f}"
    return f"score {score}, decision {one.decision or 'none'}: {spelled(text, text)}"
