"""What another tool reports, in our words, and the measurement it makes.

In: results, each passed, failed, errored or skipped. Out: one `Measurement` of source `imported` for one SLO. Whatever
did not pass counts against the model, errors included (they stay in the denominator); a skipped result is no result,
and one of them makes the number `no data`. Repeats of the same question count once, by their worst: ten answers to one
prompt are not ten independent trials.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from shipworthy.facts import Counts, Digest, Measurement, Origin, Slo, Subject
from shipworthy.indicators import INDICATORS
from shipworthy.stats.bounds import rate_bounds

Ended = Literal["passed", "failed", "errored", "skipped"]
_WORST: tuple[Ended, ...] = ("passed", "skipped", "failed", "errored")  # of several answers to one question


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result. `test` names the question: results of one question count once. `slo`, `clause` if the file says."""

    test: str
    ended: Ended
    slo: str = ""
    clause: str = ""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All results of one file. `subject` is what they were made on, when the file says so itself."""

    tool: str
    tool_version: str
    results: tuple[Result, ...]
    subject: Subject | None = None


def worst_of_each(results: Iterable[Result]) -> dict[str, Ended]:
    """Return how each question ended: the worst of its answers."""
    ended: dict[str, Ended] = {}
    for one in results:
        ended[one.test] = max(ended.get(one.test, "passed"), one.ended, key=_WORST.index)
    return ended


def measure(
    told: Results, results: Iterable[Result], slo: Slo, segment: str, format_: str, file: Digest
) -> Measurement:
    """Return the measurement that `results` (a part of `told`) make for one SLO.

    Hits are passes where more is better, and everything else where less is better. Bounds are exact (Clopper-Pearson),
    one-sided at the SLO's level. No results, or a skipped one: no value.
    """
    ended = list(worst_of_each(results).values())
    counts = Counts(
        passed=ended.count("passed"),
        failed=ended.count("failed"),
        errored=ended.count("errored"),
        skipped=ended.count("skipped"),
    )
    row = INDICATORS[slo.indicator]
    n = counts.total
    hits = counts.passed if row.good == "up" else n - counts.passed
    value, lo, hi = _numbers(row.kind, hits, n, slo.level) if n and not counts.skipped else (None, None, None)
    return Measurement(
        indicator=slo.indicator,
        segment=segment,
        quantile=slo.quantile,
        source="imported",
        n=n,
        hits=hits,
        value=value,
        lo=lo,
        hi=hi,
        level=slo.level,
        method=f"{format_}, exact",
        origin=Origin(
            slo=slo.name,
            format=format_,
            tool=told.tool,
            tool_version=told.tool_version,
            file=file,
            counts=counts,
        ),
    )


def _numbers(kind: str, hits: int, n: int, level: float) -> tuple[float, float, float]:
    if kind == "count":
        return float(hits), float(hits), float(hits)
    lo, hi = rate_bounds(hits, n, level)
    return hits / n, lo, hi
