"""`check` says everything at once and leaves with the right code; the note speaks of exactly one change."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.errors import ContractError
from shipworthy.flows.check import check
from shipworthy.flows.note import stamp_note
from tests.cli.calls import verb
from tests.contract.repository import files, stamp, write
from tests.flows.tiny import Tiny


def test_a_whole_contract_with_a_fresh_note_is_clean(prepared: Tiny) -> None:
    told = check(prepared.root)
    assert told.problems == ()
    assert told.exit_code == 0
    assert any(line.startswith("committee: ") for line in told.not_claimed)
    assert any("development key" in warning for warning in told.warnings)


def test_a_note_that_was_never_stamped_is_not_clean(written: Tiny) -> None:
    told = check(written.root)
    assert [problem.file for problem in told.problems] == ["deliberation-note.md"]
    assert told.exit_code == 4


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("training.json", '"slope":0.5', '"slope":0.6'),
        ("model.py", "30.0, sum_", "31.0, sum_"),
        ("safety-slos.yaml", "<= 0.30", "<= 0.29"),
        ("robustness-pack.yaml", "seed: 7", "seed: 8"),
        ("shipworthy.yaml", "max: 110", "max: 120"),
    ],
)
def test_a_change_after_the_note_makes_it_the_note_of_another_change(
    prepared: Tiny, file: str, old: str, new: str
) -> None:
    prepared.edit(file, old, new)
    assert check(prepared.root).exit_code == 4
    stamp_note(prepared.root)
    assert check(prepared.root).exit_code == 0


def test_data_belong_to_the_change_and_to_their_record(prepared: Tiny) -> None:
    path = prepared.root / "data/rows.csv"
    path.write_text(path.read_text() + "test,late,acme,S1,1,30,0\n")
    problems = check(prepared.root).problems
    assert {problem.exit_code for problem in problems} == {3, 4}  # another digest than recorded, and a stale note


def test_the_card_may_change_without_a_new_note(prepared: Tiny) -> None:
    prepared.edit("MODEL_CARD.md", "# Tiny triage", "# Tiny triage, explained")
    assert check(prepared.root).exit_code == 0


def test_stamping_again_changes_nothing(prepared: Tiny) -> None:
    path = prepared.root / "deliberation-note.md"
    before = path.read_bytes()
    change = stamp_note(prepared.root)
    assert path.read_bytes() == before
    assert change.encode() in before


@pytest.mark.parametrize(
    "file", ["shipworthy.yaml", "safety-slos.yaml", "MODEL_CARD.md", "deliberation-note.md", "keys/ben.pub"]
)
def test_a_missing_contract_file_is_an_invalid_contract(prepared: Tiny, file: str) -> None:
    (prepared.root / file).unlink()
    told = check(prepared.root)
    assert told.exit_code == 3
    assert any(file in str(problem) for problem in told.problems)


def test_an_unknown_indicator_and_a_missing_answer_are_told_in_one_go(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "name: error_rate", "name: eror_rate")
    prepared.edit("deliberation-note.md", "## Dissent\nNobody disagreed.\n", "")
    told = check(prepared.root)
    assert {problem.file for problem in told.problems} >= {"safety-slos.yaml", "deliberation-note.md"}
    assert told.exit_code == 3  # an invalid contract weighs more than an old note
    assert any("error_rate" in problem.fix for problem in told.problems)


def test_a_private_key_in_the_repository_is_found(prepared: Tiny) -> None:
    key = (prepared.workspace.keys / "verdict.pem").read_bytes()
    (prepared.root / "keys/verdict.pem").write_bytes(key)
    told = check(prepared.root)
    assert told.exit_code == 3
    assert any(problem.file == "keys/verdict.pem" for problem in told.problems)


def test_a_note_without_a_readable_contract_is_not_stamped(prepared: Tiny) -> None:
    (prepared.root / "shipworthy.yaml").write_text("model: [")
    with pytest.raises(ContractError):
        stamp_note(prepared.root)


def test_a_missing_note_is_told_with_what_to_write(prepared: Tiny) -> None:
    (prepared.root / "deliberation-note.md").unlink()
    with pytest.raises(ContractError, match="the note is missing") as told:
        stamp_note(prepared.root)
    assert "what changes" in str(told.value)


def test_the_note_can_be_asked_whether_it_is_still_of_this_change(prepared: Tiny) -> None:
    before = (prepared.root / "deliberation-note.md").read_bytes()
    assert verb(prepared, "note", "--check").code == 0
    prepared.edit("model.py", "30.0, sum_", "31.0, sum_")
    left = verb(prepared, "note", "--check")
    assert left.code == 4
    assert "another change" in left.err
    assert (prepared.root / "deliberation-note.md").read_bytes() == before
    (prepared.root / "deliberation-note.md").unlink()
    assert verb(prepared, "note", "--check").code == 3


def test_the_note_of_a_change_nobody_can_read_is_not_fine(prepared: Tiny) -> None:
    (prepared.root / "model.py").unlink()
    assert verb(prepared, "note", "--check").code == 3


def test_a_model_without_the_numbers_of_its_categories_is_warned_of(tmp_path: Path) -> None:
    contents: dict[str, str | bytes] = {"model/model.skops": b"x"}
    stamp(write(tmp_path, files("low") | contents))
    (told,) = (one for one in check(tmp_path).warnings if "encoding.json" in one)
    assert told.startswith('no model/encoding.json: write it where the model is trained, of the shape {"office": {')
    (tmp_path / "model/encoding.json").write_text("{}")
    assert not any("encoding.json" in one for one in check(tmp_path).warnings)
