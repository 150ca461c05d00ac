"""An existing project meets Shipworthy: `init` leaves a contract that is honestly red, a person says what only people
know, and five commands later it has shipped. Offline, on the command line, as a newcomer does it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from shipworthy.contract import card, note
from shipworthy.contract.starter.review_text import WORKFLOW
from shipworthy.models.offline import no_network
from tests.cli.calls import Left, call
from tests.flows.project import TABLE, write_project, write_trained

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SAID = {
    card.OBJECTIVE: "Keep customers who would rather stay, without pestering the others.",
    card.FAILS_WHEN: "Errors stay few while the probabilities, by which people are called, drift away.",
    note.TEMPLATE["Change"]: "The first release under a contract; the model is the one in use.",
    note.TEMPLATE["Alternatives considered"]: "Doing nothing, which leaves the calls to chance.",
    note.TEMPLATE["Who might be affected"]: "Customers, and those who answer the calls.",
    note.TEMPLATE["Feedback that changed the plan"]: "Nobody has been asked yet.",
    note.TEMPLATE["Dissent"]: "Nobody disagreed.",
    note.TEMPLATE[note.MINORITY]: "Looked at by age, in four groups.",
    note.TEMPLATE[note.FALLBACK]: "Human review: the desk decides whom to call, as before.",
}
HUMAN = [
    "MODEL_CARD.md: the human objective",
    "MODEL_CARD.md: proxy 'error rate at 0.5': fails_when",
    *(f"deliberation-note.md: section {title!r}" for title in note.TEMPLATE),
]
COMMANDS = ("note", "build", "sign", "evaluate", "ship")


def run(root: Path, *words: str) -> Left:
    return call("--root", str(root), *words)


def say_what_only_people_know(root: Path) -> None:
    for name in (card.FILE, note.FILE):
        text = (root / name).read_text(encoding="utf-8")
        for asked, said in SAID.items():
            text = text.replace(asked, said)
        (root / name).write_text(text, encoding="utf-8")


def assert_honestly_red(root: Path) -> None:
    """Exactly what people have to say is red, once each, with a fix."""
    left = run(root, "check")
    assert left.code == 3
    lines = left.err.splitlines()
    told = [f"{line.partition(':')[0]}: {line.split(': ', 1)[1].partition(' still holds')[0]}" for line in lines]
    assert told == HUMAN
    assert all("still holds the template's words — " in line for line in lines)


def assert_five_commands_ship(root: Path) -> None:
    assert len(COMMANDS) < 6
    for verb in COMMANDS:
        left = run(root, verb)
        assert left.code == 0, (verb, left.out, left.err)
    assert "SHIP: every deciding row is proven good" in left.out
    assert "first release: absolute targets only" in left.out
    assert run(root, "check").code == 0
    assert run(root, "verify", "--verdict").code == 0


def test_a_project_with_a_training_script_ships_in_five_commands_after_init(tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn")
    with no_network():
        assert run(root, "init", "--label", "churned", "--owner", "mina").code == 0
        assert_honestly_red(root)
        assert run(root, "ship").code == 3
        say_what_only_people_know(root)
        assert run(root, "check").code == 4  # said, and not yet stamped
        assert_five_commands_ship(root)


def test_a_model_trained_before_any_contract_ships_on_rows_it_has_not_seen(tmp_path: Path) -> None:
    root = write_trained(tmp_path / "churn")
    before = (root / "model" / "churn.skops").read_bytes()
    with no_network():
        assert run(root, "init", "--label", "churned", "--owner", "mina").code == 0
        assert "build:" not in (root / "shipworthy.yaml").read_text()
        assert_honestly_red(root)
        say_what_only_people_know(root)
        assert_five_commands_ship(root)
    assert (root / "model" / "churn.skops").read_bytes() == before


def test_rows_nobody_had_divided_are_divided_before_the_training(tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn", split=False)
    refused = run(root, "init", "--label", "churned", "--owner", "mina")
    assert refused.code == 2
    assert "no column says which rows the model was trained on" in refused.err
    assert not (root / "shipworthy.yaml").exists()
    with no_network():
        left = run(root, "init", "--label", "churned", "--owner", "mina", "--split")
        assert left.code == 0
        assert (
            "train.py must train on the rows of data/customers.split.csv with shipworthy_split == 'train'" in left.out
        )
        say_what_only_people_know(root)
        assert_no_build_reads_the_undivided_table(root)
        text = (root / "train.py").read_text()
        text = text.replace(TABLE, "data/customers.split.csv").replace('row["split"]', 'row["shipworthy_split"]')
        (root / "train.py").write_text(text)
        assert_five_commands_ship(root)


def assert_no_build_reads_the_undivided_table(root: Path) -> None:
    """The training script as it was reads all rows, also those that will test it."""
    assert run(root, "note").code == 0
    left = run(root, "build")
    assert left.code == 4
    assert "train on the rows of data/customers.split.csv with shipworthy_split == 'train'" in left.err
    assert "list data/customers.csv" not in left.err
    before = (root / "shipworthy.yaml").read_text()
    (root / "shipworthy.yaml").write_text(before.replace("code: [train.py", f"code: [{TABLE}, train.py"))
    assert "in which nothing says which rows test the model" in run(root, "check").err
    assert run(root, "build").code == 3
    (root / "shipworthy.yaml").write_text(before)


def test_the_two_jobs_of_the_workflow_pass_where_one_has_no_key_and_the_other_no_model_run(tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn")
    assert run(root, "init", "--label", "churned", "--owner", "mina").code == 0
    say_what_only_people_know(root)
    assert run(root, "note").code == 0
    first, second = tmp_path / "evaluate" / "churn", tmp_path / "gate" / "churn"
    for job in (first, second):  # what git keeps, and nothing else
        shutil.copytree(root, job, ignore=shutil.ignore_patterns("state", "__pycache__"))
    for verb in _verbs(root, "evaluate"):
        assert run(first, *verb).code == 0, verb
    for carried in ("model", ".shipworthy/evidence"):
        shutil.copytree(first / carried, second / carried)
    keys = second / ".shipworthy" / "state" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    shutil.copy(root / ".shipworthy" / "state" / "keys" / "signing.pem", keys)
    for verb in _verbs(root, "gate"):
        left = run(second, *verb)
        assert left.code == 0, (verb, left.out, left.err)
    assert "SHIP" in left.out


def _verbs(root: Path, job: str) -> list[list[str]]:
    """Return the calls of shipworthy that a job of the workflow makes."""
    steps = yaml.safe_load((root / WORKFLOW).read_text())["jobs"][job]["steps"]
    commands = [
        step["run"].partition(" >>")[0].split() for step in steps if step.get("run", "").startswith("shipworthy")
    ]
    assert len(commands) >= 2
    return [words[1:] for words in commands]
