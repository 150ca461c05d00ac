"""Which scope lies in which, and whether a request lies in a scope.

A segment that cannot be read holds for every request: an unreadable order may only tighten more than was meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shipworthy.facts import UNSEEN, Scope, contains, parse_segment

Terms = tuple[tuple[str, frozenset[str]], ...]


def covers(outer: Scope, inner: Scope) -> bool:
    """True when every request in `inner` is also in `outer`. False when a segment cannot be read."""
    pairs = ((outer.model, inner.model), (outer.version, inner.version), (outer.tenant, inner.tenant))
    if not all(wide in ("*", narrow) for wide, narrow in pairs):
        return False
    try:
        return contains(outer.segment, inner.segment)
    except ValueError:
        return False


def names(scope: Scope, model: str, version: str, tenant: str) -> bool:
    """True when the scope names this model, version and tenant, by name or by `*`."""
    pairs = ((scope.model, model), (scope.version, version), (scope.tenant, tenant))
    return all(wanted in ("*", given) for wanted, given in pairs)


def terms_of(segment: str) -> Terms:
    """Return the parsed terms of a segment; of one that cannot be read, none: it then holds for every request."""
    try:
        return tuple(parse_segment(segment).items())
    except ValueError:
        return ()


def inside(terms: Terms, tenant: str, keys: Mapping[str, str], unseen: Collection[str] = ()) -> bool:
    """True when a request lies in parsed terms. `unseen` names keys whose value the version does not know.

    Such a request is both in `key=<its value>` and in `key=__unseen__`.
    """
    for key, values in terms:
        value = tenant if key == "tenant" else keys.get(key)
        if value not in values and not (UNSEEN in values and key in unseen):
            return False
    return True
