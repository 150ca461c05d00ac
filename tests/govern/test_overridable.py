"""What two people may let through is a closed list: never events, unsafe files and broken proofs are not on it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.lock import Lock
from shipworthy.facts import Block, Case, Decision, Oracle, Outcome, Policy, Target, Verdict
from shipworthy.govern.overridable import INDICATORS, red_rows, refusals
from shipworthy.indicators import INDICATORS as ALL
from tests.flows.tiny import Tiny
from tests.gate.test_verdict import CASE, ERROR
from tests.govern.made import judgement, verdict

NEVER = msgspec.structs.replace(
    ERROR, name="no_harm", indicator="never_event_violations", target=Target(op="==", value=0), primary=False
)
POLICY = Policy(slos=(ERROR, NEVER))


@pytest.fixture(name="lock")
def _lock(shipped: Tiny) -> Lock:
    contract, _ = read_contract(shipped.root)
    assert contract is not None
    assert contract.lock is not None
    return contract.lock


def refused(told: Verdict, lock: Lock | None, *cases: Case) -> tuple[str, ...]:
    """Return the reasons under the policy of this page."""
    return refusals(told, POLICY, cases or (CASE,), lock)


def loosened(row: str) -> Verdict:
    """Return a verdict that one loosening keeps from shipping."""
    block = Block(name="loosened", because=row, fix="record a decision", exit_code=1)
    return verdict(judgement(outcome=Outcome.MET), blocks=(block,))


@pytest.mark.parametrize(
    "slo", ["error_rate", "error_rate vs baseline", "case:tail.x"], ids=["an SLO", "a comparison", "a case"]
)
@pytest.mark.parametrize("outcome", [Outcome.BREACHED, Outcome.UNDECIDED, Outcome.NO_DATA])
def test_rows_of_the_table_may_be_let_through(lock: Lock, slo: str, outcome: Outcome) -> None:
    assert refused(verdict(judgement(slo, outcome)), lock) == ()


def test_never_events_are_not_even_by_another_name(lock: Lock) -> None:
    assert refused(verdict(judgement(), judgement("no_harm")), lock) == (
        "no_harm: never_event_violations is never overridden",
    )
    assert refused(verdict(judgement("no_harm vs baseline")), lock)


def test_the_list_of_indicators_is_closed() -> None:
    assert set(ALL) > INDICATORS
    kept = {"never_event_violations", "never_event_unknown", "artefact_findings", "backdoor_findings", "rebuild_match"}
    assert not kept & INDICATORS
    assert not {name for name in INDICATORS if ALL[name].kind == "count"}


@pytest.mark.parametrize("name", ["signature", "lock", "evidence", "coverage", "contract", "decision", "anything"])
def test_a_hard_block_stands(lock: Lock, name: str) -> None:
    block = Block(name=name, because="it is so", fix="mend it", exit_code=4)
    assert refused(verdict(judgement(), blocks=(block,)), lock) == (
        f"{name}: it is so: cannot be overridden — mend it",
    )


def test_a_hard_block_does_not_pass_by_its_words(lock: Lock) -> None:
    block = Block(name="evidence", because="slo error_rate: removed", fix="mend it", exit_code=4)
    assert refused(verdict(judgement(), blocks=(block,)), lock)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "backdoor_data"}, False),
        ({"kind": "never_event"}, False),
        ({"oracle": Oracle(name="x", metric="never_event_violations", op="==", target=0)}, False),
        ({"oracle": Oracle(name="x", metric="backdoor_findings", op="==", target=0)}, False),
        ({"oracle": Oracle(name="x", metric="membership_tpr", op="<=", target=0.1)}, True),
        ({"kind": "bias"}, True),
        ({"id": "another"}, False),
    ],
)
def test_some_cases_stand(lock: Lock, change: dict[str, Any], expected: bool) -> None:
    case = msgspec.structs.replace(CASE, **change)
    assert (refused(verdict(judgement("case:tail.x")), lock, case) == ()) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("slo error_rate: target <= 0.3 → <= 0.35", True),
        ("slo error_rate: removed", True),
        ("slo never_event_violations: removed", False),
        ("slo never_event_violations: trial false → true", False),
        ("slo artefact_findings: target == 0 → <= 3", False),
        ("slo unheard_of: removed", False),
        ("never event never_deny_fast: removed", False),
        ("never event never_deny_fast: scope version → tenant", False),
        ("person eve: added with roles operator, reviewer", False),
        ("issuer verdict: key aa → bb", False),
        ("stakes: high → low", False),
        ("role reviewer: removed", False),
        ("segment key supplier: removed", False),
        ("feature age: max 110 → 120", False),
        ("fallback: human_review → baseline", False),
        ("case tail.fast: target <= 0.2 → <= 0.4", True),
        ("case backdoor: target == 0 → <= 3", False),
        ("case tail.gone: removed", False),
        ("case tail.fast", False),
        ("", False),
    ],
)
def test_only_the_bar_of_an_slo_or_case_may_be_lower_for_a_while(lock: Lock, row: str, expected: bool) -> None:
    fast = msgspec.structs.replace(CASE, id="tail.fast")
    backdoor = msgspec.structs.replace(CASE, id="backdoor")  # by its new words it is a tail: the lock knows better
    assert (refused(loosened(row), lock, fast, backdoor) == ()) is expected


def test_a_case_that_is_gone_cannot_be_let_go_for_a_while(lock: Lock) -> None:
    assert refused(loosened("case tail.fast: removed"), lock, CASE)


def test_a_first_release_cannot_be_overridden() -> None:
    assert "first release" in refused(verdict(), None)[0]


def test_what_ships_needs_no_override(lock: Lock) -> None:
    assert refused(verdict(judgement(outcome=Outcome.MET), decision=Decision.SHIP), lock)


def test_a_no_without_a_red_row_cannot_be_overridden(lock: Lock) -> None:
    assert refused(verdict(judgement(outcome=Outcome.MET)), lock)
    assert refused(verdict(judgement(trial=True), judgement(here=False)), lock)


def test_red_rows_are_named_once_and_sorted() -> None:
    block = Block(name="loosened", because="slo error_rate: removed", fix="", exit_code=1)
    told = verdict(
        judgement("error_rate", segment="supplier=S1"),
        judgement("auroc", outcome=Outcome.NO_DATA),
        judgement("auroc", outcome=Outcome.NO_DATA),
        judgement("error_rate", outcome=Outcome.MET),
        blocks=(block,),
    )
    assert red_rows(told) == ("auroc on *", "error_rate on supplier=S1", "loosened: slo error_rate: removed")
