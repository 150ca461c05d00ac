"""Loosening of what holds at run time: alarms, throttles, rollout stages, labels, units and how long inputs are kept.

In: the parts of the lock and of the manifest now. Out: rows. Steps of a rollout are compared by how far they reach, not
by their names, so that renaming one hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipworthy.contract.drills import drill_rows
from shipworthy.contract.lock import Lock
from shipworthy.contract.loosening_queue import queue_rows
from shipworthy.contract.manifest import KEPT, Compare, Manifest, Rollout, Stage, Throttle, Throttles
from shipworthy.indicators import window_seconds

PAGES = "false_pages_per_week"
_ALARMS = {PAGES: 1.0}


def runtime_rows(old: Lock, new: Manifest) -> Iterator[str]:
    """Yield a row per loosening of what the runtime watches, limits or keeps."""
    yield from alarm_rows(old.alarms, new.alarms)
    yield from throttle_rows(old.throttles, new.throttles)
    yield from stage_rows(old.rollout, new.rollout)
    yield from retention_rows(old.retention, new.retention)
    yield from queue_rows(old.review_queue, new.review_queue, old.retention, new.retention)
    yield from drill_rows(old.drills, new.drills)
    if new.idempotent and not old.idempotent:  # what its model does could now be done twice
        yield "idempotent: false → true"
    for key in ("column", "matured_after"):
        before, after = getattr(old.label, key), getattr(new.label, key)
        if before != after:
            yield f"label: {key} {before} → {after}"
    for key in ("unit", "tenant"):  # without its unit a row counts as independent; another tenant key joins tenants
        before, after = getattr(old, key), getattr(new, key)
        if before is not None and before != after:
            yield f"{key}: {before} → {after or 'none'}"


def alarm_rows(old: Mapping[str, float], new: Mapping[str, float]) -> Iterator[str]:
    """Yield a row per smaller alarm budget: fewer false pages are bought with slower detection."""
    for key in sorted(_ALARMS.keys() | old.keys()):
        before, after = old.get(key, _ALARMS.get(key)), new.get(key, _ALARMS.get(key))
        if before is not None and (after is None or after < before):
            yield f"alarms: {key} {before:g} → {'none' if after is None else f'{after:g}'}"


def throttle_rows(old: Throttles | None, new: Throttles | None) -> Iterator[str]:
    """Yield a row per tenant that may now send more, or that nothing holds back any more."""
    if old is None:
        return
    if new is None:
        yield "throttles: removed"
        return
    for tenant in ("default", *sorted({*old.tenants, *new.tenants})):
        before, after = _of(old, tenant), _of(new, tenant)
        if after.rate_per_s > before.rate_per_s:
            yield f"throttle {tenant}: rate_per_s {before.rate_per_s:g} → {after.rate_per_s:g}"
        if after.burst > before.burst:
            yield f"throttle {tenant}: burst {before.burst} → {after.burst}"


def stage_rows(old: Rollout | None, new: Rollout | None) -> Iterator[str]:
    """Yield a row per step that asks for less than the furthest old step that reached no further.

    How many steps a release takes, and to whom, is a plan that its verdict signs; what each step asks for is a bar.
    """
    if old is None:
        return
    if new is None:
        yield "rollout: stages removed"
        return
    for stage in new.stages:
        reached = [one for one in old.stages if _within(one, stage)]
        if reached:
            yield from (f"stage {stage.name}: {row}" for row in _stage(reached[-1], stage))
    yield from compare_rows(old.compare, new.compare)


def compare_rows(old: Compare, new: Compare) -> Iterator[str]:
    """Yield a row per comparison that allows more, or is not made any more, and for a smaller budget.

    A smaller budget of false rollbacks is bought with slower detection, as one of alarms is.
    """
    for key in ("errors", "latency", "review_rate", "disagreement"):
        before, after = getattr(old, key), getattr(new, key)
        if before is not None and (after is None or after > before):
            yield f"compare: {key} {before:g} → {'none' if after is None else f'{after:g}'}"
    if new.false_rollbacks < old.false_rollbacks:
        yield f"compare: false_rollbacks {old.false_rollbacks:g} → {new.false_rollbacks:g}"


def retention_rows(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Yield a row per kind of record that is kept longer, or for a time that the contract no longer says."""
    for key in sorted({*old, *new} - {"answer_within"}):  # that is the review queue's
        before, after = old.get(key, KEPT.get(key)), new.get(key, KEPT.get(key))
        if before is not None and (after is None or _seconds(after) > _seconds(before)):
            yield f"retention: {key} {before} → {after or 'none'}"


def _of(throttles: Throttles, tenant: str) -> Throttle:
    return throttles.tenants.get(tenant, throttles.default)


def _within(inner: Stage, outer: Stage) -> bool:
    tenants = "*" in outer.tenants or ("*" not in inner.tenants and set(inner.tenants) <= set(outer.tenants))
    return tenants and inner.share <= outer.share


def _stage(old: Stage, new: Stage) -> Iterator[str]:
    if new.min_samples < old.min_samples:
        yield f"min_samples {old.min_samples} → {new.min_samples}"
    if new.advance != old.advance and old.advance != "auto":
        yield f"advance {old.advance} → {new.advance}"


def _seconds(text: str) -> float:
    seconds = window_seconds(text)
    return float("inf") if seconds is None else seconds
