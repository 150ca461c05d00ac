"""How a model is opened, and how a row becomes the values the model takes.

In: what the manifest says of the adapter and the features. Out: `OpenSpec` (travels to the child as JSON), columns
(name, type) in model order, and row values in that order. Stands alone: a child process loads this and little more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol

import msgspec

from shipworthy.errors import ContractError
from shipworthy.facts import Fact
from shipworthy.facts.texts import TEXT, as_text

Cell = float | int | str | bool | None
Row = Mapping[str, Cell]
Columns = tuple[tuple[str, str], ...]  # (feature name, its type in the manifest), in the order the model takes

DEFAULT_MEMORY_BYTES = 4 << 30
ENCODING_FILE = "encoding.json"
ENCODING_ENTRY = '{"values": {"a": 0, "b": 1}, "unseen": null, "missing": null}'
"""What one category looks like in it."""


class OpenSpec(Fact, frozen=True, kw_only=True):
    """How to open the model in an artefact folder. File names are relative to that folder."""

    kind: Literal["sklearn", "python"]
    file: str = "model.skops"
    encoding: str | None = None
    entry: str | None = None


class ChildSpec(Fact, frozen=True, kw_only=True):
    """The first line a model process reads on its standard input.

    `listen`: the file descriptor of a listening socket that was made for it, None = it makes its own. `offline`: it
    refuses to talk to any other machine.
    """

    open: OpenSpec
    columns: Columns
    host: str = "127.0.0.1"
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    listen: int | None = None
    offline: bool = False


class ScoreBody(msgspec.Struct, frozen=True):
    """`{"scores": [...], "decisions": [...] | null}`: one score (None = no score) and at most one decision a row."""

    scores: list[float | None]
    decisions: list[str | None] | None = None


class AdapterLike(Protocol):
    """What the manifest's adapter shows."""

    @property
    def kind(self) -> Literal["sklearn", "python"]: ...
    @property
    def file(self) -> str: ...
    @property
    def encoding(self) -> str | None: ...
    @property
    def entry(self) -> str | None: ...


class FeatureLike(Protocol):
    """What the manifest's feature shows."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


def open_spec(adapter: AdapterLike) -> OpenSpec:
    """Return the spec of a manifest adapter."""
    return OpenSpec(kind=adapter.kind, file=adapter.file, encoding=adapter.encoding, entry=adapter.entry)


def columns_of(features: Iterable[FeatureLike]) -> Columns:
    """Return (name, type) of the features in model order. Raises ContractError when there is none or one twice."""
    columns = tuple((feature.name, feature.type) for feature in features)
    if not columns or len({name for name, _ in columns}) != len(columns):
        raise ContractError("the model needs at least one feature, each named once", "shipworthy.yaml", "fix features:")
    return columns


def values_of(row: Row, columns: Columns) -> list[Cell]:
    """Return the row's values in model order: text for categories (numbers are spelled out), a text as it was sent,
    None where missing."""
    values: list[Cell] = []
    for name, kind in columns:
        cell = row.get(name)
        if kind == TEXT:
            cell = as_text(cell)
        elif cell == "":
            cell = None  # what some senders write for an empty cell
        elif kind == "category" and cell is not None and not isinstance(cell, str):
            cell = text_of(cell)
        values.append(cell)
    return values


def taker_of(columns: Columns) -> Callable[[Row], list[Cell]]:
    """Return `values_of` for these columns, which costs a third of it where a row is as it should be."""
    names = [name for name, _ in columns]
    texts = [place for place, (_, kind) in enumerate(columns) if kind == TEXT]
    categories = [place for place, (_, kind) in enumerate(columns) if kind == "category"]

    def take(row: Row) -> list[Cell]:
        get = row.get
        values: list[Cell] = [get(name) for name in names]
        if texts or "" in values:
            return values_of(row, columns)
        for place in categories:
            cell = values[place]
            if cell is not None and not isinstance(cell, str):
                values[place] = text_of(cell)
        return values

    return take


def text_of(cell: float | int | bool) -> str:
    """Spell a number as a category: `1`, `1.0` and true are all `1`.

    >>> text_of(3.0), text_of(2.5), text_of(True)
    ('3', '2.5', '1')
    """
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(int(cell))
