"""A record of contract strength speaks to the gate for exactly the subject it was made for."""

from __future__ import annotations

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.evaluate.mutants.catalogue import ALL
from shipworthy.facts import Outcome
from shipworthy.flows.strength.record import STRENGTH, read_strength, write_strength
from shipworthy.gate.strength import Strength, Tried
from shipworthy.runtime.subject import subject_of
from tests.flows.tiny import Tiny

pytestmark = pytest.mark.slow
SLO = """  - name: contract_strength
    objective: "The contract would stop a bad model."
    target: ">= 0.9"
    window: "rolling"
    action_on_breach: "kill_switch"
never_events:
"""


def whole(tiny: Tiny, survivors: int) -> Strength:
    """Return a record as a whole run would leave it."""
    rows = tuple(
        Tried(
            id=one.id, clause=one.clause, does=one.does, healthy=one.healthy,
            stopped="nowhere" if one.healthy or place < 5 + survivors else "gate",
        )
        for place, one in enumerate(ALL)
    )  # fmt: skip
    subject = subject_of(tiny.root, tiny.workspace.contract())
    return Strength(subject=subject, tried=rows, tool_version="0")


def demanding(tiny: Tiny) -> Tiny:
    tiny.edit("safety-slos.yaml", "never_events:\n", SLO)
    tiny.prepare()
    return tiny


def outcome(tiny: Tiny) -> Outcome:
    return next(one.outcome for one in tiny.judge().verdict.judgements if one.slo == "contract_strength")


@pytest.mark.parametrize(("survivors", "expected"), [(2, Outcome.MET), (3, Outcome.BREACHED)])
def test_the_gate_judges_an_slo_on_it_by_the_record(written: Tiny, survivors: int, expected: Outcome) -> None:
    tiny = demanding(written)
    assert outcome(tiny) is Outcome.NO_DATA
    write_strength(tiny.workspace, whole(tiny, survivors))
    assert outcome(tiny) is expected


def test_a_record_of_another_policy_speaks_for_nothing(written: Tiny) -> None:
    tiny = demanding(written)
    write_strength(tiny.workspace, whole(tiny, 0))
    tiny.edit("safety-slos.yaml", 'target: "<= 0.15"', 'target: "<= 0.14"')
    tiny.evaluate()
    assert outcome(tiny) is Outcome.NO_DATA


def test_a_record_that_cannot_be_read_blocks(prepared: Tiny) -> None:
    path = write_strength(prepared.workspace, whole(prepared, 0))
    path.write_bytes(path.read_bytes()[:-20])
    told = prepared.judge().verdict
    assert [one.exit_code for one in told.blocks if one.name == STRENGTH] == [4]
    path.write_bytes(b'{"schema": "shipworthy/strength@2"}')
    with pytest.raises(CannotDecide, match="not a record of strength"):
        read_strength(prepared.workspace, subject_of(prepared.root, prepared.workspace.contract()))
