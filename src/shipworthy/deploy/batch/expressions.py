"""An expression of the contract over columns: what `expr` says of each row, without a step of Python a row.

In: a compiled expression, columns by name. Out: for each row true, false or unknown, and which rows a scalar must be
asked about: where a whole number beyond 2**53 comes in or is made, floats and Python's own numbers part. The tree is
that of `expr.compile_expr`, which has refused all else; the meaning is `expr`'s, and a test holds both side by side.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.deploy.batch.ranks import Floats, Marks, Places
from shipworthy.deploy.batch.table import BOOL, EXACT, Numbers, Stored
from shipworthy.expr import Expression
from shipworthy.profile.columns import Coded

Kinds = NDArray[np.int8]
FALSE, TRUE, UNKNOWN, NUMBER, TEXT = (np.int8(at) for at in range(5))
_CONSTANTS = {"true": TRUE, "false": FALSE}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_EQUALITY = (operator.eq, operator.ne)


class Told(NamedTuple):
    """`kind`: FALSE, TRUE or UNKNOWN a row; `doubt`: rows of which the scalar must be asked."""

    kind: Kinds
    doubt: Marks


class _Seen(NamedTuple):
    """One value a row, or one for all (length 1): its kind; the number where it is one; the word's place where text."""

    kind: Kinds
    number: Floats
    word: Places
    words: Sequence[str]


def evaluate(expression: Expression, n: int, columns: Callable[[str], Stored]) -> Told:
    """Return what the expression says of each of `n` rows. `columns(name)`: the column of a name."""
    return _Over(n, {name: columns(name) for name in expression.names}).told(expression.text)


class _Over:
    """One evaluation."""

    def __init__(self, n: int, columns: Mapping[str, Stored]) -> None:
        self._n = n
        self._columns = columns
        self._doubt = np.zeros(n, dtype=bool)

    def told(self, text: str) -> Told:
        with np.errstate(all="ignore"):
            seen = self._of(ast.parse(text.strip(), mode="eval").body)
        kind = np.broadcast_to(np.where(seen.kind <= TRUE, seen.kind, UNKNOWN), (self._n,))
        return Told(kind.astype(np.int8), self._doubt)

    def _of(self, node: ast.expr) -> _Seen:
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Constant):
            return self._constant(node.value)
        if isinstance(node, ast.BoolOp):
            return _truth(_boolean([self._of(one).kind for one in node.values], isinstance(node.op, ast.Or)))
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BinOp):
            return self._arithmetic(_ARITHMETIC[type(node.op)], self._of(node.left), self._of(node.right))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        raise TypeError(f"{type(node).__name__} is not part of the language")

    def _name(self, name: str) -> _Seen:
        if name in _CONSTANTS:
            return _truth(np.array([_CONSTANTS[name]]))
        column = self._columns[name]
        if isinstance(column, Coded):
            return self._coded(column)
        if column.kind == BOOL:
            return _truth(np.where(np.isnan(column.values), UNKNOWN, column.values == 1.0).astype(np.int8))
        return self._numbers(column)

    def _numbers(self, column: Numbers) -> _Seen:
        known = np.isfinite(column.values)
        return _number(np.where(known, NUMBER, UNKNOWN), np.where(known, column.values, 0.0))

    def _coded(self, column: Coded) -> _Seen:
        """Every distinct cell by itself; texts keep their place among the words."""
        kinds = np.full(len(column.values) + 1, UNKNOWN, dtype=np.int8)
        numbers = np.zeros(len(kinds))
        doubt = np.zeros(len(kinds), dtype=bool)
        words = [""] * len(kinds)
        for at, cell in enumerate(column.values):
            kinds[at], numbers[at], words[at], doubt[at] = _cell(cell)
        if doubt.any():
            self._doubt |= doubt[column.codes]
        return _Seen(kinds[column.codes], numbers[column.codes], column.codes.astype(np.intp), words)

    def _constant(self, value: Any) -> _Seen:  # noqa: ANN401
        kind, number, word, doubt = _cell(value)
        if doubt:
            self._doubt[:] = True
        return _Seen(np.array([kind]), np.array([number]), np.zeros(1, dtype=np.intp), [word])

    def _unary(self, node: ast.UnaryOp) -> _Seen:
        seen = self._of(node.operand)
        if isinstance(node.op, ast.Not):
            return _truth(np.where(seen.kind <= TRUE, TRUE - seen.kind, UNKNOWN).astype(np.int8))
        return _number(np.where(seen.kind == NUMBER, NUMBER, UNKNOWN), -seen.number)

    def _arithmetic(self, apply: Callable[[Any, Any], Any], left: _Seen, right: _Seen) -> _Seen:
        both = (left.kind == NUMBER) & (right.kind == NUMBER)
        if apply is operator.truediv:
            both = both & (right.number != 0.0)
        made = np.where(both, apply(left.number, np.where(both, right.number, 1.0)), 0.0)
        self._doubt |= both & ~((np.abs(made) < EXACT) & (np.abs(left.number) < EXACT) & (np.abs(right.number) < EXACT))
        known = both & np.isfinite(made)
        return _number(np.where(known, NUMBER, UNKNOWN), np.where(known, made, 0.0))

    def _compare(self, node: ast.Compare) -> _Seen:
        left = self._of(node.left)
        told = []
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                told.append(self._membership(left, right, isinstance(op, ast.In)))
                continue
            seen = self._of(right)
            told.append(_comparison(_COMPARE[type(op)], left, seen))
            left = seen
        return _truth(_boolean(told, False))

    def _membership(self, seen: _Seen, node: ast.expr, inside: bool) -> Kinds:
        members = [ast.literal_eval(one) for one in node.elts] if isinstance(node, ast.Tuple | ast.List) else []
        if all(isinstance(one, str) for one in members):
            held = np.array([word in members for word in seen.words], dtype=bool)[seen.word]
            return np.where(seen.kind == TEXT, held == inside, UNKNOWN).astype(np.int8)
        if any(abs(one) >= EXACT for one in members):
            self._doubt[:] = True
        held = np.isin(seen.number, np.array([float(one) if abs(one) < EXACT else math.nan for one in members]))
        return np.where(seen.kind == NUMBER, held == inside, UNKNOWN).astype(np.int8)


