"""Families as OpenTelemetry receivers take them: OTLP over HTTP with JSON, pushed by `serve --otlp URL`.

In: families and the times they cover. Out: the body of one `POST <URL>/v1/metrics`. Sums and histograms are cumulative
since the process began; names keep their unit apart, as OTLP has it.

Source: opentelemetry.io/docs/specs/otlp (OTLP 1.x, JSON Protobuf encoding: 64-bit integers are texts, fields are in
camel case).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shipworthy.runtime.exports.families import Family, Histogram, Labels

CUMULATIVE = 2
PATH = "/v1/metrics"


def body_of(families: Iterable[Family], resource: Labels, start_ns: int, now_ns: int) -> dict[str, Any]:
    """Return the request as plain values; `start_ns`: when counting began, nanoseconds since the epoch."""
    metrics = [_metric(family, start_ns, now_ns) for family in families if family.samples]
    scope = {"scope": {"name": "shipworthy"}, "metrics": metrics}
    return {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": [scope]}]}


def _metric(family: Family, start_ns: int, now_ns: int) -> dict[str, Any]:
    points = [_point(labels, value, start_ns, now_ns) for labels, value in family.samples]
    held: dict[str, Any] = {"dataPoints": points}
    if family.kind != "gauge":
        held["aggregationTemporality"] = CUMULATIVE
    if family.kind == "counter":
        held["isMonotonic"] = True
    kind = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}[family.kind]
    return {"name": family.name, "description": family.told, "unit": family.unit, kind: held}


def _point(labels: Labels, value: float | Histogram, start_ns: int, now_ns: int) -> dict[str, Any]:
    point: dict[str, Any] = {
        "attributes": _attributes(labels),
        "startTimeUnixNano": str(start_ns),
        "timeUnixNano": str(now_ns),
    }
    if not isinstance(value, Histogram):
        return point | {"asDouble": value}
    return point | {
        "count": str(sum(value.counts)),
        "sum": value.total,
        "bucketCounts": [str(count) for count in value.counts],
        "explicitBounds": list(value.edges),
    }


def _attributes(labels: Labels) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in labels]
