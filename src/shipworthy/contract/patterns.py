"""Regular expressions that people write into a contract: may this one run on text from a stranger.

In: the text of a pattern. Out: what is wrong with it, or "". A backtracking matcher can be kept busy for hours by the
text it searches; so the worst case is counted from the pattern's own syntax tree, before anything is matched, over the
longest text that is ever searched (`MOST_TEXT`). No source for the limit: it keeps one search below about a second.
"""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found,unused-ignore]
from typing import Any

MOST_PATTERN = 300
MOST_TEXT = 4_000
MOST_STEPS = 50_000_000
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_REFUSED = {
    "GROUPREF": "a back reference",
    "GROUPREF_EXISTS": "a back reference",
    "ASSERT": "a look-around",
    "ASSERT_NOT": "a look-around",
}


def pattern_fault(text: str) -> str:
    """Return why a pattern is refused, "" when it may run.

    >>> pattern_fault(r"SECRET-[0-9]{4}"), pattern_fault("(a+)+")
    ('', 'a repetition inside a repetition')
    """
    if not text:
        return "an empty pattern finds everything"
    if len(text) > MOST_PATTERN:
        return f"longer than {MOST_PATTERN} characters"
    try:
        compiled, tree = re.compile(text), parser.parse(text)
    except (re.error, RecursionError, OverflowError) as fault:
        return f"not a regular expression: {fault}"
    if compiled.search("") is not None:
        return "a pattern that finds nothing at all finds everything"
    fault_, steps = _walk(tree, 0)
    if fault_:
        return fault_
    return "" if steps * MOST_TEXT <= MOST_STEPS else "too many open repetitions: write {1,40} in place of + or *"


def search(pattern: str, text: str) -> bool:
    """True when the pattern is found in the first `MOST_TEXT` characters. Case does not matter."""
    return re.search(pattern, text[:MOST_TEXT], re.IGNORECASE) is not None


def _walk(tree: Any, depth: int) -> tuple[str, int]:  # noqa: ANN401
    """Return (fault, ways to match): `depth` > 0 inside a repetition, where nothing may repeat or branch again."""
    ways = 1
    for op, argument in tree:
        name = str(op)
        if name in _REFUSED:
            return f"{_REFUSED[name]} is not accepted", ways
        if name in _REPEATS:
            fault, more = _repeat(argument, depth)
        elif name == "BRANCH":
            fault, more = _branches(argument[1], depth)
        elif name == "SUBPATTERN":
            fault, more = _walk(argument[3], depth)
        elif name == "ATOMIC_GROUP":
            fault, more = _walk(argument, depth)
        else:
            continue
        if fault:
            return fault, ways
        ways *= more
    return "", ways


def _repeat(argument: Any, depth: int) -> tuple[str, int]:  # noqa: ANN401
    low, high, body = argument
    if int(high) <= 1:
        fault, inside = _walk(body, depth)
        return fault, inside + 1
    if depth:
        return "a repetition inside a repetition", 1
    fault, _ = _walk(body, depth + 1)
    return fault, 1 if int(low) == int(high) else min(int(high), MOST_TEXT) - int(low) + 1


def _branches(branches: Any, depth: int) -> tuple[str, int]:  # noqa: ANN401
    if depth:
        return "alternatives inside a repetition", 1
    total = 0
    for branch in branches:
        fault, ways = _walk(branch, depth)
        if fault:
            return fault, 1
        total += ways
    return "", max(total, 1)
