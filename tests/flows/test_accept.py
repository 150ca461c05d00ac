"""A case without approved rows decides nothing, until two people accept that for a time; their word ends by itself."""

from __future__ import annotations

import pytest

from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import CaseResult, Decision
from shipworthy.flows import decide
from tests.flows.tiny import Tiny

CASE = """  - id: backdoor.alone
    clause: systemic_safety
    kind: backdoor_data
    generator: {name: lift_scan, trusted: none}
    oracle: {name: findings, metric: backdoor_findings, op: "==", target: 0}
    severity: minor
    owner: chidi
"""


@pytest.fixture
def open_case(prepared: Tiny) -> Tiny:
    """A built version whose pack holds a case without approved rows."""
    path = prepared.root / "robustness-pack.yaml"
    path.write_text(path.read_text() + CASE)
    return prepared


def until(tiny: Tiny, days: int) -> str:
    tiny.clock.advance(days * 86400)
    told = tiny.workspace.now()[:10]
    tiny.clock.advance(-days * 86400)
    return told


def result(tiny: Tiny) -> CaseResult:
    return next(one for one in tiny.evaluate().cases if one.case == "backdoor.alone")


def accepted(tiny: Tiny) -> frozenset[str]:
    return decide.accepted_cases(tiny.workspace, tiny.workspace.contract())


def sign(tiny: Tiny, day: str, *who: tuple[str, str]) -> decide.Recorded:
    made = [decide.accept(tiny.workspace, "backdoor.alone", day, person, role) for person, role in who]
    return made[-1]


def test_two_people_accept_what_a_case_leaves_open_and_it_passes_until_their_day(open_case: Tiny) -> None:
    assert result(open_case).status == "inconclusive"
    day = until(open_case, 30)
    assert sign(open_case, day, ("ben", "reviewer")).waits
    assert accepted(open_case) == frozenset(), "one signature accepts nothing"
    assert not sign(open_case, day, ("chidi", "ml")).waits
    assert accepted(open_case) == {"backdoor.alone"}
    assert result(open_case).status == "pass"
    open_case.clock.advance(30 * 86400)
    assert accepted(open_case) == {"backdoor.alone"}, "the last day belongs to it"
    open_case.clock.advance(86400)
    assert accepted(open_case) == frozenset()
    assert result(open_case).status == "inconclusive"


def test_the_gate_asks_again_whether_an_acceptance_holds(open_case: Tiny) -> None:
    day = until(open_case, 30)
    sign(open_case, day, ("ben", "reviewer"), ("chidi", "ml"))
    open_case.prepare()
    assert open_case.judge().verdict.decision is Decision.SHIP
    open_case.clock.advance(31 * 86400)
    verdict = open_case.judge().verdict
    assert verdict.decision is Decision.UNDECIDED
    assert [one.name for one in verdict.blocks] == ["case:backdoor.alone"]


def test_a_day_that_was_moved_in_the_record_is_not_what_was_signed(open_case: Tiny) -> None:
    day, later = until(open_case, 10), until(open_case, 300)
    made = sign(open_case, day, ("ben", "reviewer"), ("chidi", "ml"))
    open_case.edit(made.file, f'next-review: "{day}"', f'next-review: "{later}"')
    assert accepted(open_case) == frozenset()


def test_another_case_or_other_rows_are_not_what_was_signed(open_case: Tiny) -> None:
    sign(open_case, until(open_case, 10), ("ben", "reviewer"), ("chidi", "ml"))
    open_case.edit("robustness-pack.yaml", "lift_scan, trusted: none", "lift_scan, trusted: none, suspect: test")
    assert accepted(open_case) == frozenset()


def test_a_record_that_calls_itself_accepted_needs_both_signatures(open_case: Tiny) -> None:
    made = sign(open_case, until(open_case, 10), ("ben", "reviewer"))
    open_case.edit(made.file, 'status: "proposed"', "status: accepted")
    assert accepted(open_case) == frozenset()


def test_a_withdrawn_acceptance_does_not_hold(open_case: Tiny) -> None:
    made = sign(open_case, until(open_case, 10), ("ben", "reviewer"), ("chidi", "ml"))
    open_case.edit(made.file, "status: accepted", "status: deprecated")
    assert accepted(open_case) == frozenset()


@pytest.mark.parametrize(
    ("name", "days"), [("tail.fast", 10), ("no.such", 10), ("backdoor.alone", -1), ("backdoor.alone", 400)]
)
def test_only_an_open_question_is_accepted_and_only_for_a_time(open_case: Tiny, name: str, days: int) -> None:
    with pytest.raises(UsageError):
        decide.accept(open_case.workspace, name, until(open_case, days), "ben", "reviewer")


def test_who_has_not_the_role_accepts_nothing(open_case: Tiny) -> None:
    with pytest.raises((PolicySaysNo, CannotDecide)):
        decide.accept(open_case.workspace, "backdoor.alone", until(open_case, 10), "ana", "reviewer")


def test_evidence_made_while_it_was_accepted_is_not_green_after_its_day(open_case: Tiny) -> None:
    open_case.edit(
        "robustness-pack.yaml", "target: 0}\n    severity: minor", "target: 0}\n    severity: blocker"
    )  # the last case alone is written so
    made = sign(open_case, until(open_case, 30), ("ben", "reviewer"), ("chidi", "ml"))
    assert result(open_case).status == "pass"

    def blocked() -> list[str]:
        return [one.because for one in open_case.judge().verdict.blocks if one.name == "case:backdoor.alone"]

    assert blocked() == []
    open_case.clock.advance(31 * 86400)
    assert len(blocked()) == 1
    open_case.clock.advance(-31 * 86400)
    open_case.edit(made.file, "status: accepted", "status: deprecated")
    assert len(blocked()) == 1, "a withdrawn word is none either"
