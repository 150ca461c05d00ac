"""The section `review_queue` of the manifest: how much may wait for people, how long, and what a full queue does.

In: what the strict reader found. Out: frozen values, and every fault of them that no type can say. Without the section
the defaults hold: the queue is always finite, and a request that no person can take is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from shipworthy.contract.problems import Findings, Path
from shipworthy.contract.segment_text import KeyValues, unknown_keys
from shipworthy.facts import Fact, parse_segment
from shipworthy.indicators import length_seconds

ANSWER_WITHIN = "8h"
_COUNTS = ("capacity", "per_tenant", "leases_per_person")


class SecondReview(Fact, frozen=True, kw_only=True):
    """Blind second review: `share` of the items in `segments` (0.05 = one in twenty) needs two different people."""

    share: float
    segments: tuple[str, ...] = ("*",)


class ReviewQueue(Fact, frozen=True, kw_only=True):
    """What may wait for people: `capacity` in all, `per_tenant` of one tenant, `tenants` for those with another quota.

    `answer_within`: how long an item waits; without it `retention.answer_within`, else 8 h. `lease`: how long a person
    has an item, `leases_per_person` how many at once. `overflow`: what is answered when an item does not fit: `refuse`,
    or `fallback`: where only the model's own doubt asked for a person, the manifest's `fallback` through the same
    checks.
    """

    capacity: int = 5000
    per_tenant: int = 1000
    tenants: dict[str, int] = {}
    answer_within: str | None = None
    lease: str = "30m"
    leases_per_person: int = 5
    overflow: Literal["refuse", "fallback"] = "refuse"
    second_review: SecondReview | None = None

    def quota(self, tenant: str) -> int:
        """Return how many items of one tenant may wait."""
        return self.tenants.get(tenant, self.per_tenant)

    def waits(self, retention: Mapping[str, str]) -> str:
        """Return how long an item waits for its answer."""
        return self.answer_within or retention.get("answer_within", ANSWER_WITHIN)


def queue_faults(queue: ReviewQueue, known: KeyValues, hidden: Collection[str], found: Findings) -> None:
    """Note every fault: a queue that holds nothing, a share that is none, a duration without an end.

    `hidden`: segment keys whose values are kept as keyed hashes: by these no item can be chosen.
    """
    counts: dict[tuple[str, ...], int] = {(key,): getattr(queue, key) for key in _COUNTS}
    counts |= {("tenants", tenant): quota for tenant, quota in queue.tenants.items()}
    for place, count in counts.items():
        if count < 1:
            told = f"{place[-1]}: a queue that holds nothing has nobody to ask"
            found.add(("review_queue", *place), told, "write at least 1")
    for key in ("answer_within", "lease"):
        _duration(key, getattr(queue, key), found)
    second = queue.second_review
    if second is None:
        return
    if not 0 < second.share <= 1:
        found.add(("review_queue", "second_review", "share"), "share must lie in (0, 1]", "write 0.05 for 5 percent")
    if not second.segments:
        found.add(("review_queue", "second_review", "segments"), "no segment", 'write ["*"] for all')
    for index, segment in enumerate(second.segments):
        where: Path = ("review_queue", "second_review", "segments", index)
        unknown_keys(segment, known, where, found)
        for key in sorted(set(parse_segment(segment)) & set(hidden)):
            found.add(
                place, f"{key} is not public: its values are kept as hashes", f"make the segment key {key} public"
            )


def _duration(key: str, span: str | None, found: Findings) -> None:
    try:
        if span is not None:
            length_seconds(span)
    except ValueError as fault:
        found.add(("review_queue", key), f"{key}: {fault}", "write a whole number with m, h or d, such as 30m")
