"""The report in a terminal: what was decided, what would have paged, what moved, what could not be told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from shipworthy.facts import Outcome
from shipworthy.flows.monitor.told import MonitorReport, Verdict

MOST = 8
SAID = {
    Outcome.MET: "nothing breached, every SLO met",
    Outcome.UNDECIDED: "nothing breached, not every SLO proven",
    Outcome.BREACHED: "breached",
    Outcome.NO_DATA: "cannot decide",
}


def text(report: MonitorReport) -> str:
    """Return the lines."""
    return "\n".join(_lines(report))


def _lines(report: MonitorReport) -> Iterator[str]:
    periods = f"{len(report.periods)} periods of {report.every}" if report.every[-1].isalpha() else report.every
    yield f"{report.model}: {SAID[report.outcome]}; {report.rows} rows in {periods}, against {report.reference}"
    yield f"judged by {report.policy}"
    for name, told in by_slo(report).items():
        last = told[-1]
        states = Counter(str(one.outcome) for one in told)
        said = ", ".join(f"{n} {state}" for state, n in states.items())
        trial = " (trial)" if last.trial else ""
        yield f"  {name}{trial}: {said}; last: {last.because}"
    yield from _pages(report)
    moved = [one for one in sorted(report.features, key=lambda one: -one.excess) if one.lo > 0][:MOST]
    if moved:
        yield "moved: " + ", ".join(f"{one.feature} {one.excess:.3f} [{one.lo:.3f}, {one.hi:.3f}]" for one in moved)
    for unseen in report.unseen:
        yield f"unseen values of {unseen.feature}: {unseen.n} rows"
    for state in report.backtest:
        yield f"backtest {state.slo}: {state.sentence}"
    for note in report.notes:
        yield f"note: {note.n} {note.what}" + (f", first in {note.first}" if note.first else "")
    for line in report.not_told:
        yield f"not told: {line}"


def by_slo(report: MonitorReport) -> dict[str, list[Verdict]]:
    """Return the verdicts of each SLO and scope, oldest first; the scope is named where there are several."""
    several = len(report.versions) > 1
    held: defaultdict[str, list[Verdict]] = defaultdict(list)
    for one in report.verdicts:
        name = one.slo if one.segment == "*" else f"{one.slo} on {one.segment}"
        held[f"{name}, version {one.version}" if several else name].append(one)
    return dict(held)


def _pages(report: MonitorReport) -> Iterator[str]:
    n = len(report.pages)
    yield f"{n} page{'' if n == 1 else 's'}" + (" would have gone out:" if n else "")
    for one in report.pages[:MOST]:
        until = "" if one.periods == 1 else f" to {one.until} ({one.periods} periods)"
        where = "" if one.segment == "*" else f" on {one.segment}"
        yield f"  {one.at}{until}: {one.slo}{where}: {one.because}"
    if n > MOST:
        yield f"  and {n - MOST} more"
