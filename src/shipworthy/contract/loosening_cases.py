"""Loosening of the pack: cases that are gone, ask for less, or run on something else.

In: what the lock kept of the pack, and the pack now. Out: rows. Cases are stable: other rows or another generator under
the same id cannot be shown to be as hard as before, so they are a row. A new case never loosens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shipworthy.contract.lock import LockedCase, material
from shipworthy.contract.loosening_policy import looser_target
from shipworthy.contract.pack import SEVERITIES
from shipworthy.facts import Case, Digest, Oracle


def case_rows(old: Iterable[LockedCase], new: Iterable[Case], files: Mapping[str, Digest]) -> Iterator[str]:
    """Yield a row per loosened or removed case. `files` gives the digests of the rows that cases read now."""
    now = {case.id: case for case in new}
    for case in old:
        if case.id not in now:
            yield f"case {case.id}: removed"
            continue
        for row in _case(case, now[case.id], files):
            yield f"case {case.id}: {row}"


def _case(old: LockedCase, new: Case, files: Mapping[str, Digest]) -> Iterator[str]:
    if SEVERITIES.index(new.severity) > SEVERITIES.index(old.severity):
        yield f"severity {old.severity} → {new.severity}"
    for key in ("kind", "clause"):  # what may be overridden, and which clause has a case, hang on these words
        if getattr(old, key) != getattr(new, key):
            yield f"{key} {getattr(old, key)} → {getattr(new, key)}"
    if new.trial and not old.trial:
        yield "trial false → true"
    if new.segment != old.segment:
        yield f"segment {old.segment} → {new.segment}"
    now = material(new, files)
    if now != old.material:
        yield f"runs on something else ({old.material[7:19]} → {now[7:19]})"
    yield from _oracle(old.oracle, new.oracle)


def _oracle(old: Oracle, new: Oracle) -> Iterator[str]:
    for key in ("hits", "among", "metric"):
        before, after = getattr(old, key), getattr(new, key)
        if " ".join(str(before).split()) != " ".join(str(after).split()):
            yield f"{key} {before!r} → {after!r}"
    if looser_target((old.op, old.target), (new.op, new.target)):
        yield f"target {old.op} {old.target:g} → {new.op} {new.target:g}"
    if new.level < old.level:
        yield f"level {old.level:g} → {new.level:g}"
