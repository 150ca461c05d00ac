"""Decisions that people record: they hold at once, deleting a file takes none back, two people do."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from shipworthy.contract.record_text import with_approval
from shipworthy.errors import CannotDecide, ContractError, PolicySaysNo, UsageError
from shipworthy.facts import Named
from shipworthy.flows import decide, gate
from shipworthy.flows.rollout import start
from shipworthy.gate.verdict import exit_code
from shipworthy.runtime.standing import RECORDED, REVERSED, standing_in
from tests.flows.tiny import Tiny
from tests.runtime.served import Served


def refuse(tiny: Tiny, kind: str = "do-not-deploy", version: str = "2", person: str = "chidi") -> decide.Recorded:
    return decide.record(tiny.workspace, kind, version, "It denies old people\n who drove fast.", person)


def reverse(tiny: Tiny, name: str, person: str, role: str) -> decide.Recorded:
    return decide.reverse(tiny.workspace, name, person, role)


def told(tiny: Tiny) -> tuple[int, list[str]]:
    """Return the gate's exit code, and what decisions it names."""
    verdict = tiny.judge().verdict
    return exit_code(verdict), [one.because for one in verdict.blocks if one.name == "do not deploy"]


@pytest.fixture(scope="module")
def _second(_shipped: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = _shipped.copy(tmp_path_factory.mktemp("second") / "site")
    tiny.release("2")
    assert told(tiny) == (0, [])
    return tiny


@pytest.fixture
def second(_second: Tiny, tmp_path: Path) -> Tiny:
    """Version 2, all but judged, at a site where version 1 serves."""
    return _second.copy(tmp_path / "site")


@pytest.mark.parametrize(("kind", "version"), [("do-not-deploy", "2"), ("retire", "2"), ("do-not-deploy", "*")])
def test_a_recorded_decision_blocks_its_version_with_its_reason(second: Tiny, kind: str, version: str) -> None:
    made = refuse(second, kind, version)
    code, blocks = told(second)
    assert code == 1
    assert blocks == [f"{made.id}: {kind} for {'every version' if version == '*' else 'version 2'}: "
                      "It denies old people who drove fast."]  # fmt: skip
    assert (second.root / made.file).is_file()


def test_a_decision_about_another_version_blocks_nothing(second: Tiny) -> None:
    refuse(second, version="3")
    assert told(second) == (0, [])


def test_deleting_the_record_takes_nothing_back_at_a_site(second: Tiny) -> None:
    made = refuse(second)
    (second.root / made.file).unlink()
    assert told(second)[0] == 1


def test_deleting_the_record_takes_nothing_back_in_an_empty_runner(second: Tiny) -> None:
    made = refuse(second, version="3")
    second.ship()
    second.release("3")
    shutil.rmtree(second.workspace.home / "keys" / "people")
    (second.workspace.home / "store.db").unlink()
    (second.root / made.file).unlink()
    assert told(second)[0] == 1


def test_a_record_whose_version_was_edited_stands_as_it_was_signed(second: Tiny) -> None:
    made = refuse(second)
    second.edit(made.file, 'applies-to: "2"', 'applies-to: "9"')
    assert told(second)[0] == 1


def test_two_people_take_it_back_and_one_does_not(second: Tiny) -> None:
    made = refuse(second)
    first = reverse(second, made.id, "ben", "reviewer")
    assert first.waits
    assert told(second)[0] == 1
    both = reverse(second, made.id, "chidi", "ml")
    assert (both.waits, both.signed_by) == ("", ("ben", "chidi"))
    assert (second.root / made.file).is_file()
    assert told(second) == (0, [])
    assert second.kinds()[-1] == "govern.reversed"
    assert decide.standing_against(second.workspace, second.workspace.contract()) == ()


def test_nobody_signs_twice_or_in_a_role_they_do_not_have(second: Tiny) -> None:
    made = refuse(second)
    reverse(second, made.id, "ben", "reviewer")
    with pytest.raises(UsageError, match="signed this as reviewer already"):
        reverse(second, made.id, "ben", "reviewer")
    with pytest.raises(PolicySaysNo, match="does not have the role ml"):
        reverse(second, made.id, "ben", "ml")
    assert reverse(second, made.id, "dana", "reviewer").waits  # two reviewers are not a reviewer and an engineer
    assert told(second)[0] == 1


def test_a_reversal_without_its_signatures_takes_nothing_back(second: Tiny) -> None:
    made = refuse(second)
    half = reverse(second, made.id, "ben", "reviewer")
    second.edit(half.file, 'status: "proposed"', 'status: "accepted"')
    assert told(second)[0] == 1


def test_a_reversal_of_one_decision_takes_back_no_other(second: Tiny) -> None:
    one, two = refuse(second), refuse(second, "retire")
    for person, role in (("ben", "reviewer"), ("chidi", "ml")):
        reverse(second, one.id, person, role)
    code, blocks = told(second)
    assert (code, len(blocks)) == (1, 1)
    assert two.id in blocks[0]
    assert [one.id for one in standing_in(second.entries())] == [two.id]
    for person, role in (("ben", "reviewer"), ("chidi", "ml")):
        reverse(second, two.id, person, role)
    assert standing_in(second.entries()) == ()


def test_a_reversal_that_is_withdrawn_again_takes_nothing_back(second: Tiny) -> None:
    made = refuse(second)
    reverse(second, made.id, "ben", "reviewer")
    both = reverse(second, made.id, "chidi", "ml")
    second.edit(both.file, "status: accepted", "status: deprecated")
    assert told(second)[0] == 1


def test_a_record_stands_where_there_is_no_site(prepared: Tiny) -> None:
    assert not (prepared.workspace.home / "store.db").exists()
    refuse(prepared, version="1")
    assert not (prepared.workspace.home / "store.db").exists()
    assert told(prepared)[0] == 1


def test_a_site_closes_the_version_at_once_and_does_not_start_its_rollout(second: Tiny) -> None:
    second.ship()
    refuse(second)
    (held,) = second.state().orders
    assert (held.order.scope.version, held.order.posture) == ("2", Named.KILLED)
    with pytest.raises(PolicySaysNo, match="do-not-deploy for version 2"):
        start(second.workspace, "2", "ana")


def test_a_retired_baseline_is_not_served_again(shipped: Tiny) -> None:
    refuse(shipped, "retire", "1")
    with pytest.raises(PolicySaysNo, match="retire for version 1"), Served(shipped):
        pass


def test_a_decision_needs_a_kind_a_reason_and_a_person_of_the_contract(second: Tiny) -> None:
    with pytest.raises(UsageError, match="kind and a reason"):
        decide.record(second.workspace, "reversal", "2", "so", "chidi")
    with pytest.raises(UsageError, match="kind and a reason"):
        decide.record(second.workspace, "retire", "2", "  ", "chidi")
    with pytest.raises(UsageError, match="not one of the people"):
        refuse(second, person="mallory")
    with pytest.raises(UsageError, match="no decision '0009-x' stands"):
        reverse(second, "0009-x", "ben", "reviewer")
    assert told(second) == (0, [])


def test_a_loosening_is_allowed_by_two_verbs(second: Tiny) -> None:
    second.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    second.prepare()
    for person, role, code in (("ben", "reviewer", 1), ("chidi", "ml", 0)):
        rows, covers = gate.loosened(second.workspace)
        assert rows == ("slo error_rate: target <= 0.3 → <= 0.35",)
        decide.allow(second.workspace, rows, covers, person, role)
        assert told(second)[0] == code
    assert gate.loosened(second.workspace)[0] == ()
    with pytest.raises(UsageError, match="nothing is loosened"):
        decide.allow(second.workspace, (), covers, "ben", "reviewer")


def test_a_loosening_that_grew_since_it_was_signed_is_not_allowed(second: Tiny) -> None:
    second.edit("safety-slos.yaml", "<= 0.30", "<= 0.35")
    for person, role in (("ben", "reviewer"), ("chidi", "ml")):
        decide.allow(second.workspace, *gate.loosened(second.workspace), person, role)
    second.edit("safety-slos.yaml", "<= 0.35", "<= 0.36")
    second.prepare()
    assert told(second)[0] == 1


def test_an_approval_is_added_and_every_other_line_stays(second: Tiny) -> None:
    made = refuse(second)
    text = (second.root / made.file).read_text()
    (approval,) = next(one for one in second.workspace.contract().records if one.id == made.id).approvals
    more = with_approval(text, approval, accepted=True)
    assert [line for line in more.split("\n") if line not in text.split("\n")] == []
    assert len(more.split("\n")) == len(text.split("\n")) + 1
    with pytest.raises(ContractError, match="no line `approvals:`"):
        with_approval("---\nstatus: proposed\n---\napprovals:\n", approval, accepted=True)


def test_records_are_numbered_one_after_the_other(second: Tiny) -> None:
    files = [Path(refuse(second, kind).file).name for kind in ("retire", "do-not-deploy")]
    assert files == ["0001-retire-2.md", "0002-do-not-deploy-2.md"]


def test_the_same_words_recorded_again_are_not_taken_back_by_an_old_reversal(second: Tiny) -> None:
    made = refuse(second)
    reverse(second, made.id, "ben", "reviewer")
    back = reverse(second, made.id, "chidi", "ml")
    text = (second.root / back.file).read_text()
    for one in (second.root / "docs/decisions").iterdir():
        one.unlink()
    second.clock.advance(60)
    again = refuse(second)
    assert again.id == made.id
    (second.root / back.file).write_text(text)
    assert told(second)[0] == 1


def test_people_whom_an_edited_lock_names_take_nothing_back(second: Tiny) -> None:
    made = refuse(second)
    before = second.kinds()
    second.edit("shipworthy.lock", '"operator",\n    "sre"', '"operator",\n    "reviewer"')
    with pytest.raises(CannotDecide, match="not what was signed"):
        reverse(second, made.id, "ana", "reviewer")
    with pytest.raises(CannotDecide, match="not what was signed"):
        decide.allow(second.workspace, ("slo x: removed",), "sha256:" + "0" * 64, "ana", "reviewer")
    assert second.kinds() == before


def test_a_reversal_that_a_ledger_elsewhere_tells_of_needs_its_signatures(second: Tiny) -> None:
    made = refuse(second)
    for person, role in (("ben", "reviewer"), ("chidi", "ml")):
        reverse(second, made.id, person, role)
    recorded, reversed_ = (one for one in second.entries() if one.kind in (RECORDED, REVERSED))
    unsigned = msgspec.structs.replace(reversed_, body={**reversed_.body, "approvals": []})
    one_hand = msgspec.structs.replace(reversed_, body={**reversed_.body, "approvals": reversed_.body["approvals"][:1]})
    for file in (second.root / "docs/decisions").iterdir():
        file.unlink()
    contract = second.workspace.contract()
    broken = msgspec.structs.replace(reversed_, body={**reversed_.body, "approvals": "all of them"})
    told_back = (reversed_, unsigned, one_hand, broken)
    for entries, stands in zip([(recorded, one) for one in told_back], (0, 1, 1, 1), strict=True):
        assert len(decide.standing_against(second.workspace, contract, entries)) == stands


def test_a_decision_taken_back_says_which_order_still_holds(second: Tiny) -> None:
    made = refuse(second)
    (order,) = made.orders
    reverse(second, made.id, "ben", "reviewer")
    assert reverse(second, made.id, "chidi", "ml").orders == (order,)
