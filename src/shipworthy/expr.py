"""The one small expression language of the contract: closed, three-valued, without side effects.

In: text such as `decision == 'auto_deny' and uncertainty > 0.30`. Out: a closure from named values to true, false or
unknown. A missing field, None, NaN or a value of the wrong type is unknown; unknown never counts as safe, and never
turns true by a trick: `not unknown` is unknown, `unknown and false` is false, `unknown or true` is true (Kleene).
Used for never events, row oracles, dataset filters and feature relations. Parsed with `ast`, allow-listed, compiled
once to nested closures; nothing of Python's own evaluation is reachable.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

Value = float | int | str | bool | None
_Eval = Callable[[Mapping[str, Any]], Any]

MAX_LENGTH = 512
MAX_NODES = 400
MAX_DEPTH = 24
MAX_BITS = 1024  # of a whole number: beyond it no float is near, and arithmetic has no bound on its time
_CONSTANTS = {"true": True, "false": False}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_EQUALITY = (operator.eq, operator.ne)
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class ExprError(ValueError):
    """The text is not an expression of this language. `column` counts from 1."""

    def __init__(self, what: str, column: int = 1) -> None:
        super().__init__(f"column {column}: {what}")
        self.what = what
        self.column = column


class Expression:
    """A compiled expression. Calling it with named values gives True, False or None (unknown)."""

    __slots__ = ("_run", "names", "text")

    def __init__(self, text: str, run: _Eval, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self._run = run

    def __call__(self, values: Mapping[str, Any]) -> bool | None:
        """Return True, False or None; anything but a truth value is unknown."""
        seen = self._run(values)
        return seen if isinstance(seen, bool) else None

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile_expr(text: str, names: frozenset[str] | None = None) -> Expression:
    """Compile `text`. With `names`, any other name is refused, so that a typo cannot become a silent unknown.

    Raises ExprError for what is not in the language, or over 512 characters, 400 nodes or 24 levels.

    >>> compile_expr("amount > 100 and kind in ('a', 'b')")({"amount": 120, "kind": "b"})
    True
    >>> compile_expr("not (amount > 100)")({"amount": float("nan")}) is None
    True
    """
    tree = _parse(text)
    found: set[str] = set()
    run = _build(tree.body, found)
    for name in sorted(found):
        if names is not None and name not in names:
            raise ExprError(f"unknown name {name!r}; known: {', '.join(sorted(names))}")
    if not _is_truth(tree.body):
        raise ExprError("an expression must be a comparison or a combination of comparisons")
    return Expression(text, run, frozenset(found))


def _parse(text: str) -> ast.Expression:
    if len(text) > MAX_LENGTH:
        raise ExprError(f"longer than {MAX_LENGTH} characters")
    if not text.isprintable():
        raise ExprError("has characters that cannot be printed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns of, people read in two ways
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning) as problem:
        column = getattr(problem, "offset", None) or 1
        raise ExprError("not an expression", column) from problem
    nodes, depth = _size(tree)
    if nodes > MAX_NODES:
        raise ExprError(f"more than {MAX_NODES} parts")
    if depth > MAX_DEPTH:
        raise ExprError(f"nested deeper than {MAX_DEPTH}")
    if not text.isascii():
        _as_written(tree, text.strip().encode())
    return tree


def _size(tree: ast.AST) -> tuple[int, int]:
    """Return how many nodes a tree has, and in how many levels."""
    count, level, nodes = 0, 0, [tree]
    while nodes:
        count, level = count + len(nodes), level + 1
        nodes = [child for parent in nodes for child in ast.iter_child_nodes(parent)]
    return count, level


def _as_written(tree: ast.AST, raw: bytes) -> None:
    """Refuse names that Python reads otherwise than they look: it folds letters such as a wide `a` into plain ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and raw[node.col_offset : node.end_col_offset] != node.id.encode():
            raise ExprError(f"a name with letters that stand for others: write {node.id!r}", node.col_offset + 1)


