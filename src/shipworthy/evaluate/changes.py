"""Rows before and after a change, answered and judged together: what every generator that changes rows ends with.

In: a case and its changes. Out: a result over rows. The names of an answered row speak of the changed one; beside them
stand `changed`, `fell`, `score_before` and `decision_before`. Rows before are asked only if the oracle speaks of them.
`changed` and `fell` cannot be told where a score is missing on either side, and then count against the case.

Several changes of one row are one outcome, the worst of them: n counts rows, which are independent; changes of one row
are not. Of several parts (each feature in turn) the worst decides: the case passes if every part does; it fails if one
does at a level that the parts share (Bonferroni), because that one was picked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shipworthy.contract.generators.tabular import SAME
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import OOD_NAMES, Answered, answer
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.oracle import OUTSIDE, against, judge_rows, verdict
from shipworthy.evaluate.rows_case import wanted_names
from shipworthy.facts import Case, CaseResult, Example
from shipworthy.profile.rows import Row
from shipworthy.stats.bounds import rate_bounds

BEFORE = frozenset({"changed", "fell", "fell_short", "score_before", "decision_before"})
PARTS_TOLD = 6
Named = Mapping[str, Any]
Name = Callable[[Answered, Answered], Named]


@dataclass(frozen=True, slots=True)
class Change:
    """A row and what became of it. `at` = the place of the row among those of the case, before any was left out."""

    at: int
    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class _Seen:
    change: Change
    before: Answered | None
    after: Answered


def compared(
    case: Case,
    bench: Bench,
    changes: Sequence[Change],
    seed: int,
    tolerance: float = SAME,
    notes: str = "",
    name: Name | None = None,
) -> CaseResult:
    """Return the result over the rows of the changes. `name` gives further names from the two answers."""
    if not 0.0 <= tolerance < 0.5:
        raise ContractError("tolerance: at least 0, below 0.5", f"case {case.id}", "a score moves between 0 and 1")
    ((_, seen),) = _answered(case, bench, {"": changes})
    return _judged(case, seen, seed, tolerance, notes, name)


def judged_parts(
    case: Case, bench: Bench, parts: Mapping[str, Sequence[Change]], seed: int, notes: str = ""
) -> CaseResult:
    """Return the result of the worst part, all of them named in `because`, the bits of all in their order."""
    if not parts:
        return compared(case, bench, (), seed, notes=notes)
    shown = [(name, _judged(case, seen, seed, SAME, "", None)) for name, seen in _answered(case, bench, parts)]
    if len(shown) == 1:
        return told(shown[0][1], f"; {shown[0][0]}{notes}")
    return _worst_of(case, shown, notes)


def possible(bench: Bench, changes: Sequence[Change]) -> tuple[list[Change], str]:
    """Return the changes whose result keeps every relation that the row kept, and how many were left out, in words. A
    relation that can no longer be told is not kept."""
    kept = [
        change
        for change in changes
        if all(relation(change.after) is True or relation(change.before) is not True for relation in bench.relations)
    ]
    left = len(changes) - len(kept)
    return kept, f"; {left} of {len(changes)} made break a relation and were left out" if left else ""


def told(result: CaseResult, more: str) -> CaseResult:
    """Return the result with more words at the end of its reason."""
    return msgspec.structs.replace(result, because=result.because + more)


def _answered(case: Case, bench: Bench, parts: Mapping[str, Sequence[Change]]) -> list[tuple[str, list[_Seen]]]:
    """Ask all parts in one batch: the changed rows, and each row before at most once."""
    names = wanted_names(case)
    ood = bool(names & OOD_NAMES)
    every = [change for changes in parts.values() for change in changes]
    after = iter(answer(bench, [change.after for change in every], ood))
    before: dict[int, Answered] = {}
    if names & BEFORE or case.oracle.metric is not None:
        unique = {id(change.before): change.before for change in every}
        before = dict(zip(unique, answer(bench, list(unique.values()), ood), strict=True))
    return [
        (name, [_Seen(change, before.get(id(change.before)), next(after)) for change in changes])
        for name, changes in parts.items()
    ]


def _judged(
    case: Case, seen: Sequence[_Seen], seed: int, tolerance: float, notes: str, name: Name | None
) -> CaseResult:
    rows: dict[int, list[tuple[_Seen, Named]]] = {}
    for one in seen:
        rows.setdefault(one.change.at, []).append((one, _named(one, tolerance, name)))
    kept = [_worst_change(case, rows[at]) for at in sorted(rows)]
    result = judge_rows(case, [named for _, named in kept], seed, hits=case.oracle.metric)
    worst = _examples(case, [one for one, _ in kept], result.bits)
    return told(msgspec.structs.replace(result, worst=worst), notes)


def _worst_change(case: Case, several: list[tuple[_Seen, Named]]) -> tuple[_Seen, Named]:
    """The first change that counts against the case, else one that counts at all."""
    if len(several) == 1:
        return several[0]
    bits = judge_rows(case, [named for _, named in several], 0, hits=case.oracle.metric).bits
    places = [at for at, bit in enumerate(bits) if bit in against(case.oracle)]
    places += [at for at, bit in enumerate(bits) if bit != OUTSIDE]
    return several[places[0] if places else 0]


def _named(one: _Seen, tolerance: float, name: Name | None) -> Named:
    if one.before is None:
        return one.after.named()
    told = before_and_after(one.before, one.after, tolerance)
    return {**told, **name(one.before, one.after)} if name else told


def before_and_after(before: Answered, after: Answered, tolerance: float) -> dict[str, Any]:
    """Return the names of the changed row with `changed`, `fell`, `score_before` and `decision_before` beside them;
    where either score is missing the first two cannot be told."""
    moved: bool | None = None
    fell: bool | None = None
    if before.score is not None and after.score is not None:
        step = after.score - before.score
        moved = abs(step) > tolerance or before.decision != after.decision or before.route != after.route
        fell = step < -tolerance
    return {
        **after.named(),
        "changed": moved,
        "fell": fell,
        "score_before": before.score,
        "decision_before": before.decision or None,
    }


def _examples(case: Case, kept: Sequence[_Seen], bits: str) -> tuple[Example, ...]:
    places = [place for place, bit in enumerate(bits) if bit in against(case.oracle)][:MOST]
    return tuple(
        example(_moved(one), one.change.at, one.change.before, one.change.after)
        for one in (kept[place] for place in places)
    )


def _moved(one: _Seen) -> str:
    now = f"{_score(one.after)}, decision {one.after.decision or 'none'}"
    return f"score {now}" if one.before is None else f"score {_score(one.before)} -> {now}"


def _score(one: Answered) -> str:
    return "none" if one.score is None else f"{one.score:.4f}"


def _worst_of(case: Case, shown: Sequence[tuple[str, CaseResult]], notes: str) -> CaseResult:
    failing = [one for one in shown if _fails(case, one[1], len(shown))]
    unproven = [one for one in shown if one[1].status != "pass"]
    name, worst = max(failing or unproven or shown, key=lambda one: _badness(case, one[1]))
    status = "fail" if failing else "inconclusive" if unproven else "pass"
    hedge = "; no failure at the level that the parts share" if status != "fail" and worst.status == "fail" else ""
    rest = [f"{part} {one.hits or 0}/{one.n}" for part, one in shown if part != name]
    more = f" and {len(rest) - PARTS_TOLD} more" if len(rest) > PARTS_TOLD else ""
    because = (
        f"{worst.because}; worst of {len(shown)} parts: {name}{hedge}; {', '.join(rest[:PARTS_TOLD])}{more}{notes}"
    )
    return msgspec.structs.replace(worst, status=status, because=because, bits="".join(one.bits for _, one in shown))


def _fails(case: Case, one: CaseResult, parts: int) -> bool:
    """True when the part fails at its share of the level."""
    if one.status != "fail" or one.hits is None or one.value is None or case.oracle.op == "==":
        return one.status == "fail"
    shared = 1.0 - (1.0 - case.oracle.level) / parts
    return verdict(case.oracle, one.value, *rate_bounds(one.hits, one.n, shared)) == "fail"


def _badness(case: Case, one: CaseResult) -> tuple[bool, float]:
    """A part without a row is the worst of all; then the bound that the target is held against."""
    if one.value is None or one.lo is None or one.hi is None:
        return True, 0.0
    if case.oracle.op == "==":
        return False, abs(one.value - case.oracle.target)
    return False, -one.lo if case.oracle.op == ">=" else one.hi
