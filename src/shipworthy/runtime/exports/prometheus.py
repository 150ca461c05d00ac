"""Families as Prometheus reads them: the text exposition format, version 0.0.4.

Source: prometheus.io/docs/instrumenting/exposition_formats. Label values are escaped (backslash, quote, line feed).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shipworthy.runtime.exports.families import Family, Histogram, Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text_of(families: Iterable[Family]) -> str:
    """Return the page. A family without a sample is left out: there is nothing to tell."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.told}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        if isinstance(value, Histogram):
            yield from _histogram(family.name, labels, value)
        else:
            yield f"{family.name}{_labels(labels)} {_number(value)}"


def _histogram(name: str, labels: Labels, value: Histogram) -> Iterator[str]:
    below = 0
    for edge, count in zip((*map(_number, value.edges), "+Inf"), value.counts, strict=True):
        below += count
        yield f"{name}_bucket{_labels((*labels, ('le', edge)))} {below}"
    yield f"{name}_sum{_labels(labels)} {_number(value.total)}"
    yield f"{name}_count{_labels(labels)} {below}"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
