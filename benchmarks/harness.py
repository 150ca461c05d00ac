"""Measuring ours against a peer: interleaved rounds in one process, medians, ratios with their range.

In: two callables that do the same job. Out: one `Result`. Each round runs both, the other one first in every second
round, so that a machine that grows slower or faster meanwhile does it to both; the ratio is taken within a round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from time import perf_counter

import msgspec

Job = Callable[[], object]

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each (median over rounds); `ratios` = peer / ours, one a round: above 1, ours is faster."""

    what: str
    peer: str
    ours_s: float
    peer_s: float
    ratios: tuple[float, ...]
    note: str = ""

    @property
    def ratio(self) -> float:
        """Return the median ratio."""
        return median(self.ratios)

    def said(self, note: str) -> Result:
        """Return the same with a remark that is printed behind it."""
        return msgspec.structs.replace(self, note=note)


def compare(what: str, peer: str, ours: Job, theirs: Job, *, rounds: int = 7, calls: int = 1, jobs: int = 1) -> Result:
    """Run both in `rounds` interleaved rounds after one warm-up each.

    `calls` repeats a job within a round; `jobs` is how many units of work one call does, to give the time of one.
    """
    ours(), theirs()
    pairs = []
    for i in range(rounds):
        if i % 2:
            peer_s = _seconds(theirs, calls)
            ours_s = _seconds(ours, calls)
        else:
            ours_s = _seconds(ours, calls)
            peer_s = _seconds(theirs, calls)
        pairs.append((ours_s / jobs, peer_s / jobs))
    return Result(
        what=what,
        peer=peer,
        ours_s=median(pair[0] for pair in pairs),
        peer_s=median(pair[1] for pair in pairs),
        ratios=tuple(peer_s / ours_s for ours_s, peer_s in pairs),
    )


def show(results: Iterable[Result]) -> str:
    """Return the results as a table: what, ours, peer, ratio with least and largest round."""
    header = ("what", "ours", "peer", "", "peer / ours", "min–max", "")
    rows = [
        (
            one.what,
            written(one.ours_s),
            written(one.peer_s),
            one.peer,
            f"{one.ratio:.2f}",
            f"{min(one.ratios):.2f}–{max(one.ratios):.2f}",
            one.note,
        )
        for one in results
    ]
    return lined([header, *rows], right=(1, 2, 4, 5))


def lined(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows as columns of equal width; those numbered in `right` end flush."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_line(row, widths, right) for row in rows)


def written(seconds: float) -> str:
    """Return a duration with three digits in a unit that suits it.

    >>> written(0.0000123), written(2.5), written(0.1)
    ('12.3 µs', '2.5 s', '100 ms')
    """
    scale, unit = next((scale, unit) for scale, unit in _UNITS if seconds >= scale)
    return f"{seconds / (scale or 1e-9):.3g} {unit}"


def _seconds(job: Job, calls: int) -> float:
    gc.collect()  # what the other one left behind is not paid here
    start = perf_counter()
    for _ in range(calls):
        job()
    return (perf_counter() - start) / calls


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if i in right else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
