"""Loosening of the policy: SLOs and never events that let more through than those that shipped last.

In: two policies. Out: rows. A target is a set of accepted values: it is looser when it accepts a value the old one did
not. A window has no looser direction that holds for every indicator, so any change of its length is a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from shipworthy.contract.implied import still_forbidden
from shipworthy.facts import Action, NeverEvent, OnNoData, Policy, Severity, Slo
from shipworthy.indicators import INDICATORS, window_seconds

_ACTIONS = tuple(Action)  # mildest first
_SEVERITIES = tuple(Severity)  # worst first
_ON_NO_DATA = (OnNoData.HOLD_AND_PAGE, OnNoData.HUMAN_REVIEW, OnNoData.SAFE_MODE)  # mildest first


def slo_rows(old: Policy, new: Policy) -> Iterator[str]:
    """Yield a row per loosened or removed SLO key. A new SLO never loosens."""
    now = {slo.name: slo for slo in new.slos}
    for slo in old.slos:
        if slo.name not in now:
            yield f"slo {slo.name}: removed"
            continue
        for row in _slo(slo, now[slo.name]):
            yield f"slo {slo.name}: {row}"


def never_rows(old: Policy, new: Policy) -> Iterator[str]:
    """Yield a row per loosened or removed never event."""
    now = {event.name: event for event in new.never_events}
    for event in old.never_events:
        if event.name not in now:
            yield f"never event {event.name}: removed"
            continue
        for row in _never(event, now[event.name]):
            yield f"never event {event.name}: {row}"


def looser_target(old: tuple[str, float], new: tuple[str, float]) -> bool:
    """True when the new target (operator, value) accepts a value that the old one did not."""
    low, high = _accepted(*old)
    new_low, new_high = _accepted(*new)
    return new_low < low or new_high > high


def _slo(old: Slo, new: Slo) -> Iterator[str]:
    if new.indicator != old.indicator:
        yield f"indicator {old.indicator} → {new.indicator}"
        return
    if new.quantile != old.quantile and _milder_quantile(old, new):
        yield f"percentile {_or_none(old.quantile)} → {_or_none(new.quantile)}"
    if looser_target((old.target.op, old.target.value), (new.target.op, new.target.value)):
        yield f"target {old.target} → {new.target}"
    if _length(new.window) != _length(old.window):
        yield f"window {old.window} → {new.window}"
    if new.level < old.level:
        yield f"level {old.level:g} → {new.level:g}"
    if new.min_samples < old.min_samples:
        yield f"min_samples {old.min_samples} → {new.min_samples}"
    if old.evidence == "bound" and new.evidence != "bound":
        yield f"evidence {old.evidence} → {new.evidence}"
    if new.trial and not old.trial:
        yield "trial false → true"
    yield from _slo_consequences(old, new)


def _slo_consequences(old: Slo, new: Slo) -> Iterator[str]:
    if _SEVERITIES.index(new.severity) > _SEVERITIES.index(old.severity):
        yield f"severity {old.severity} → {new.severity}"
    if _ACTIONS.index(new.action_on_breach) < _ACTIONS.index(old.action_on_breach):
        yield f"action_on_breach {old.action_on_breach} → {new.action_on_breach}"
    if _ON_NO_DATA.index(new.on_no_data) < _ON_NO_DATA.index(old.on_no_data):
        yield f"on_no_data {old.on_no_data} → {new.on_no_data}"
    if old.primary and not new.primary:
        yield "primary true → false"
    elif old.primary and _regression(new) > _regression(old):
        yield f"max_regression {_or_none(old.max_regression)} → {_or_none(new.max_regression)}"
    if new.metric != old.metric:
        yield f"metric {_or_none(old.metric)} → {_or_none(new.metric)}"
    yield from (f"accept {name} added" for name in _accepted_more(old.accept, new.accept))
    yield from (f"segment {segment} removed" for segment in old.segments if segment not in new.segments)


def _never(old: NeverEvent, new: NeverEvent) -> Iterator[str]:
    if not still_forbidden(old.never, new.never):
        yield f"never {old.never!r} → {new.never!r}"
    if new.endpoint not in ("*", old.endpoint):
        yield f"endpoint {old.endpoint} → {new.endpoint}"
    if old.scope == "version" and new.scope != "version":
        yield f"scope {old.scope} → {new.scope}"
    if _SEVERITIES.index(new.severity) > _SEVERITIES.index(old.severity):
        yield f"severity {old.severity} → {new.severity}"


def _accepted_more(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """Imported formats that count now and did not; `imported` stands for every format."""
    return [] if "imported" in old else sorted(set(new) - set(old))


def _accepted(op: str, value: float) -> tuple[float, float]:
    if op == ">=":
        return value, math.inf
    return (-math.inf, value) if op == "<=" else (value, value)


def _milder_quantile(old: Slo, new: Slo) -> bool:
    """A percentile further into the bad tail is stricter; to or from no percentile cannot be compared."""
    if old.quantile is None or new.quantile is None:
        return True
    row = INDICATORS.get(old.indicator)
    if row is None:
        return True
    return new.quantile < old.quantile if row.good == "down" else new.quantile > old.quantile


def _length(window: str) -> int | None:
    return window_seconds(window)


def _regression(slo: Slo) -> float:
    return math.inf if slo.max_regression is None else slo.max_regression


def _or_none(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
