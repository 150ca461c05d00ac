"""Does an answer move when somebody writes what attackers write into a text field.

In: rows, the field, classes of payloads. Out: a result over every payload written into rows in turn, judged by the
oracle of the case: `changed` where no answer may move (the field is no feature), `decision` and `route` where it is one
(`hits: "decision == 'approve' and decision_before != 'approve'"`), `payload` for one class alone. What the model gives
no score for, or breaks on, cannot be told and counts against the case.

The payloads are ours and few: they show that nothing plain gets through, and prove nothing about an attacker who looks
for"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.contract.generators.text import PAYLOAD_CLASSES
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.oracle import HIT, OUTSIDE, against, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters, sampled
from shipworthy.evaluate.surface.payloads import PAYLOADS
from shipworthy.evaluate.text.compared import Written, compared
from shipworthy.facts import Case, CaseResult, seed_of
from shipworthy.facts.texts import TEXT, as_text
from shipworthy.profile.rows import Row

PLACES = ("append", "prefix", "replace")


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError for an unknown class or place, or a field that holds no text."""
    given = parameters(case)
    where = f"case {case.id}"
    classes = [str(one) for one in given["classes"]]
    unknown = [one for one in classes if one not in PAYLOAD_CLASSES]
    if unknown or not classes:
        told = f"no class {unknown[0]!r}" if unknown else "no classes"
        raise ContractError(told, where, f"classes: any of {', '.join(PAYLOAD_CLASSES)}")
    if given["place"] not in PLACES or given["each"] < 1:
        raise ContractError("place or each cannot be", where, f"place: one of {', '.join(PLACES)}; each: 1 or more")
    feature = bench.feature(given["field"])
    if feature is not None and feature.type != TEXT:
        raise ContractError(f"{feature.name} is no text", where, "name a text feature, or a column that is no feature")
    rows = case_rows(bench, case, given["dataset"] or bench.held_out, given["where"], given["sample"], seed)
    wanted = given["each"] * sum(len(PAYLOADS[one]) for one in dict.fromkeys(classes))
    drawn = sampled(rows, wanted, seed_of(seed, "rows"))
    written = _written(drawn, given["field"], list(dict.fromkeys(classes)), given["place"], given["each"])
    notes = f"; {len(written)} payloads in {len(drawn)} rows"
    found = compared(case, bench, given["field"], written, seed, given["tolerance"], notes)
    return CaseShown(result=_by_row(case, found, written, len(drawn), seed))


def _by_row(case: Case, found: CaseResult, written: Sequence[Written], rows: int, seed: int) -> CaseResult:
    """Return the result, no pass where the rows, each by its worst payload, would not pass."""
    if found.status != "pass" or len(written) <= rows:
        return found
    order = against(case.oracle)[::-1]  # what cannot be told, what counts against it; then what counts, then the rest
    worst: dict[int, str] = {}
    for one, bit in zip(written, found.bits, strict=True):
        worst[one.at] = max(worst.get(one.at, OUTSIDE), bit, key=lambda sign: (sign in order, sign != OUTSIDE))
    signs = [sign for sign in worst.values() if sign != OUTSIDE]
    bad = sum(sign in order for sign in signs)
    hits = bad if HIT in order else len(signs) - bad
    by_row = judge_rate(case, hits, len(signs), seed)
    if by_row.status == "pass":
        return found
    told = f"{found.because}; several payloads share a row: {len(signs)} rows, each by its worst, do not show it"
    return msgspec.structs.replace(found, status="inconclusive", because=told, needs_n=by_row.needs_n)


def _written(rows: Sequence[Row], field: str, classes: Sequence[str], place: str, each: int) -> list[Written]:
    """Every payload `each` times, the rows taking turns."""
    payloads = [(name, text) for _ in range(each) for name in classes for text in PAYLOADS[name]]
    if not rows:
        return []
    made: list[Written] = []
    for number, (name, text) in enumerate(payloads):
        at = number % len(rows)
        made.append(Written(at, rows[at], _placed(as_text(rows[at].get(field)) or "", text, place), name))
    return made


def _placed(before: str, payload: str, place: str) -> str:
    if place == "replace" or not before:
        return payload
    return f"{payload} {before}" if place == "prefix" else f"{before} {payload}"
