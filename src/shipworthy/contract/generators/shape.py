"""How a generator of the robustness pack is called: its name, its parameters, what may be counted of what it makes.

`check` reads these tables without loading a model, a number or the evaluator itself; the evaluator takes its defaults
from the same place, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

ENTRY_POINTS = "shipworthy.evaluators"
"""The entry point group under which another package brings an evaluator."""
REQUIRED: Any = object()
"""The default of a parameter that a case must write."""

NO_ROWS = "none"
"""What a case writes for rows that it has not got, where its generator can do without (`Shape.without`)."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One generator.

    `does`: one sentence for the reference pages. `parameters`: name → default (`REQUIRED` = must be written; a tuple
    stands for a list; None for anything). `rows`: the parameters that name a dataset or a `.csv` file. `metrics`: what
    an oracle with `metric:` may count or judge. `names`: what an oracle's `hits` and `among` may use beside the columns
    of a row and the answer's names. `asks`: False when it looks at rows or files alone, so that it runs also where the
    model does not answer. `shares`: those metrics that are a share of rows with exact bounds. `most`: the parameter
    that caps how many rows of `dataset` count, each at most once; None = cannot be told before it runs. `named_by`: a
    parameter that is a mapping → the beginning of a further name for each of its keys. `chats`: it asks the assistant.
    `without`: the row parameters that may be `none`. `one_of`: parameters of which a case writes exactly one.
    `floors`: how far from its default a parameter may be where the case speaks for an SLO: `least` (no lower),
    `exactly`, or the name of a data set of the bench (`train`, `held_out`): a milder question measures nothing for it.
    """

    name: str
    does: str
    parameters: Mapping[str, Any]
    rows: tuple[str, ...] = ("dataset",)
    metrics: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    asks: bool = True
    shares: tuple[str, ...] = ()
    most: str | None = None
    named_by: Mapping[str, str] = {}
    chats: bool = False
    without: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    floors: Mapping[str, str] = {}


def names_of(given: Mapping[str, Any], shape: Shape) -> tuple[str, ...]:
    """Return every name that an oracle may use of this call of a generator."""
    keyed = ((start, given.get(key)) for key, start in shape.named_by.items())
    return (*shape.names, *(f"{start}{key}" for start, keys in keyed if isinstance(keys, Mapping) for key in keys))


def fault_of(given: Mapping[str, Any], shape: Shape) -> tuple[str, str, str] | None:
    """Return (key, what, fix) of the first parameter that the shape does not take so, None when all are fine.

    A whole number is as good as a fraction where the default is one; true and false are numbers nowhere.
    """
    for key, value in given.items():
        if key == "name":
            continue
        if key not in shape.parameters:
            return key, f"unknown parameter {key!r}", f"known: {', '.join(shape.parameters) or 'none'}"
        default = shape.parameters[key]
        if not _alike(value, default):
            return key, f"{key}: {value!r} is of the wrong type", f"such as {_shown(default)}"
    for key, default in shape.parameters.items():
        if default is REQUIRED and key not in given:
            return key, f"{key} is missing", f"write `{key}:` under `generator:`"
    written = [key for key in shape.one_of if key in given]
    if shape.one_of and len(written) != 1:
        told = f"{' and '.join(written)} together" if written else f"none of {', '.join(shape.one_of)}"
        return (written or ["name"])[-1], told, f"write exactly one of {', '.join(shape.one_of)}"
    return None


def _shown(default: Any) -> str:  # noqa: ANN401
    if default == ():
        return "a list: [one, two]"
    return repr(list(default)) if isinstance(default, tuple) else repr(default)


def _alike(value: Any, default: Any) -> bool:  # noqa: ANN401
    if default is REQUIRED or default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple)
    if isinstance(default, Mapping):
        return isinstance(value, Mapping)
    return isinstance(value, type(default))
