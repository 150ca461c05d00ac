"""Whether one expression of a never event is at least as wide as another: everything it forbade stays forbidden.

In: two texts of the language of `expr.py`. Out: True only when the syntax shows it; False when it does not, or cannot
be told. The rules hold in the three-valued logic of the language as well: where the old one was true the new one is
true, and where the old one was unknown the new one is not false.
"""

from __future__ import annotations

import ast
from typing import Any

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}


def still_forbidden(old: str, new: str) -> bool:
    """True when `new` is shown to be true wherever `old` is.

    >>> still_forbidden("decision == 'deny' and u > 0.30", "decision == 'deny' and u > 0.20")
    True
    >>> still_forbidden("u > 0.20", "u > 0.30")
    False
    """
    try:
        before, after = (ast.parse(text.strip(), mode="eval").body for text in (old, new))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _implies(before, after)


def _implies(a: ast.expr, b: ast.expr) -> bool:
    if ast.dump(a) == ast.dump(b):
        return True
    if isinstance(a, ast.BoolOp) and isinstance(a.op, ast.Or):
        return all(_implies(part, b) for part in a.values)
    if isinstance(b, ast.BoolOp) and isinstance(b.op, ast.And):
        return all(_implies(a, part) for part in b.values)
    if isinstance(b, ast.BoolOp) and any(_implies(a, part) for part in b.values):
        return True
    if isinstance(a, ast.BoolOp):
        return any(_implies(part, b) for part in a.values)
    return _narrower(a, b)


def _narrower(a: ast.expr, b: ast.expr) -> bool:
    """True when comparison `a` of a thing with constants leaves no more than comparison `b` of the same thing."""
    one, other = _simple(a), _simple(b)
    if one is None or other is None or one[0] != other[0]:
        return False
    (_, op, value), (_, wide_op, wide) = one, other
    chosen, allowed = _members(op, value), _members(wide_op, wide)
    if chosen is not None and allowed is not None:
        return chosen <= allowed
    if not (isinstance(value, int | float) and isinstance(wide, int | float)):
        return False
    if op in (ast.Gt, ast.GtE) and wide_op in (ast.Gt, ast.GtE):
        return value > wide or (value == wide and (wide_op is ast.GtE or op is ast.Gt))
    if op in (ast.Lt, ast.LtE) and wide_op in (ast.Lt, ast.LtE):
        return value < wide or (value == wide and (wide_op is ast.LtE or op is ast.Lt))
    return False


def _simple(node: ast.expr) -> tuple[str, type[ast.cmpop], Any] | None:
    """Return (thing, operator, constant or set of constants) of a plain comparison, with the constant on the right."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    op, left, right = type(node.ops[0]), node.left, node.comparators[0]
    if isinstance(left, ast.Constant) and op in _FLIPPED:
        op, left, right = _FLIPPED[op], right, left
    constant = _constant(right)
    return None if constant is None else (ast.dump(left), op, constant)


def _constant(node: ast.expr) -> Any:  # noqa: ANN401
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        values = [_constant(item) for item in node.elts]
        return frozenset(values) if all(isinstance(value, int | float | str) for value in values) else None
    return None


def _members(op: type[ast.cmpop], value: Any) -> frozenset[Any] | None:  # noqa: ANN401
    if op is ast.Eq and isinstance(value, int | float | str):
        return frozenset({value})
    return value if op is ast.In and isinstance(value, frozenset) else None
