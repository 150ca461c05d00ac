"""The level of everything that may page, from one budget: "at most one false page a week".

In: `alarms: {false_pages_per_week}` of the contract and the policies of the loaded versions. Out: the level of the
streams of repeated odd requests, and that at which an SLO counts as breached at run time, where it is looked at every
minute. Half of the budget is the streams', the other half is dealt to SLOs and their segments alike; when a version
comes it is dealt anew (`stats.alarm_budget`).

An SLO's own `level` goes on saying when it is met. A breach at that level only, which a week of looks would bring by
chance, is undecided.
"""

from __future__ import annotations

from msgspec.structs import replace

from shipworthy.facts import Judgement, Outcome, Policy, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.stats.alarm_budget import Allocation, Stream, allocate

REPEATS = "ood_repeats"
LOOKS_OF_REPEATS = 10_000_000.0  # a week: a million requests, each of them in about ten streams
LOOKS_OF_SLOS = 7 * 24 * 60.0  # a week: once a minute
_CERTAIN = ("count", "enumerated")  # nothing is estimated


class AlarmLevels:
    """Levels by stream. Raises ValueError unless the budget is positive and finite."""

    def __init__(self, false_pages_per_week: float) -> None:
        self._budget = false_pages_per_week
        self._policies: dict[str, Policy] = {}
        self._dealt = self._deal()

    @property
    def repeats(self) -> float:
        """Return the level of each look at a stream of repeated odd requests."""
        return self._dealt.levels[REPEATS]

    @property
    def expected(self) -> float:
        """Return the false pages a week to expect at most."""
        return self._dealt.expected

    def watch(self, version: str, policy: Policy) -> None:
        """Deal anew with the SLOs of a version among the rest."""
        self._policies[version] = policy
        self._dealt = self._deal()

    def leave(self, version: str) -> None:
        """Deal anew without a version that is served no more."""
        if self._policies.pop(version, None) is not None:
            self._dealt = self._deal()

    def level(self, version: str, slo: Slo, segment: str) -> float:
        """Return the confidence that a breach needs here: never less than the SLO's own."""
        share = self._dealt.levels.get(_name(version, slo, segment))
        return slo.level if share is None else max(slo.level, 1.0 - share)

    def told(self) -> dict[str, float]:
        """Return the budget, what is expected of it, and the levels, for the status page."""
        return {"false_pages_per_week": self._budget, "expected_at_most": self.expected, **self._dealt.levels}

    def _deal(self) -> Allocation:
        slos = [
            _name(version, slo, segment)
            for version, policy in self._policies.items()
            for slo in policy.slos
            if _estimated(slo)
            for segment in slo.segments
        ]
        streams = [Stream(name, LOOKS_OF_SLOS, 1.0 / len(slos)) for name in slos] or [Stream("", LOOKS_OF_SLOS)]
        return allocate(self._budget, [Stream(REPEATS, LOOKS_OF_REPEATS), *streams], reserve=0.0)


def held_back(at_own: Judgement, at_budget: Judgement, level: float) -> Judgement:
    """Return the judgement that acts: a breach at the SLO's own level that the budget's does not prove is undecided."""
    if at_own.outcome is not Outcome.BREACHED or at_budget.outcome is Outcome.BREACHED:
        return at_own
    why = f"{at_own.because}; a page needs {100 * level:.6g} % by the alarm budget"
    return replace(at_own, outcome=Outcome.UNDECIDED, because=why)


def _estimated(slo: Slo) -> bool:
    row = INDICATORS[slo.indicator]
    return row.online and row.kind not in _CERTAIN and slo.evidence != "point" and not slo.trial


def _name(version: str, slo: Slo, segment: str) -> str:
    return f"{version} {slo.name} {segment}"
