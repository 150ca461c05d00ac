"""The one strict reader of YAML: what two people could read in two ways is refused.

In: the bytes or text of a contract file. Out: plain values, where each of them stands, and every fault found.

The tree is built from parser *events*, with counters for depth and nodes, by a loop and not by recursion: composing
deeply nested YAML crashes the C parser and exhausts the stack of the Python one. Scalars follow the core schema of YAML
1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): `no`, `on`, `1:30` are text and `010` is ten. Refused: keys written
twice (the last one would win unseen), anchors and aliases (they expand to anything), tags, merge keys, keys that are
not text, numbers that are not finite, more than one document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from shipworthy.contract.problems import Findings, Mark, Path, Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 50_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMERIC = frozenset("+-.0123456789")
_NODE: Any = yaml.NodeEvent
_LARGEST = 1 << 63


class Reading(msgspec.Struct, frozen=True):
    """What a file holds. `marks` says where each value stands; `whole` is False when reading had to stop early."""

    file: str
    value: Any
    marks: Mapping[Path, Mark]
    problems: tuple[Problem, ...]
    whole: bool = True


def read_yaml(source: str | bytes, file: str, first_line: int = 1) -> Reading:
    """Read one YAML document. `first_line` is the line of the file on which `source` begins. Never raises."""
    marks: dict[Path, Mark] = {(): (first_line, 1)}
    found = Findings(file, marks)
    text = readable(source, found)
    if text is None:
        return Reading(file, None, marks, found.problems, whole=False)
    tree = _Tree(found, marks, first_line)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            tree.take(event)
    except _TooMuch as stop:
        found.at(stop.mark[0], str(stop), "split the file or flatten it", column=stop.mark[1])
        return Reading(file, None, marks, found.problems, whole=False)
    except yaml.YAMLError as fault:
        (line, column), told = _told(fault, first_line)
        found.at(line, told, "mend the syntax on or above this line", column=column)
        return Reading(file, None, marks, found.problems, whole=False)
    return Reading(file, tree.root, marks, found.problems)


def readable(source: str | bytes, found: Findings, limit: int = MAX_BYTES) -> str | None:
    """Return the text of a contract file, or None after noting that it is too large or not UTF-8."""
    line = found.mark(())[0]
    try:
        raw = source if isinstance(source, bytes) else source.encode()
        if len(raw) > limit:
            found.at(line, f"larger than {limit} bytes", "a contract file is read by people: make it smaller")
            return None
        return raw.decode()
    except UnicodeError:
        found.at(line, "not UTF-8 text", "save the file as UTF-8")
        return None


def scalar(text: str) -> Any:  # noqa: ANN401
    """Return the value of a plain scalar by the core schema of YAML 1.2. Raises ValueError for numbers not finite.

    >>> [scalar(text) for text in ("no", "1:30", "010", "1e3", "true", "~", "0x10")]
    ['no', '1:30', 10, 1000.0, True, None, 16]
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in _NUMERIC:
        return text
    if _INT.fullmatch(text):
        return _sized(text, 10)
    if _BASED.fullmatch(text):
        return _sized(text[2:], 8 if text[1] == "o" else 16)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _sized(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= 64 else _LARGEST
    if abs(number) >= _LARGEST:
        raise ValueError("a whole number beyond 64 bits")
    return number


class _TooMuch(Exception):
    def __init__(self, what: str, mark: Mark) -> None:
        super().__init__(what)
        self.mark = mark


class _Open:
    """A mapping or sequence whose end has not come yet. `key` is the key that waits for its value."""

    __slots__ = ("key", "path", "values", "waits")

    def __init__(self, values: dict[str, Any] | list[Any], path: Path) -> None:
        self.values = values
        self.path = path
        self.key = ""
        self.waits = False


class _Tree:
    """Builds plain values from events. `skipped` > 0 while inside a value that was refused (a key made of nodes)."""

    def __init__(self, found: Findings, marks: dict[Path, Mark], first_line: int) -> None:
        self.root: Any = None
        self._found = found
        self._marks = marks
        self._above = first_line - 1
        self._open: list[_Open] = []
        self._depth = 0
        self._nodes = 0
        self._documents = 0
        self._skipped = 0

    def take(self, event: Any) -> None:  # noqa: ANN401
        start: Any = event.start_mark
        mark = (start.line + 1 + self._above, start.column + 1)
        if isinstance(event, _NODE):  # nearly all events: this path is kept short
            opens = isinstance(event, yaml.CollectionStartEvent)
            self._count(opens, mark)
            if event.anchor is not None or event.tag is not None:  # an alias has an anchor always, and no tag
                self._refuse_indirection(event, mark)
            self._node(event, mark, opens)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event, mark)

    def _refuse(self, mark: Mark, what: str, fix: str) -> None:
        self._found.at(mark[0], what, fix, column=mark[1])

    def _document(self, event: Any, mark: Mark) -> None:  # noqa: ANN401
        self._documents += 1
        if self._documents == 2:
            self._refuse(mark, "a second document in one file", "keep one document: remove the `---` between them")
        if event.version or event.tags:
            self._refuse(mark, "a % directive", "remove the directive")

    def _count(self, opens: bool, mark: Mark) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooMuch(f"more than {MAX_NODES} values", mark)
        if opens:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _TooMuch(f"nested deeper than {MAX_DEPTH}", mark)

    def _refuse_indirection(self, event: Any, mark: Mark) -> None:  # noqa: ANN401
        if isinstance(event, yaml.AliasEvent):
            self._refuse(mark, f"an alias *{event.anchor}", "write the value itself: a contract is read as it stands")
            return
        if event.anchor is not None:
            self._refuse(mark, f"an anchor &{event.anchor}", "remove the anchor and write values where they are used")
        if event.tag is not None:
            self._refuse(mark, f"a tag {event.tag}", "remove the tag; put a value in quotes to make it text")

    def _node(self, event: Any, mark: Mark, opens: bool) -> None:  # noqa: ANN401
        if self._skipped:
            self._skipped += opens
            return
        inside = self._open[-1] if self._open else None
        if inside is not None and isinstance(inside.values, dict) and not inside.waits:
            self._key(event, inside, mark)
            return
        path = self._path(inside)
        self._marks.setdefault(path, mark)
        value = self._value(event, mark)
        if opens:
            self._open.append(_Open(value, path))
        self._put(inside, value)

    def _key(self, event: Any, inside: _Open, mark: Mark) -> None:  # noqa: ANN401
        inside.waits = True
        inside.key = f"\0{self._nodes}"  # a refused key still takes its value, out of sight
        if not isinstance(event, yaml.ScalarEvent):
            self._skipped = int(isinstance(event, yaml.CollectionStartEvent))
            self._refuse(mark, "a key that is not text", "use a plain word as the key")
            return
        self._marks[(*inside.path, inside.key)] = mark
        if event.implicit[0] and event.value == "<<":
            self._refuse(mark, "a merge key <<", "write the keys out")
        elif not isinstance(self._value(event, mark), str):
            self._refuse(mark, f"the key {event.value} is not text", f'put it in quotes: "{event.value}"')
        elif event.value in inside.values:
            first = self._marks[(*inside.path, event.value)][0]
            self._refuse(mark, f"the key {event.value!r} is written twice", f"keep one; the first is on line {first}")
        else:
            inside.key = event.value
            self._marks[(*inside.path, inside.key)] = mark

    def _value(self, event: Any, mark: Mark) -> Any:  # noqa: ANN401
        if isinstance(event, yaml.ScalarEvent):
            try:
                return scalar(event.value) if event.implicit[0] else event.value
            except ValueError as fault:
                self._refuse(mark, str(fault), "write a finite number, or put text in quotes")
                return None
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        return [] if isinstance(event, yaml.SequenceStartEvent) else None  # None: an alias, refused already

    def _path(self, inside: _Open | None) -> Path:
        if inside is None:
            return ()
        return (*inside.path, inside.key if isinstance(inside.values, dict) else len(inside.values))

    def _put(self, inside: _Open | None, value: Any) -> None:  # noqa: ANN401
        if inside is None:
            self.root = value if self._documents == 1 else self.root
        elif isinstance(inside.values, dict):
            inside.values[inside.key] = value
            inside.waits = False
        else:
            inside.values.append(value)

    def _close(self) -> None:
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
            return
        closed = self._open.pop()
        if isinstance(closed.values, dict):
            for key in [key for key in closed.values if key.startswith("\0")]:
                del closed.values[key]


def _told(fault: yaml.YAMLError, first_line: int) -> tuple[Mark, str]:
    mark = getattr(fault, "problem_mark", None)
    what = getattr(fault, "problem", None) or getattr(fault, "reason", None) or "cannot be read"
    place = (mark.line + first_line, mark.column + 1) if mark else (first_line, 1)
    return place, f"not YAML: {what}"
