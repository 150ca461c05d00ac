"""What people see of the abuse log: rows of at least five events, and `<5` for what is left.

In: counts of a range of hours. Out: rows. What is rare is told less exactly, step by step: a row of fewer than five
events loses its segment, then its hour, then its caller, joining its like each time, and is shown as soon as it has
five. What has not even then is one row `<5` of its kind and tenant, without evidence.

Why events are counted here and not callers: the rule is to protect somebody who slipped once, and whom an hour, a
segment and a colleague's memory would name. A rule of "at least k callers" would protect exactly the one caller who
floods, and show a small thing that many did; a pseudonym with five or more events is what the log is for. An alarm
(`probing`, `repeated_ood`) counts the requests it rests on, at least five, so that one alarm is seen.

No sum is shown beside the rows, so that nothing hidden can be had by subtraction from one page. Two pages of ranges
that overlap can be subtracted: that is why each read is on record, with its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from shipworthy.facts import AbuseCount, AbuseKind, Fact

LEAST = 5
ALL = "*"
Key = tuple[AbuseKind, str, str, int | None, str]  # kind, tenant, caller, hour, segment


class Shown(Fact, frozen=True, kw_only=True):
    """One row. `n` None: fewer than five. `caller`, `segment` `*` and `hour` None: several, or not told."""

    kind: AbuseKind
    tenant: str
    caller: str
    hour: int | None
    segment: str
    n: int | None
    evidence: str = ""


def shown(counts: Iterable[AbuseCount], least: int = LEAST) -> tuple[Shown, ...]:
    """Return the rows, the largest first; each event is in exactly one of them."""
    left = _joined(((one.kind, one.tenant, one.caller, one.hour, one.segment), one) for one in counts)
    rows: list[Shown] = []
    for step in (_whole, _no_segment, _no_hour, _no_caller):
        left = _joined((step(key), one) for key, one in left.items())
        rows += [_row(key, one) for key, one in left.items() if one.n >= least]
        left = {key: one for key, one in left.items() if one.n < least}
    rows += [_row(key, None) for key in left]
    return tuple(sorted(rows, key=_order))


def by_kind(counts: Mapping[AbuseKind, int], least: int = LEAST) -> dict[str, int | None]:
    """Return the events of each kind that there were, None for fewer than five."""
    return {kind.value: n if n >= least else None for kind, n in sorted(counts.items()) if n}


def _joined(counts: Iterable[tuple[Key, AbuseCount]]) -> dict[Key, AbuseCount]:
    """Return one count a key, added up."""
    sums: dict[Key, AbuseCount] = {}
    for key, one in counts:
        sums[key] = _added(sums[key], one) if key in sums else one
    return sums


def _added(a: AbuseCount, b: AbuseCount) -> AbuseCount:
    return replace(a, n=a.n + b.n, evidence=min(a.evidence, b.evidence))


def _whole(key: Key) -> Key:
    return key


def _no_segment(key: Key) -> Key:
    return (*key[:4], ALL)


def _no_hour(key: Key) -> Key:
    return (*key[:3], None, ALL)


def _no_caller(key: Key) -> Key:
    return (*key[:2], ALL, None, ALL)


def _row(key: Key, one: AbuseCount | None) -> Shown:
    kind, tenant, caller, hour, segment = key
    n, evidence = (None, "") if one is None else (one.n, one.evidence)
    return Shown(kind=kind, tenant=tenant, caller=caller, hour=hour, segment=segment, n=n, evidence=evidence)


def _order(row: Shown) -> tuple[int, str, str, str, int, str]:
    hour = -1 if row.hour is None else row.hour
    return (-(row.n or 0), row.kind.value, row.tenant, row.caller, hour, row.segment)
