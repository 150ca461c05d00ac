"""An existing text classifier meets Shipworthy: `init --template text`, people speak, and five commands ship it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shipworthy.contract import note
from shipworthy.contract.files.reader import read_manifest
from shipworthy.contract.manifest import Feature
from shipworthy.errors import UsageError
from shipworthy.flows.evidence import read_evidence
from shipworthy.flows.survey import Told
from shipworthy.models.offline import no_network
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace
from tests.flows.project import files_of, started, write_project
from tests.flows.texts import TRAIN_PY, table
from tests.stories.test_first_contract import (
    SAID,
    assert_five_commands_ship,
    assert_honestly_red,
    run,
    say_what_only_people_know,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SCREEN = Told(owner="mina", stakes="low", label="label")


def write_screen(root: Path) -> Path:
    """Write a project as it stands on its author's disk: a table of messages and a training script."""
    for name, text in {
        "train.py": TRAIN_PY,
        "data/messages.csv": table().replace("split,customer,", "split,customer_id,", 1),
        "requirements.txt": "scikit-learn\nskops\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_text_classifier_ships_in_five_commands_after_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_screen(tmp_path / "screen")
    monkeypatch.setitem(SAID, note.TEMPLATE[note.MINORITY], "Looked at by agent: the rarest of six fares no worse.")
    with no_network():
        left = run(root, "init", "--template", "text", "--label", "label", "--owner", "mina")
        assert left.code == 0, left.err
        assert "groups are told apart by agent" in left.out
        assert_honestly_red(root)
        say_what_only_people_know(root)
        assert_five_commands_ship(root)
    found = read_evidence(Workspace(root=root, home=root / ".shipworthy" / "state"), artefact_digest(root / "model"))
    assert found is not None
    status = {one.case: one.status for one in found.cases}
    assert status["redteam.answered"] == status["ood.unknown-words"] == "pass"
    assert {"text.typos", "text.homoglyphs", "text.flips", "redteam.gained"} < set(status)
    assert set(status.values()) <= {"pass", "fail", "inconclusive"}


def test_what_is_written_is_the_text_its_length_and_the_columns_beside_it(tmp_path: Path) -> None:
    root = write_screen(tmp_path / "screen")
    begun = started(root, SCREEN, template="text")
    manifest = read_manifest(root)
    assert manifest.features == (Feature(name="text", type="text", max=100, mutable="yes"),)
    assert [key.key for key in manifest.segments.keys] == ["agent"]
    assert not manifest.segments.keys[0].public
    assert manifest.unit == "customer_id"
    assert not any("customer_id:" in line for line in begun.todo)


def test_the_template_must_fit_the_model_and_the_table(tmp_path: Path) -> None:
    root = write_screen(tmp_path / "screen")
    with (root / "data" / "messages.csv").open(newline="") as file:
        rows = [{**row, "text": "one of few"} for row in csv.DictReader(file)]
    with (root / "data" / "messages.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    before = files_of(root)
    with pytest.raises(UsageError, match="no column holds texts"):
        started(root, SCREEN, template="text")
    assert files_of(root) == before
    tabular = write_project(tmp_path / "churn")
    begun = started(tabular, template="text")
    assert "remark" in read_manifest(tabular).features[0].name
    assert any("age: the model reads one text" in line for line in begun.todo)
