"""What the pickle walker knows about a value on the stack, without ever making it.

Plain texts, numbers and tuples stand for themselves; everything else is one of the shapes below. Nothing here is
compared or hashed deeply: a hostile pickle can nest one tuple in itself a thousand times over.
"""

from __future__ import annotations

_SHOWN = 7


class Opaque:
    """A value the walker does not follow. It can be stored and passed on, never named or called."""

    __slots__ = ()


OPAQUE = Opaque()


class Ref:
    """A class or function by its full name; `trusted` when the allow-list or the declaration has it."""

    __slots__ = ("name", "trusted")

    def __init__(self, name: str, trusted: bool) -> None:
        self.name = name
        self.trusted = trusted


class Made:
    """What a call of `by` would give; `size` is the item size in bytes once it is a numpy dtype without objects."""

    __slots__ = ("args", "built", "by", "objects", "size")

    def __init__(self, by: str, args: object = OPAQUE) -> None:
        self.by = by
        self.args = args
        self.size: int | None = None
        self.objects = False
        self.built = False


class Bag:
    """A list, set or dict. Of a dict the entries under text keys are kept; `plain` is False once it has others.

    `first` keeps a few items, to show them.
    """

    __slots__ = ("entries", "first", "kind", "plain")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.entries: dict[str, object] = {}
        self.plain = True
        self.first: list[object] = []

    def hold(self, items: list[object]) -> None:
        """Keeps the first few of what is filled in."""
        if len(self.first) < _SHOWN:
            self.first += items[: _SHOWN - len(self.first)]

    def put(self, key: object, value: object) -> None:
        """Stores a dict entry, as the last assignment of the key."""
        if isinstance(key, str):
            self.entries[key] = value
        else:
            self.plain = False
