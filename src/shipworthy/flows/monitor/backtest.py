"""A changed policy over the same past windows: what it would have paged, beside what the present one would have.

In: both policies and the windows. Out: per SLO pages, and periods in each state, under both, with a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shipworthy.facts import Policy, Slo
from shipworthy.flows.monitor.judged import FROM_LOGS, Seen, pages, verdicts
from shipworthy.flows.monitor.told import Page, States, Verdict

NONE = "–"
_TIMES = {0: "not have paged at all", 1: "have paged once"}


def states(policy: Policy, changed: Policy, seen: Seen) -> tuple[States, ...]:
    """Return a line per SLO that either policy has and a log can show, in the order of the changed one."""
    mine, theirs = ({slo.name: slo for slo in one.slos if slo.indicator in FROM_LOGS} for one in (policy, changed))
    told = [(verdicts(one, seen)) for one in (policy, changed)]
    paged = [pages(one, seen.every) for one in told]
    return tuple(
        _states(name, (mine.get(name), theirs.get(name)), told, paged) for name in dict.fromkeys([*theirs, *mine])
    )


def _states(
    name: str,
    slos: tuple[Slo | None, Slo | None],
    told: Sequence[Sequence[Verdict]],
    paged: Sequence[Sequence[Page]],
) -> States:
    counts = [Counter(str(one.outcome) for one in part if one.slo == name) for part in told]
    times = [sum(one.slo == name for one in part) for part in paged]
    targets = [NONE if slo is None else str(slo.target) for slo in slos]
    return States(
        slo=name,
        target=targets[0],
        changed_target=targets[1],
        pages=times[0],
        changed_pages=times[1],
        periods=dict(sorted(counts[0].items())),
        changed_periods=dict(sorted(counts[1].items())),
        sentence=_sentence(slos, times, targets, counts),
    )


def _sentence(
    slos: tuple[Slo | None, Slo | None], times: list[int], targets: list[str], counts: Sequence[Counter[str]]
) -> str:
    before, after = slos
    if after is None:
        return f"the changed policy does not ask for this; the present one would {_paged(times[0])}"
    silent = counts[1]["no_data"] and counts[1]["no_data"] == counts[1].total()
    if silent:
        return f"{targets[1]} could not be judged in any period"
    told = f"{'this threshold' if before is not None else 'this SLO'} ({targets[1]}) would {_paged(times[1])}"
    if before is None:
        return f"{told}; the present policy does not ask for it"
    return f"{told}; the present one ({targets[0]}) {times[0]}"


def _paged(times: int) -> str:
    return _TIMES.get(times) or f"have paged {times} times"
