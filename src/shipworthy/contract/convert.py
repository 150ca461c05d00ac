"""From plain values to the types of the contract, with every fault at its own line.

In: a `Reading` (values and where they stand) and a msgspec type. Out: the typed value, or all the reasons why not:
unknown keys with the nearest known one, missing keys at the line of their parent, values of the wrong type. msgspec
converts first and stops at its first fault; only then is the tree walked, field by field.
"""

from __future__ import annotations

import enum
import types
import typing
from typing import Any, TypeVar

import msgspec

from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean, label
from shipworthy.contract.strict_yaml import Reading

T = TypeVar("T")
_SAID = {
    "object": "a mapping",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}


def convert(reading: Reading, kind: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Return the value as `kind`, or None, with all faults: those of the reading first, then those of the shape."""
    if not reading.whole:
        return None, reading.problems
    value, found = None, Findings(reading.file, reading.marks)
    try:
        value = msgspec.convert(reading.value, kind)
    except msgspec.ValidationError as fault:
        _walk(kind, reading.value, (), found)
        if not found.problems:  # a rule that the walk does not know still is a fault
            found.add((), _plain(str(fault)), "mend the value")
    spoiled = {problem.line for problem in reading.problems}
    shape = tuple(problem for problem in found.problems if problem.line not in spoiled)
    problems = reading.problems + shape
    return (None if problems else value), problems


def _walk(kind: Any, value: Any, path: Path, found: Findings) -> None:  # noqa: ANN401
    kind = _present(kind, value)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        _fields(kind, value, path, found)
    elif origin is tuple and len(args) == 2 and args[1] is Ellipsis and isinstance(value, list):
        for index, item in enumerate(value):
            if found.full:
                return
            _walk(args[0], item, (*path, index), found)
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            _walk(args[1], item, (*path, key), found)
    else:
        _leaf(kind, value, path, found)


def _fields(kind: type[msgspec.Struct], value: dict[str, Any], path: Path, found: Findings) -> None:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for key in value:
        if found.full:
            return
        if key not in known:
            found.add((*path, key), f"unknown key {label((*path, key))}", did_you_mean(key, known))
    for key, field in known.items():
        if key in value:
            _walk(field.type, value[key], (*path, key), found)
        elif field.required:
            found.add(path, f"missing key {label((*path, key))}", f"add `{key}:` here")


def _leaf(kind: Any, value: Any, path: Path, found: Findings) -> None:  # noqa: ANN401
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as fault:
        allowed = _allowed(kind)
        if allowed and isinstance(value, str):
            found.add(path, f"{label(path) or 'the file'}: {value!r} is not allowed", did_you_mean(value, allowed))
        else:
            found.add(path, f"{label(path) or 'the file'}: {_plain(str(fault))}", _advice(kind, value, allowed))


def _present(kind: Any, value: Any) -> Any:  # noqa: ANN401
    """Return the one type that `X | None` stands for when a value is present."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType) and value is not None:
        rest = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _allowed(kind: Any) -> tuple[str, ...]:  # noqa: ANN401
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(member.value) for member in kind)
    return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()


def _plain(told: str) -> str:
    """Put msgspec's message into words: "Expected `str`, got `int`" is "expected text, found a whole number"."""
    told = told.partition(" - at `")[0].replace("Expected", "expected").replace(", got", ", found")
    for word, said in _SAID.items():
        told = told.replace(f"`{word} | null`", said).replace(f"`{word}`", said)
    return told


def _advice(kind: Any, value: Any, allowed: tuple[str, ...]) -> str:  # noqa: ANN401
    if allowed:
        return did_you_mean("", allowed)
    if value is None:
        return "give a value or remove the key"
    if kind is str and isinstance(value, int | float):
        return "put it in quotes to make it text"
    if kind in (int, float) and isinstance(value, str):
        return "write a number, without quotes"
    return "see the reference of this file"
