"""Segments: which part of the traffic (DECISIONS §4).

`segment = "*" | term (";" term)*` with at most two terms and `tenant`; `term = key "=" value ("," value)*`, keys and
values sorted, percent-escaped. The canonical text is the id everywhere. Containment is set containment per key.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

UNSEEN = "__unseen__"
MISSING = "__missing__"
OTHER = "__other__"
RESERVED = frozenset({UNSEEN, MISSING, OTHER})
_ESCAPED = {"%": "%25", ";": "%3B", "=": "%3D", ",": "%2C", "*": "%2A", "\n": "%0A"}
_PLAIN = {escape: char for char, escape in _ESCAPED.items()}


def term(key: str, values: Iterable[str]) -> str:
    """Return the canonical text of one term.

    >>> term("supplier", ["P73", "P42"])
    'supplier=P42,P73'
    """
    return f"{escape(key)}={','.join(sorted(escape(value) for value in values))}"


def canonical_segment(terms: Mapping[str, Iterable[str]]) -> str:
    """Return the canonical text; an empty mapping is `*`. Raises ValueError over two terms beside `tenant`."""
    kept = {key: tuple(values) for key, values in terms.items()}
    if not kept:
        return "*"
    if len([key for key in kept if key != "tenant"]) > 2 or not all(kept.values()) or not _named(kept):
        raise ValueError("a segment has at most two terms beside tenant, each with a value")
    return ";".join(term(key, kept[key]) for key in sorted(kept))


def _named(terms: Mapping[str, tuple[str, ...]]) -> bool:
    return all(key and all(values) for key, values in terms.items())


def parse_segment(text: str) -> dict[str, frozenset[str]]:
    """Return key -> values of a canonical segment; `*` is empty. Raises ValueError when the text is not canonical."""
    return dict(_parsed(text))


@lru_cache(maxsize=16_384)  # a site asks about the same few thousand again and again
def _parsed(text: str) -> dict[str, frozenset[str]]:
    if text == "*":
        return {}
    terms: dict[str, frozenset[str]] = {}
    for part in text.split(";"):
        key, sign, values = part.partition("=")
        if not sign or not key or unescape(key) in terms:
            raise ValueError(f"not a segment: {text!r}")
        terms[unescape(key)] = frozenset(unescape(value) for value in values.split(","))
    if canonical_segment(terms) != text:
        raise ValueError(f"not in canonical form: {text!r}; write {canonical_segment(terms)!r}")
    return terms


def contains(outer: str, inner: str) -> bool:
    """True when every request in `inner` is also in `outer`."""
    wide, narrow = parse_segment(outer), parse_segment(inner)
    return all(key in narrow and narrow[key] <= values for key, values in wide.items())


def holds(segment: str, of_request: Mapping[str, str]) -> bool:
    """True when a request with these key values lies in the segment. A key the request lacks is never inside."""
    return all(of_request.get(key) in values for key, values in parse_segment(segment).items())


def bin_name(edges: Sequence[float], number: float) -> str:
    """Return the value of a numeric key: the bin the number lies in. An edge belongs to the bin above it.

    Offline and online use this one name: a segment that is judged at the gate is the one that is held at run time.

    >>> [bin_name((18.0, 65.0), x) for x in (17.9, 18, 65)]
    ['lt_18', '18_to_65', 'ge_65']
    """
    at = bisect_right(edges, number)
    if at == 0:
        return f"lt_{_edge(edges[0])}"
    return f"ge_{_edge(edges[-1])}" if at == len(edges) else f"{_edge(edges[at - 1])}_to_{_edge(edges[at])}"


def bin_names(edges: Sequence[float]) -> tuple[str, ...]:
    """Return every value a numeric key with these edges can have, lowest first; none without edges."""
    return (f"lt_{_edge(edges[0])}", *(bin_name(edges, edge) for edge in edges)) if edges else ()


def _edge(number: float) -> str:
    """Return an edge in full: two edges never share a name."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(float(number))


def escape(text: str) -> str:
    """Percent-escape what the grammar uses."""
    return "".join(_ESCAPED.get(char, char) for char in text)


def unescape(text: str) -> str:
    """Undo `escape`."""
    for escaped, char in _PLAIN.items():
        if char != "%":
            text = text.replace(escaped, char)
    return text.replace("%25", "%")
