"""The words that an expression compares a name with: a decision that nobody makes is never counted.

In: the text of an expression. Out: the string constants that stand against each name in a comparison or a list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def words_against(text: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield (name, word) for each comparison of one of these names with a constant text; none of a text that cannot be
    read: that is told elsewhere."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            named = [part.id for part in parts if isinstance(part, ast.Name) and part.id in names]
            for name in named:
                yield from ((name, word) for part in parts for word in _texts(part))


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    inside = node.elts if isinstance(node, ast.Tuple | ast.List) else []
    return [one.value for one in inside if isinstance(one, ast.Constant) and isinstance(one.value, str)]
