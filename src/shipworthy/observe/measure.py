"""Windows become measurements, the same kind that the gate judges: n, a bound on both sides, and how it was made.

In: window summaries (with their heartbeats) of a scope and an interval [start, end) of minutes. Out: `Measurement`s of
source `online`. A minute in which a shard was silent makes every number of that interval None: never green. Begin the
interval no earlier than the version went live or was last restored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipworthy.facts import HEARTBEAT, Measurement, Scope, WindowSummary
from shipworthy.observe.minutes import start_of
from shipworthy.observe.repeats import Alarm, count_since
from shipworthy.observe.windows import HELD, PROBE, SHADOW, gaps
from shipworthy.stats.bounds import rate_bounds, zero_event_bound

LEVEL = 0.95
NOT_ANSWERED = (HEARTBEAT, PROBE, SHADOW, HELD)


def from_windows(
    windows: Sequence[WindowSummary],
    scope: Scope,
    start: int,
    end: int,
    level: float = LEVEL,
    silent: Sequence[int] | None = None,
) -> tuple[Measurement, ...]:
    """Return ood_rate, review_rate, request_error_rate, never_event_violations and never_event_unknown.

    `windows` may hold more than the scope; summaries of shadowed requests and probes are left out. `silent` names the
    minutes with a gap, for a caller who knows them; else they are read from the heartbeats.
    """
    silent = gaps(windows, start, end) if silent is None else silent
    mine = within(windows, scope, start, end)
    n = sum(window.n for window in mine)

    def rate_of(indicator: str, hits: int) -> Measurement:
        return rate(indicator, hits, n, segment=scope.segment, start=start, end=end, silent=silent, level=level)

    violations = sum(window.n_never + window.n_leaked for window in mine)
    return (
        rate_of("ood_rate", sum(window.n_ood for window in mine)),
        rate_of("review_rate", sum(window.n_review for window in mine)),
        rate_of("request_error_rate", sum(window.n_failed for window in mine)),
        count("never_event_violations", violations, n, scope.segment, start, end, silent, level),
        rate_of("never_event_unknown", sum(window.n_unknown for window in mine)),
    )


def from_alarms(
    alarms: Iterable[Alarm],
    windows: Sequence[WindowSummary],
    scope: Scope,
    start: int,
    end: int,
    silent: Sequence[int] | None = None,
) -> Measurement:
    """Return ood_repeats: the alarms that `Repeats` counts since the last restore, over the requests it watched."""
    n = sum(window.n for window in within(windows, scope, start, end))
    repeats = count_since(alarms, scope.version, scope.segment)
    silent = gaps(windows, start, end) if silent is None else silent
    return count("ood_repeats", repeats, n, scope.segment, start, end, silent)


def within(windows: Iterable[WindowSummary], scope: Scope, start: int, end: int) -> list[WindowSummary]:
    """Return the summaries of answered requests of exactly this scope and interval; version `*` takes all versions."""
    return [
        window
        for window in windows
        if start <= window.minute < end
        and window.arm not in NOT_ANSWERED
        and scope.version in ("*", window.version)
        and (window.tenant, window.segment) == (scope.tenant, scope.segment)
    ]


def rate(
    indicator: str,
    hits: int,
    n: int,
    *,
    segment: str = "*",
    start: int,
    end: int,
    silent: Sequence[int] = (),
    level: float = LEVEL,
    part: str | None = None,
    method: str = "Clopper-Pearson",
) -> Measurement:
    """Return a rate with exact one-sided bounds. None without trials or with a gap. Raises ValueError if hits > n."""
    lo, hi = rate_bounds(hits, n, level) if n else (0.0, 1.0)
    known = n > 0 and not silent
    return Measurement(
        indicator=indicator,
        segment=segment,
        source="online",
        start=start_of(start),
        end=start_of(end),
        n=n,
        hits=hits,
        value=hits / n if known else None,
        lo=lo if known else None,
        hi=hi if known else None,
        level=level,
        method=gap_told(silent) or method,
        part=part,
    )


def count(
    indicator: str,
    hits: int,
    n: int,
    segment: str,
    start: int,
    end: int,
    silent: Sequence[int] = (),
    level: float = LEVEL,
) -> Measurement:
    """Return a count among n requests; beside a zero, `method` prints the rate that it excludes."""
    value = None if silent else float(hits)
    excluded = f"0 of {n}: a rate above {zero_event_bound(n, level):.2g} is excluded" if hits == 0 else "count"
    return Measurement(
        indicator=indicator,
        segment=segment,
        source="online",
        start=start_of(start),
        end=start_of(end),
        n=n,
        hits=hits,
        value=value,
        lo=value,
        hi=value,
        level=level,
        method=gap_told(silent) or excluded,
    )


def gap_told(silent: Sequence[int]) -> str:
    """Return what is told of a gap, "" without one."""
    if not silent:
        return ""
    return f"gap: a shard was silent in {len(silent)} minutes, first {start_of(silent[0])}"
