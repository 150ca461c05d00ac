"""The memory of the pickle machine: its stack, marks, memo and containers, with shapes instead of values.

In: a reader and the opcodes that only move things about. Out: the state they leave, or Broken where CPython would
raise. Mirrors Lib/pickle.py `_Unpickler`.
"""

from __future__ import annotations

from shipworthy.artifact.scan.allowed import ARRAY_WRAPPER, DTYPE
from shipworthy.artifact.scan.findings import Kind
from shipworthy.artifact.scan.opcodes import Broken, Reader
from shipworthy.artifact.scan.values import OPAQUE, Bag, Made, Ref


class Problem:
    """Something found on the way: what, the byte of the opcode, and the class or function it is about."""

    __slots__ = ("at", "kind", "name", "what")

    def __init__(self, kind: Kind, what: str, at: int, name: str) -> None:
        self.kind = kind
        self.what = what
        self.at = at
        self.name = name


class Stack:
    """What a pickle stream has built so far."""

    def __init__(self, blob: bytes, at: int, most_problems: int) -> None:
        self.reader = Reader(blob, at)
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.calls = 0
        self.most_problems = most_problems
        self.problems: dict[tuple[Kind, str], Problem] = {}

    def problem(self, kind: Kind, what: str, name: str = "") -> None:
        """Notes a finding once, where it is first met; a file with very many is unsafe enough."""
        key = (kind, name or what)
        if key not in self.problems and len(self.problems) < self.most_problems:
            self.problems[key] = Problem(kind, what, self.reader.opcode_at, name)

    def pop(self) -> object:
        """The top of the stack above the last mark."""
        if not self.stack:
            raise Broken(Kind.MALFORMED, "the stack is empty", ends=True)
        return self.stack.pop()

    def pop_mark(self) -> list[object]:
        """Everything above the last mark."""
        if not self.below:
            raise Broken(Kind.MALFORMED, "there is no mark", ends=True)
        items, self.stack = self.stack, self.below.pop()
        return items

    def top(self) -> object:
        """The top of the stack, left in place."""
        value = self.pop()
        self.stack.append(value)
        return value

    def mark(self, argument: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop_one(self, argument: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def drop_mark(self, argument: object) -> None:
        self.pop_mark()

    def dup(self, argument: object) -> None:
        self.stack.append(self.top())

    def put(self, argument: object) -> None:
        index, value = _index(argument), self.top()
        self.memo[index] = value
        # CPython allocates the memo up to the index: a large one is an attack on memory.
        if index > len(self.reader.blob):
            self.problem(Kind.MALFORMED, f"the memo index {index} is larger than the file")

    def memoize(self, argument: object) -> None:
        self.memo[len(self.memo)] = self.top()

    def get(self, argument: object) -> None:
        index = _index(argument)
        if index not in self.memo:
            raise Broken(Kind.MALFORMED, f"the memo has nothing at {index}", ends=True)
        self.stack.append(self.memo[index])

    def tuple_n(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def tuple_marked(self, argument: object) -> None:
        items = self.pop_mark()
        self.stack.append(tuple(items))

    def bag(self, kind: str) -> None:
        self.stack.append(Bag(kind))

    def bag_marked(self, kind: str) -> None:
        items = self.pop_mark()
        self.bag(kind)
        self._hold(items)

    def dict_marked(self, argument: object) -> None:
        items = self.pop_mark()
        self.stack.append(Bag("dict"))
        self._set_items(items)

    def append(self, argument: object) -> None:
        item = self.pop()
        self._fills("append", "list")
        self._hold([item])

    def appends(self, kind: str) -> None:
        items = self.pop_mark()
        self._fills("extend" if kind == "list" else "add", kind)
        self._hold(items)

    def _hold(self, items: list[object]) -> None:
        if isinstance(self.stack[-1], Bag):
            self.stack[-1].hold(items)

    def set_item(self, argument: object) -> None:
        value, key = self.pop(), self.pop()
        self._set_items([key, value])

    def set_items(self, argument: object) -> None:
        self._set_items(self.pop_mark())

    def _set_items(self, items: list[object]) -> None:
        if len(items) % 2:
            raise Broken(Kind.MALFORMED, "a key without a value", ends=True)
        target = self._fills("__setitem__", "dict", "list")
        if isinstance(target, Bag):
            for key, value in zip(items[::2], items[1::2], strict=True):
                target.put(key, value)

    def _fills(self, method: str, *kinds: str) -> object:
        """What is being filled. On an object that runs a method of its class, which a trusted class is trusted with."""
        target = self.top()
        if isinstance(target, Made) and target.by not in (ARRAY_WRAPPER, DTYPE):
            self.calls += 1
        elif isinstance(target, Ref | Made):
            raise Broken(Kind.CALL, f"{method} of something that is not a container")
        elif target is not OPAQUE and not (isinstance(target, Bag) and target.kind in kinds):
            raise Broken(Kind.MALFORMED, f"{method} of something without it", ends=True)
        return target


def _index(argument: object) -> int:
    if isinstance(argument, int):
        return argument
    if isinstance(argument, bytes) and argument.isdigit() and len(argument) <= 10:
        return int(argument)
    # Signs, blanks and underscores make numbers for CPython as well, and nobody writes them.
    odd = isinstance(argument, bytes) and not argument.strip(b"0123456789+-_ \t\r\v\f")
    raise Broken(Kind.MALFORMED, "a memo index that is not a number", ends=not odd)
