"""A call as a person would write it, from what the walker knows: `os.system('id')`.

In: a name and its arguments, literals and shapes. Out: one short text. Depth and width are bounded: a hostile pickle
can nest one tuple in itself a thousand times over.
"""

from __future__ import annotations

from shipworthy.artifact.scan.values import Bag, Made, Ref

_DEEPEST, _WIDEST, _LONGEST = 3, 6, 60


def shown_call(name: str, args: object, fresh: bool = False) -> str:
    """The call of `name`, or of its `__new__` when only that would run."""
    given = args if isinstance(args, tuple) else ("*", args)
    return f"{name}{'.__new__' if fresh else ''}({_list(given, 0)})"


def shown(value: object, depth: int = 0) -> str:
    """One argument. What the walker did not follow is `…`."""
    if isinstance(value, str | bytes):
        text = repr(value[: _LONGEST + 1])
        return text if len(value) <= _LONGEST else repr(value[:_LONGEST]) + "…"
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, Ref):
        return value.name
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Made):
        return f"{value.by}({_list(value.args, depth + 1) if isinstance(value.args, tuple) else '…'})"
    if isinstance(value, tuple):
        return f"({_list(value, depth + 1)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Bag):
        brackets = "[]" if value.kind == "list" else "{}"
        return brackets[0] + _list(tuple(value.first), depth + 1) + brackets[1]
    return "…"


def _list(values: tuple[object, ...], depth: int) -> str:
    more = ", …" if len(values) > _WIDEST else ""
    return ", ".join(shown(one, depth) for one in values[:_WIDEST]) + more
