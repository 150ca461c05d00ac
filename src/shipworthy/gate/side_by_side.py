"""Security next to accuracy: one table, the same columns, the same prominence.

In: evidence, the policy, the cases, the seed of the pack, and the outcomes of a verdict where there is one. Out: a line
per measurement and SLO of accuracy, then one per measurement, SLO and case of security. What was measured and nobody
asks for is there too. A half with nothing in it says so: silence about security is no good news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shipworthy.decide import Place, is_judged, judge, judge_case
from shipworthy.facts import Case, CaseResult, Evidence, Measurement, Outcome, Policy, Slo
from shipworthy.gate.table import Row
from shipworthy.indicators import INDICATORS

ACCURACY = ("auroc", "error_rate", "auto_error_rate", "decision_ece")
SECURITY = (
    "feasible_flip_rate",
    "membership_tpr",
    "extraction_fidelity",
    "backdoor_findings",
    "artefact_findings",
    "rebuild_match",
)
KINDS = frozenset(
    {"adversarial", "artefact", "backdoor_data", "backdoor_weights", "misuse", "poisoning", "privacy", "redteam"}
)
"""Kinds of cases that are about security, whatever their clause; so is every case of the clause systemic safety."""
NOT_ASKED = "not asked"
NOT_MEASURED = "not measured"
WORDS = {Outcome.MET: "met", Outcome.BREACHED: "breached", Outcome.UNDECIDED: "undecided", Outcome.NO_DATA: "no data"}

Outcomes = Mapping[tuple[str, str], Outcome]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; all texts. `about`: accuracy or security. `bound`: both one-sided bounds, empty for a count. `seed`:
    that of the case, or of the pack."""

    about: str
    what: str
    n: str
    value: str
    bound: str
    target: str
    outcome: str
    seed: str

    @property
    def good(self) -> bool:
        """True when the line is proven good."""
        return self.outcome == WORDS[Outcome.MET]


def lines(
    evidence: Evidence | None,
    policy: Policy,
    cases: Iterable[Case] = (),
    seed: int | None = None,
    outcomes: Outcomes | None = None,
) -> tuple[Line, ...]:
    """Return the table. Without `outcomes` each line is judged by its own target, at the gate."""
    made: list[Line] = []
    for about, names in (("accuracy", ACCURACY), ("security", SECURITY)):
        half = [line for name in names for line in _of(about, name, evidence, policy, seed, outcomes or {})]
        if about == "security":
            half += _cases(evidence, cases, outcomes or {})
        made += half or [_line(about, "nothing", outcome=NOT_MEASURED)]
    return tuple(made)


def outcomes_of(table: Iterable[Row]) -> dict[tuple[str, str], Outcome]:
    """Return the outcome of every row of the release's table by name and segment."""
    return {(row.name, row.segment): row.outcome for row in table}


def _of(
    about: str, name: str, evidence: Evidence | None, policy: Policy, seed: int | None, outcomes: Outcomes
) -> list[Line]:
    slos = [slo for slo in policy.slos if slo.indicator == name and is_judged(slo, Place.GATE)]
    measured = [
        one for one in (evidence.measurements if evidence else ()) if one.indicator == name and one.part is None
    ]
    made = [
        _asked(about, slo, segment, measured, seed, outcomes) for slo in slos for segment in (slo.segments or ("*",))
    ]
    asked = {(slo.quantile, segment) for slo in slos for segment in slo.segments}
    free = [one for one in measured if (one.quantile, one.segment) not in asked]
    return made + [_shown(about, _name(one), one, "", NOT_ASKED, seed) for one in free]


def _asked(
    about: str, slo: Slo, segment: str, measured: list[Measurement], seed: int | None, outcomes: Outcomes
) -> Line:
    told = outcomes.get((slo.name, segment)) or judge(slo, segment, measured).outcome
    word = WORDS[told] + (", on trial" if slo.trial else "")
    what = slo.name if segment == "*" else f"{slo.name} on {segment}"
    found = next((one for one in measured if (one.quantile, one.segment) == (slo.quantile, segment)), None)
    if found is None:
        return _line(about, what, target=str(slo.target), outcome=word)
    return _shown(about, what, found, str(slo.target), word, seed)


def _cases(evidence: Evidence | None, cases: Iterable[Case], outcomes: Outcomes) -> list[Line]:
    results = {one.case: one for one in (evidence.cases if evidence else ())}
    return [
        _case(case, results.get(case.id), outcomes)
        for case in cases
        if case.kind in KINDS or case.clause == "systemic_safety"
    ]


def _case(case: Case, one: CaseResult | None, outcomes: Outcomes) -> Line:
    what = f"case:{case.id}" if case.segment == "*" else f"case:{case.id} on {case.segment}"
    target = f"{case.oracle.op} {case.oracle.target:g}"
    minor = "" if case.severity != "minor" and not case.trial else ", does not decide"
    if one is None:
        return _line("security", what, target=target, outcome=WORDS[Outcome.NO_DATA] + minor)
    told = outcomes.get((f"case:{case.id}", case.segment)) or judge_case(one).outcome
    number = _number(one.value), _bound(one.lo, one.hi)
    return Line(
        about="security", what=what, n=str(one.n), value=number[0], bound=number[1], target=target,
        outcome=WORDS[told] + minor, seed=str(one.seed),
    )  # fmt: skip


def _shown(about: str, what: str, one: Measurement, target: str, outcome: str, seed: int | None) -> Line:
    row = INDICATORS.get(one.indicator)
    exact = row is not None and row.kind in ("count", "enumerated")
    bound = "" if exact else _bound(one.lo, one.hi)
    told = "" if seed is None else str(seed)
    return Line(
        about=about, what=what, n=str(one.n), value=_number(one.value), bound=bound, target=target, outcome=outcome,
        seed=told,
    )  # fmt: skip


def _line(about: str, what: str, target: str = "", outcome: str = "") -> Line:
    return Line(about=about, what=what, n="0", value="–", bound="", target=target, outcome=outcome, seed="")


def _name(one: Measurement) -> str:
    name = one.indicator if one.quantile is None else f"{one.indicator}_p{one.quantile}"
    return name if one.segment == "*" else f"{name} on {one.segment}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _bound(lo: float | None, hi: float | None) -> str:
    return "" if lo is None or hi is None or lo == hi else f"[{lo:.3f}, {hi:.3f}]"