def _is_truth(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_is_truth(value) for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _is_truth(node.operand)
    return isinstance(node, ast.Compare | ast.Name) or (isinstance(node, ast.Constant) and isinstance(node.value, bool))


def _build(node: ast.expr, names: set[str]) -> _Eval:
    builder = _BUILDERS.get(type(node))
    if builder is None:
        raise ExprError(f"{type(node).__name__} is not part of the language", getattr(node, "col_offset", 0) + 1)
    return builder(node, names)


def _name(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    if node.id in _CONSTANTS:
        constant = _CONSTANTS[node.id]
        return lambda values: constant
    name: str = node.id
    names.add(name)
    return lambda values: _known(values.get(name))


def _known(value: Any) -> Any:  # noqa: ANN401
    """Return a plain truth, number or text, or None. Numpy's float64 is a float with arithmetic of its own."""
    if value.__class__ is str:
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_BITS else None
    return str.__str__(value) if isinstance(value, str) else None


def _constant(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    value = node.value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ExprError(f"constant {value!r} is not a number or a text", node.col_offset + 1)
    if not isinstance(value, str) and _known(value) is None:
        raise ExprError("a number must be finite", node.col_offset + 1)
    return lambda values: value


def _boolean(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    parts = tuple(_build(value, names) for value in node.values)
    decides = isinstance(node.op, ast.Or)

    def run(values: Mapping[str, Any]) -> bool | None:
        unknown = False
        for part in parts:
            seen = part(values)
            if seen is True or seen is False:
                if seen is decides:
                    return decides
            else:
                unknown = True
        return None if unknown else not decides

    return run


def _unary(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    operand = _build(node.operand, names)
    if isinstance(node.op, ast.Not):

        def negate(values: Mapping[str, Any]) -> bool | None:
            seen = operand(values)
            return (not seen) if isinstance(seen, bool) else None

        return negate
    if isinstance(node.op, ast.USub):

        def minus(values: Mapping[str, Any]) -> float | None:
            seen = operand(values)
            return -seen if _is_number(seen) else None

        return minus
    raise ExprError(f"{type(node.op).__name__} is not part of the language", node.col_offset + 1)


def _arithmetic(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    apply = _ARITHMETIC.get(type(node.op))
    if apply is None:
        raise ExprError(f"{type(node.op).__name__} is not part of the language", node.col_offset + 1)
    left, right = _build(node.left, names), _build(node.right, names)

    def run(values: Mapping[str, Any]) -> float | None:
        a, b = left(values), right(values)
        if not (_is_number(a) and _is_number(b)):
            return None
        try:
            return _finite(apply(a, b))
        except (ZeroDivisionError, OverflowError):
            return None

    return run


def _compare(node: Any, names: set[str]) -> _Eval:  # noqa: ANN401
    steps: list[Callable[[Any, Any], bool | None]] = []
    operands = [_build(node.left, names)]
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            steps.append(_membership(right, isinstance(op, ast.In)))
            operands.append(lambda values: None)
        elif type(op) in _COMPARE:
            steps.append(_comparison(_COMPARE[type(op)]))
            operands.append(_build(right, names))
        else:
            raise ExprError(f"{type(op).__name__} is not part of the language", node.col_offset + 1)
    if len(steps) > 1 and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
        raise ExprError("`in` cannot be chained", node.col_offset + 1)

    if len(steps) == 1:
        left, right, step = operands[0], operands[1], steps[0]
        return lambda values: step(left(values), right(values))

    def run(values: Mapping[str, Any]) -> bool | None:
        seen = [operand(values) for operand in operands]
        told = [step(a, b) for step, a, b in zip(steps, seen, seen[1:], strict=False)]
        if False in told:
            return False
        return None if None in told else True

    return run


def _comparison(apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    def step(a: Any, b: Any) -> bool | None:  # noqa: ANN401
        alike = (_is_number(a) and _is_number(b)) or (isinstance(a, str) and isinstance(b, str))
        alike = alike or (apply in _EQUALITY and isinstance(a, bool) and isinstance(b, bool))
        return apply(a, b) if alike else None

    return step


def _membership(node: ast.expr, inside: bool) -> Callable[[Any, Any], bool | None]:
    if not isinstance(node, ast.Tuple | ast.List) or not node.elts:
        raise ExprError("`in` takes a list of constants", node.col_offset + 1)
    members = []
    for element in node.elts:
        below_zero = isinstance(element, ast.UnaryOp) and isinstance(element.op, ast.USub)
        constant = element.operand if below_zero and isinstance(element, ast.UnaryOp) else element
        if not isinstance(constant, ast.Constant):
            raise ExprError("`in` takes a list of constants", element.col_offset + 1)
        member = _build(element, set())({})
        if member is None:
            raise ExprError("only a number can be below zero", element.col_offset + 1)
        members.append(member)
    texts = all(isinstance(member, str) for member in members)
    if not texts and any(isinstance(member, str) for member in members):
        raise ExprError("`in` takes constants of one type", node.col_offset + 1)

    def step(a: Any, _: Any) -> bool | None:  # noqa: ANN401
        alike = isinstance(a, str) if texts else _is_number(a)
        return (a in members) is inside if alike else None

    return step


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


_BUILDERS: dict[type[ast.expr], Callable[[Any, set[str]], _Eval]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.Compare: _compare,
}
