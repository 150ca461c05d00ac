"""Canary share over time: how much of each tenant's traffic the candidate answered.

In: `share` [{t, tenant, share}] and `stage_share` [{t, share}], hours since Monday 06:00. Out: a figure.
"""

from __future__ import annotations

import msgspec

from shipworthy.web.axes import linear, moment, percent
from shipworthy.web.charts import Series, chart
from shipworthy.web.figures.recorded import TRAFFIC, Recorded, read, shown, thinned, time_axis
from shipworthy.web.markup import figure, table

TITLE = "Canary share"
SENTENCE = (
    "What to see: each line is the part of one tenant's claims that the new model answered; tenants of the stage should"
    " stay near its dashed limit, and all others should lie at zero."
)
_STYLES = 6


class Reading(msgspec.Struct):
    """The candidate's share of one tenant's traffic at one moment."""

    t: float
    tenant: str
    share: float | None = None


class Stage(msgspec.Struct):
    """The share that the stage allows from `t` on."""

    t: float
    share: float | None = None


def canary_share(recorded: Recorded) -> str:
    """Return the figure: one step line a tenant, the stage's limit dashed."""
    time = time_axis(recorded, TRAFFIC)
    readings = sorted(read(recorded, "share", Reading), key=lambda reading: reading.t)
    stages = sorted(read(recorded, "stage_share", Stage), key=lambda stage: stage.t)
    tenants = list(dict.fromkeys(reading.tenant for reading in readings))
    lines = [
        Series(
            name=tenant,
            points=tuple((one.t, one.share) for one in readings if one.tenant == tenant),
            style="step",
            css=f"c{i % _STYLES}",
        )
        for i, tenant in enumerate(tenants)
    ]
    limit = tuple((stage.t, stage.share) for stage in stages)
    if limit:
        last = (time.hi, limit[-1][1])  # a stage lasts until the next one
        lines.append(Series(name="the stage's limit", points=(*limit, last), style="step", css="limit"))
    top = max([one.share or 0.0 for one in readings] + [stage.share or 0.0 for stage in stages] + [0.0])
    y = linear(min(max(1.15 * top, 0.02), 1.0), "share of the tenant's claims", percent)
    drawing = chart(TITLE, time, y, lines if readings else [])
    return figure(TITLE, SENTENCE, _measured(readings), drawing, _numbers(readings, stages, tenants))


def _measured(readings: list[Reading]) -> str:
    known = [(one.share, one) for one in readings if one.share is not None]
    if not known:
        return ""
    share, one = max(known, key=lambda pair: pair[0])
    return f"Highest reading: {percent(share)} ({one.tenant}, {moment(one.t)})."


def _numbers(readings: list[Reading], stages: list[Stage], tenants: list[str]) -> str:
    seen: dict[float, dict[str, float | None]] = {}
    for one in readings:
        seen.setdefault(one.t, {})[one.tenant] = one.share
    kept, left_out = thinned(sorted(seen))
    rows = [[moment(t), *(shown(seen[t].get(tenant)) for tenant in tenants)] for t in kept]
    limits = [[moment(stage.t), shown(stage.share)] for stage in stages]
    return table(f"Share of each tenant{left_out}", ["when", *tenants], rows) + table(
        "The stage's limit", ["from", "share"], limits
    )
