"""A case that names its rows: an incident, a tail, a group that must not be harmed.

In: `input: {rows: <dataset or file>, where: <filter>}` and a rate oracle over the answers. Out: the share of `hits`
among `among` with exact bounds, one outcome bit per row, and up to five of the rows that count against the case.
Cases count rows as the contract writes them; the design effect of clustered rows enters measurements, not cases.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import OOD_NAMES, Answered, answer
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.columns import Ints, Table, table_of
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.oracle import against, judge_codes, judge_rows
from shipworthy.evaluate.parameters import case_rows
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, CaseResult, Example
from shipworthy.profile.rows import Row

_KEYS = frozenset({"rows", "where"})


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError on rows nobody loaded and ExprError on an expression nobody can read."""
    given = case.input or {}
    unknown = sorted(set(given) - _KEYS)
    if unknown or "rows" not in given:
        told = f"unknown key {unknown[0]!r} under input" if unknown else "input names no rows"
        raise ContractError(told, f"case {case.id}", "write `input: {rows: <dataset or file>, where: <filter>}`")
    if bench.charge is None or bench.known is None:
        rows = case_rows(bench, case, given["rows"], given.get("where", "true"), None, seed)
        return CaseShown(result=judged(case, bench, rows, seed))
    table = table_of(bench, given["rows"])
    places = table.places(bench, given.get("where", "true"), case.segment)
    bench.charge(len(places))
    return CaseShown(result=_judged_at(case, bench, table, places, seed))


def judged(case: Case, bench: Bench, rows: Sequence[Row], seed: int) -> CaseResult:
    """Return the result of the case's oracle over the model's answers to `rows`."""
    seen = answer(bench, rows, with_ood=bool(wanted_names(case) & OOD_NAMES))
    shown = judge_rows(case, [one.named() for one in seen], seed)
    return msgspec.structs.replace(shown, worst=worst(case, seen, shown.bits))


def wanted_names(case: Case) -> frozenset[str]:
    """Return the names that the case's oracle reads."""
    texts = [text for text in (case.oracle.hits, case.oracle.among) if text is not None]
    return frozenset(name for text in texts for name in compile_expr(text).names)


def _judged_at(case: Case, bench: Bench, table: Table, places: Ints, seed: int) -> CaseResult:
    """The same over rows of a data set whose answers are known: each row is answered once for all cases."""
    oracle = case.oracle
    if oracle.hits is None:
        raise ContractError("the oracle says not what is counted", f"case {case.id}", "write `hits:`")
    inside, counted = (table.told(bench, compile_expr(text))[places] for text in (oracle.among, oracle.hits))
    shown = judge_codes(case, inside, counted, seed)
    found = _against(case, shown.bits)
    answers = table.answers(bench, bool(wanted_names(case) & OOD_NAMES)) if found else ()
    told = tuple(example(_told(answers[at]), place, answers[at].row) for place in found for at in (int(places[place]),))
    return msgspec.structs.replace(shown, worst=told)


def worst(case: Case, seen: Sequence[Answered], bits: str) -> tuple[Example, ...]:
    """Return the first rows whose outcome counts against the case, by their place: no raw value leaves here."""
    return tuple(example(_told(seen[place]), place, seen[place].row) for place in _against(case, bits))


def _against(case: Case, bits: str) -> list[int]:
    return [place for place, bit in enumerate(bits) if bit in against(case.oracle)][:MOST]


def _told(one: Answered) -> str:
    score = "none" if one.score is None else f"{one.score:.4f}"
    return f"score {score}, decision {one.decision or 'none'}, label {'none' if one.label is None else one.label}"
