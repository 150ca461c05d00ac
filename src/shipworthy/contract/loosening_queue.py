"""Loosening of the review queue: what lets more leave without a person, or lets more be opened, for longer, by fewer.

In: the section of the lock and of the manifest, each with its `retention`. Out: rows. A smaller queue is no loosening
while what does not fit is refused: only where the fallback answers does it take decisions away from people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.facts import contains
from shipworthy.indicators import length_seconds


def queue_rows(
    old: ReviewQueue, new: ReviewQueue, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    """Yield a row per loosening. `before`, `after`: what `retention` said and says."""
    if old.overflow != new.overflow and new.overflow == "fallback":
        yield f"review_queue: overflow {old.overflow} → {new.overflow}"
    if new.overflow == "fallback":
        yield from _smaller(old, new)
    for key, was, now in (("answer_within", old.waits(before), new.waits(after)), ("lease", old.lease, new.lease)):
        if length_seconds(now) > length_seconds(was):
            yield f"review_queue: {key} {was} → {now}"
    if new.leases_per_person > old.leases_per_person:
        yield f"review_queue: leases_per_person {old.leases_per_person} → {new.leases_per_person}"
    yield from _second(old, new)


def _smaller(old: ReviewQueue, new: ReviewQueue) -> Iterator[str]:
    if new.capacity < old.capacity:
        yield f"review_queue: capacity {old.capacity} → {new.capacity}"
    if new.per_tenant < old.per_tenant:
        yield f"review_queue: per_tenant {old.per_tenant} → {new.per_tenant}"
    for tenant in sorted({*old.tenants, *new.tenants}):
        if new.quota(tenant) < old.quota(tenant):
            yield f"review_queue: quota of {tenant} {old.quota(tenant)} → {new.quota(tenant)}"


def _second(old: ReviewQueue, new: ReviewQueue) -> Iterator[str]:
    was, now = old.second_review, new.second_review
    if was is None:
        return
    if now is None:
        yield "review_queue: second_review removed"
        return
    if now.share < was.share:
        yield f"review_queue: second_review share {was.share:g} → {now.share:g}"
    for segment in was.segments:
        if not any(contains(kept, segment) for kept in now.segments):
            yield f"review_queue: second_review segment {segment} removed"
