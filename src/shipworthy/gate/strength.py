"""How strong a contract is: which of the mutants it stopped, and which healthy variants it let through.

In: what became of each. Out: `Strength`, bound to exactly one subject and without a clock, and from it the measurement
of `contract_strength`, which an SLO may demand. A mutant that could not be made is told and not counted. A rule that
also stops a healthy variant tells nothing apart: what only such rules stopped counts as not stopped, else a build that
refuses every other row, or a bar that nothing clears, would be the strongest contract of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from shipworthy.decide import judge
from shipworthy.facts import Clause, Fact, Judgement, Measurement, Policy, Subject

Where = Literal["gate", "runtime", "nowhere", "not made"]
INDICATOR = "contract_strength"


class Tried(Fact, frozen=True, kw_only=True):
    """What became of one mutant or healthy variant.

    `by`: the rules that stopped it, which the release itself passes. `requests`: answered before the runtime acted,
    of `sent`. `told`: of a survivor what would have noticed it, of one that could not be made why.
    """

    id: str
    clause: str
    does: str
    healthy: bool
    stopped: Where
    by: tuple[str, ...] = ()
    requests: int | None = None
    sent: int = 0
    told: str = ""


class Counted(Fact, frozen=True, kw_only=True):
    """`stopped` of `mutants`, in one clause or in all (`*`)."""

    clause: str
    stopped: int
    mutants: int


class Strength(Fact, frozen=True, kw_only=True):
    """The record. `whole`: nothing was left out by choice. `not_exercised`: rules that the release itself does not
    pass here, so that no mutant was counted as stopped by them."""

    schema: Literal["shipworthy/strength@1"] = "shipworthy/strength@1"
    subject: Subject
    tried: tuple[Tried, ...]
    not_exercised: tuple[str, ...] = ()
    whole: bool = True
    tool_version: str

    @property
    def mutants(self) -> tuple[Tried, ...]:
        """The mutants that could be made."""
        return tuple(one for one in self.tried if not one.healthy and one.stopped != "not made")

    @property
    def survivors(self) -> tuple[Tried, ...]:
        """The mutants that nothing stopped which lets healthy variants through."""
        return tuple(one for one in self.mutants if not self.caught(one))

    def caught(self, one: Tried) -> bool:
        """True when a rule stopped it that stops no healthy variant."""
        tight = {_rule(name) for other in self.too_tight for name in other.by}
        return _stopped(one) and not (one.by and tight.issuperset(map(_rule, one.by)))

    @property
    def too_tight(self) -> tuple[Tried, ...]:
        """The healthy variants that something stopped."""
        return tuple(one for one in self.tried if one.healthy and _stopped(one))

    @property
    def healthy(self) -> tuple[Tried, ...]:
        """The healthy variants that could be made."""
        return tuple(one for one in self.tried if one.healthy and one.stopped != "not made")


def counts(record: Strength) -> tuple[Counted, ...]:
    """Return stopped and tried by clause, the whole (`*`) last. A clause without a mutant is not in it."""
    clauses = [clause.value for clause in Clause]
    made = [_counted(clause, record, [one for one in record.mutants if one.clause == clause]) for clause in clauses]
    return (*(one for one in made if one.mutants), _counted("*", record, record.mutants))


def contract_strength(record: Strength) -> Measurement:
    """Return the measurement: stopped of tried. It is counted, not sampled, so its bounds are itself.

    Without a mutant, or when some were left out by choice, there is no value.
    """
    whole = _counted("*", record, record.mutants)
    known = record.whole and whole.mutants > 0
    value = whole.stopped / whole.mutants if known else None
    tight = f"; {len(record.too_tight)} of {len(record.healthy)} healthy variants stopped too"
    return Measurement(
        indicator=INDICATOR,
        n=whole.mutants,
        hits=whole.stopped,
        value=value,
        lo=value,
        hi=value,
        level=1.0,
        method=f"mutants put through pack, gate and runtime{tight}",
    )


def verdict_on(policy: Policy, record: Strength) -> tuple[Judgement, ...]:
    """Return what the policy's SLOs on contract strength say of a record; none where it asks for nothing."""
    seen = contract_strength(record)
    return tuple(
        judge(slo, segment, (seen,)) for slo in policy.slos if slo.indicator == INDICATOR for segment in slo.segments
    )


def _counted(clause: str, record: Strength, mutants: Iterable[Tried]) -> Counted:
    told = [record.caught(one) for one in mutants]
    return Counted(clause=clause, stopped=sum(told), mutants=len(told))


def _rule(name: str) -> str:
    """The name of a block goes on with its reason, which may tell digests that are other ones for every artefact."""
    return name.partition(": ")[0]


def _stopped(one: Tried) -> bool:
    return one.stopped in ("gate", "runtime")
