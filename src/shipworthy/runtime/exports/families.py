"""The metrics of a site, named once for every export.

In: totals, judgements and the state. Out: families of samples. Names follow the conventions of Prometheus: a prefix,
the unit at the end, `_total` for counters. No label holds a value of a request: versions, arms, SLOs, segments only.

An outcome is told as four samples, one of which is 1, so that an alert on `outcome="no_data"` is written as easily as
one on `outcome="breached"`: silence is not health.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shipworthy.deploy.plan import StageShown
from shipworthy.facts import Held, Judgement, Outcome
from shipworthy.observe.arms import Counts
from shipworthy.observe.bins import latency_edges
from shipworthy.runtime.exports.totals import Total
from shipworthy.store.review import QueueDepth, QueueStatus

PREFIX = "shipworthy"
STALE_S = 300.0  # from here on a judgement is of the past: it is told as no data
EDGES_MS = (*(2.0**octave for octave in range(-4, 12)), 3840.0)  # octaves of the windows' bins; their last is open

Labels = tuple[tuple[str, str], ...]


class Histogram(NamedTuple):
    """`counts[i]` fell below `edges[i]` and not below the one before; the last count is open."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Family(NamedTuple):
    """One metric. `kind`: `counter`, `gauge` or `histogram`; `unit`: UCUM, "1" for none."""

    name: str
    kind: str
    unit: str
    told: str
    samples: tuple[tuple[Labels, float | Histogram], ...]


class Shown(NamedTuple):
    """What of a site is exported. `judgements` by version; `stale_s`: seconds since they were made, None never.

    `stage`: what a rollout's stage was judged to have shown; `beside`: what it counted of both arms.
    """

    totals: Mapping[tuple[str, str], Total]
    judgements: Mapping[str, Sequence[Judgement]]
    orders: Sequence[Held]
    alarms: int
    false_pages: float
    labels: int
    epoch: int
    broken: bool
    stale_s: float | None
    stage: StageShown | None = None
    beside: Counts | None = None
    reviews: QueueDepth | None = None


def families(shown: Shown) -> tuple[Family, ...]:
    """Return every family, those without a sample among them."""
    return (*_traffic(shown.totals), *_judged(shown), *_rolled(shown), *_state(shown))


def _traffic(totals: Mapping[tuple[str, str], Total]) -> Iterable[Family]:
    named = [((("version", version), ("arm", arm)), one) for (version, arm), one in sorted(totals.items())]
    routes = tuple(
        ((*labels, ("route", route)), float(times))
        for labels, one in named
        for route, times in sorted(one.routes.items())
    )
    yield Family(f"{PREFIX}_requests_total", "counter", "1", "Requests answered, by who decided.", routes)
    for name, told in (
        ("flagged", "Requests out of distribution."),
        ("unseen", "Requests with a category that the version never saw."),
        ("failed", "Requests that no model could answer."),
        ("replayed", "Requests replayed on the baseline after the candidate failed."),
        ("degraded", "Requests answered under an order."),
        ("never", "Requests on which a never event fired."),
        ("leaked", "Requests on which a never event left."),
    ):
        samples = tuple((labels, float(getattr(one, name))) for labels, one in named)
        yield Family(f"{PREFIX}_{name}_total", "counter", "1", told, samples)
    times = tuple((labels, _octaves(one)) for labels, one in named)
    yield Family(f"{PREFIX}_latency_milliseconds", "histogram", "ms", "Time from the row to the answer.", times)


def _judged(shown: Shown) -> Iterable[Family]:
    samples = []
    stale = shown.stale_s is None or shown.stale_s > STALE_S
    beside = {} if shown.stage is None else {shown.stage.rollout.version: shown.stage.compared}
    for version, judged in sorted(shown.judgements.items()):
        for one in (*judged, *beside.get(version, ())):
            if one.here:
                labels = (("version", version), ("slo", one.slo), ("segment", one.segment))
                outcome = Outcome.NO_DATA if stale else one.outcome
                samples += [((*labels, ("outcome", each.value)), float(outcome is each)) for each in Outcome]
    told = "1 for the outcome of an SLO at this moment; only `met` is good."
    yield Family(f"{PREFIX}_slo_outcome", "gauge", "1", told, tuple(samples))


def _rolled(shown: Shown) -> Iterable[Family]:
    """The stage of a rollout; without one under way nothing is told, for 0 would look like an answer."""
    if shown.stage is None or shown.beside is None:
        return
    labels = (("version", shown.stage.rollout.version),)
    counts = shown.beside
    for name, told, value in (
        ("rollout_stage", "The present stage, from 0.", shown.stage.rollout.stage),
        ("rollout_share_ratio", "Share of units in the chosen tenants.", shown.stage.rollout.share_bp / 10_000),
        ("rollout_samples", "Decisions of the candidate in this stage.", shown.stage.samples),
        ("shadow_scores", "Shadow scores in this stage.", counts.shadowed),
        ("shadow_disagreements", "Shadow scores that differ from what left, in this stage.", counts.disagreed),
    ):
        yield Family(f"{PREFIX}_{name}", "gauge", "1", told, ((labels, float(value)),))


def _state(shown: Shown) -> Iterable[Family]:
    yield _gauge("orders", "Orders that hold.", float(len(shown.orders)))
    yield _gauge("alarms", "Alarms of repeated odd requests since the last restore.", float(shown.alarms))
    told = "False pages a week to expect at most, by the alarm budget."
    yield _gauge("expected_false_pages_per_week", told, shown.false_pages)
    yield _gauge("labels", "Scored decisions that have a label.", float(shown.labels))
    yield _gauge("epoch", "Epoch of the posture state.", float(shown.epoch))
    yield _gauge("state_broken", "1 when the state files cannot be read: candidates are closed.", float(shown.broken))
    yield from _reviews(shown.reviews)
    stale = () if shown.stale_s is None else (((), shown.stale_s),)
    yield Family(f"{PREFIX}_judged_age_seconds", "gauge", "s", "Time since SLOs were last judged.", stale)


def _reviews(depth: QueueDepth | None) -> Iterable[Family]:
    if depth is None:
        return
    yield _gauge("review_open", "Requests that wait for a person, or are with one.", float(sum(depth.open.values())))
    expired = float(depth.statuses.get(QueueStatus.EXPIRED.value, 0))
    for name, told, value in (
        ("review_overflow", "Requests for a person that did not fit into the queue.", sum(depth.overflow.values())),
        ("review_expired", "Requests for a person that nobody answered in time.", expired),
        ("review_disputed", "Reviews on which two people disagreed.", depth.disputed),
    ):
        yield Family(f"{PREFIX}_{name}_total", "counter", "1", told, (((), float(value)),))


def _gauge(name: str, told: str, value: float) -> Family:
    return Family(f"{PREFIX}_{name}", "gauge", "1", told, (((), value),))


def _octaves(one: Total) -> Histogram:
    """The bins of windows by octaves: every eighth edge is one of these."""
    counts = [0] * (len(EDGES_MS) + 1)
    for edge, times in zip(latency_edges(), one.latency, strict=True):
        counts[sum(edge >= each for each in EDGES_MS)] += times
    return Histogram(EDGES_MS, tuple(counts), one.took_ms)
