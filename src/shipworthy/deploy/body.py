"""Request bodies, read strictly.

In: bytes of JSON. Out: typed values, or BadBody with what is wrong. A name given twice is refused, since two readers
would believe two different values; so are NaN, infinities and anything that is not the declared shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from shipworthy.errors import UsageError

Cell = float | int | str | bool | None
_BITS = 63
_LONG_NUMBER = 19  # characters: a shorter body holds no integer beyond 64 bits


class BadBody(UsageError):
    """The body is not what this endpoint takes."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /decide`: one row, column -> value."""

    row: dict[str, Cell]


class LabelIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /labels`: the receipt of a decision and the truth, 0 or 1."""

    receipt: str
    label: int | bool


_asks = msgspec.json.Decoder(Ask)
_labels = msgspec.json.Decoder(LabelIn | list[LabelIn])


def read_ask(body: bytes) -> dict[str, Cell]:
    """Return the row. Raises BadBody."""
    row: dict[str, Cell] = _decoded(_asks, body).row
    if len(body) >= _LONG_NUMBER:
        _check_numbers(row)
    # Every member has one colon outside of text. As many colons as members: no name was given twice.
    if body.count(b":") != len(row) + 1:
        refuse_duplicates(body)
    return row


def _check_numbers(row: dict[str, Cell]) -> None:
    """Refuse integers beyond 64 bits: what travels on could not carry them."""
    for name, cell in row.items():
        if isinstance(cell, int) and cell.bit_length() > _BITS:
            raise BadBody(f"{name!r} has an integer beyond 64 bits", "row", "send it as text")


def read_labels(body: bytes) -> list[LabelIn] | LabelIn:
    """Return one label or a list of them. Raises BadBody; a label is 0 or 1."""
    refuse_duplicates(body)
    labels: list[LabelIn] | LabelIn = _decoded(_labels, body)
    for one in labels if isinstance(labels, list) else [labels]:
        if one.label not in (0, 1):
            raise BadBody(f"a label of {one.label}", "label", "0 or 1")
    return labels


def read_as(decoder: Any, body: bytes) -> Any:  # noqa: ANN401 - the decoder's own type
    """Return the body decoded, with no name given twice in it. Raises BadBody."""
    refuse_duplicates(body)
    return _decoded(decoder, body)


def refuse_duplicates(body: bytes) -> None:
    """Raise BadBody when any object of the body names a member twice, or the body is not JSON."""
    try:
        json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"not JSON: {error}", "body") from error


def _decoded(decoder: Any, body: bytes) -> Any:  # noqa: ANN401
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadBody(f"not what this endpoint takes: {error}", "body") from error


def _once(pairs: Iterable[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise BadBody(f"{name!r} is given twice", "body", "name every member once")
        seen.add(name)


def _no_constant(text: str) -> None:
    raise BadBody(f"{text} is not a number", "body", "leave the value out or send null")
