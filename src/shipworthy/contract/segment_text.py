"""Segments as people write them: canonical text, or a mapping of keys to values (DECISIONS §4).

In: the plain values of a contract file. Out: the same values with every segment as canonical text, so that the types
hold text only; a key that the manifest does not declare is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shipworthy.contract.problems import Findings, Path, did_you_mean, label
from shipworthy.contract.strict_yaml import Reading
from shipworthy.facts import RESERVED, canonical_segment, parse_segment

KeyValues = Mapping[str, frozenset[str] | None]
"""Segment keys with the values they can have; None = any."""


def segment_text(value: Any) -> str:  # noqa: ANN401
    """Return the canonical text. Raises ValueError when the value is neither canonical text nor a proper mapping.

    >>> segment_text({"supplier": ["P73", "P42"]})
    'supplier=P42,P73'
    """
    if isinstance(value, str):
        parse_segment(value)
        return value
    if not isinstance(value, dict):
        raise ValueError("a segment is text such as 'supplier=P42' or a mapping of keys to values")
    return canonical_segment({key: _texts(key, values) for key, values in value.items()})


def write_segments(reading: Reading, places: Iterable[Path]) -> Reading:
    """Return the reading with the segments at `places` as canonical text. `*` in a path stands for each item."""
    found = Findings(reading.file, reading.marks)
    value = reading.value
    for place in places:
        value = _rewrite(value, place, (), found)
    if not found.problems:
        return Reading(reading.file, value, reading.marks, reading.problems, reading.whole)
    return Reading(reading.file, value, reading.marks, reading.problems + found.problems, reading.whole)


def unknown_keys(segment: str, known: KeyValues, path: Path, found: Findings) -> None:
    """Note every key of a segment that the manifest does not declare, and every value that such a key cannot have: a
    limit over a segment that nothing lies in limits nothing. `tenant` is always known."""
    for key, values in sorted(parse_segment(segment).items()):
        if key not in known and key != "tenant":
            found.add(path, f"{label(path)}: unknown segment key {key!r}", did_you_mean(key, {*known, "tenant"}))
        possible = known.get(key)
        for value in sorted(values - RESERVED - possible if possible is not None else ()):
            found.add(path, f"{label(path)}: {key} is never {value!r}", did_you_mean(value, possible or ()))


def _rewrite(value: Any, place: Path, path: Path, found: Findings) -> Any:  # noqa: ANN401
    if not place:
        return _canonical(value, path, found)
    head, rest = place[0], place[1:]
    if head == "*" and isinstance(value, list):
        return [_rewrite(item, rest, (*path, index), found) for index, item in enumerate(value)]
    if isinstance(value, dict) and head in value:
        return {key: _rewrite(item, rest, (*path, key), found) if key == head else item for key, item in value.items()}
    return value


def _canonical(value: Any, path: Path, found: Findings) -> Any:  # noqa: ANN401
    try:
        return segment_text(value)
    except ValueError as fault:
        found.add(path, f"{label(path)}: {fault}", "write key=value, sorted, or a mapping such as {supplier: [P42]}")
        return "*"


def _texts(key: str, values: Any) -> tuple[str, ...]:  # noqa: ANN401
    listed = values if isinstance(values, list) else [values]
    if any(isinstance(item, bool) or not isinstance(item, str | int) for item in listed):
        raise ValueError(f"values of {key!r} must be text or whole numbers")
    return tuple(dict.fromkeys(str(item) for item in listed))