def _cell(value: Any) -> tuple[np.int8, float, str, bool]:  # noqa: ANN401
    """(kind, number, text, doubt) of one cell, as `expr` knows it."""
    if isinstance(value, bool):
        return (TRUE if value else FALSE), 0.0, "", False
    if isinstance(value, float):
        return (NUMBER, float(value), "", False) if math.isfinite(value) else (UNKNOWN, 0.0, "", False)
    if isinstance(value, int):
        return (NUMBER, float(value), "", False) if abs(value) < EXACT else (UNKNOWN, 0.0, "", True)
    return (TEXT, 0.0, str.__str__(value), False) if isinstance(value, str) else (UNKNOWN, 0.0, "", False)


def _truth(kind: Kinds) -> _Seen:
    return _Seen(kind, np.zeros(1), np.zeros(1, dtype=np.intp), [""])


def _number(kind: NDArray[Any], number: Floats) -> _Seen:
    return _Seen(kind.astype(np.int8), number, np.zeros(1, dtype=np.intp), [""])


def _boolean(parts: Sequence[Kinds], either: bool) -> Kinds:
    """`or` and `and` of Kleene: one part decides, else one unknown part leaves it unknown."""
    decides = TRUE if either else FALSE
    decided = np.zeros(1, dtype=bool)
    unknown = np.zeros(1, dtype=bool)
    for kind in parts:
        decided = decided | (kind == decides)
        unknown = unknown | (kind > TRUE)
    return np.where(decided, decides, np.where(unknown, UNKNOWN, TRUE - decides)).astype(np.int8)


def _comparison(apply: Callable[[Any, Any], Any], left: _Seen, right: _Seen) -> Kinds:
    told = np.where(
        (left.kind == NUMBER) & (right.kind == NUMBER), apply(left.number, right.number).astype(np.int8), UNKNOWN
    )
    texts = (left.kind == TEXT) & (right.kind == TEXT)
    if texts.any():
        order = {word: at for at, word in enumerate(sorted({*left.words, *right.words}))}
        mine, theirs = (np.array([order[word] for word in one.words])[one.word] for one in (left, right))
        told = np.where(texts, apply(mine, theirs).astype(np.int8), told)
    if apply in _EQUALITY:
        truths = (left.kind <= TRUE) & (right.kind <= TRUE)
        told = np.where(truths, apply(left.kind, right.kind).astype(np.int8), told)
    return told.astype(np.int8)
