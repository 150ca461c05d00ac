"""A build sees its own materials and nothing else; what it made and how is written beside the evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy.artifact.provenance import BUILD, TRAIN
from shipworthy.artifact.run import fence
from shipworthy.artifact.statement import read_statement
from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.facts import Decision, Verdict, digest
from shipworthy.flows.provenance import provenance_bytes, read_made
from shipworthy.flows.train import train
from tests.flows.tiny import MODEL, Tiny


def append(tiny: Tiny, code: str) -> None:
    """Let the build command do more."""
    path = tiny.root / "build.py"
    path.write_text(path.read_text() + code)


def seen(tiny: Tiny, code: str) -> str:
    """Return what an expression is worth inside the build."""
    append(tiny, f"import glob, os\n(out / 'seen.json').write_text(json.dumps({code}))\n")
    tiny.build()
    return str(json.loads((tiny.root / "model/seen.json").read_text()))


def test_a_build_sees_what_belongs_to_the_change_without_the_bar(written: Tiny) -> None:
    (written.root / "notes.txt").write_text("not part of the change")
    there = seen(written, "sorted(glob.glob('**/*', recursive=True))")
    assert there == str(
        [
            *("build.py", "data", "data/rows.csv", "model", "model.py", "model/model.py", "model/weights.json"),
            *("shipworthy.yaml", "training.json"),
        ]
    )


def test_a_build_that_needs_an_undeclared_file_is_told_to_declare_it(written: Tiny) -> None:
    (written.root / "extra.json").write_text("{}")
    append(written, "open('extra.json')\n")
    with pytest.raises(CannotDecide) as told:
        written.build()
    assert "list extra.json under `code:`" in told.value.fix


def test_a_build_that_imports_an_undeclared_module_is_told_to_declare_it(written: Tiny) -> None:
    (written.root / "helpers.py").write_text("")
    append(written, "import helpers\n")
    with pytest.raises(CannotDecide) as told:
        written.build()
    assert "list helpers.py under `code:`" in told.value.fix


def test_a_build_that_needs_the_last_artefact_is_told_that_there_is_none(prepared: Tiny) -> None:
    (prepared.root / "model/old.json").write_text("{}")
    append(prepared, "open('model/old.json')\n")
    with pytest.raises(CannotDecide) as told:
        prepared.build()
    assert "begins without model/" in told.value.fix


def test_a_model_that_does_not_open_is_told_without_the_clean_folder_that_is_gone(written: Tiny) -> None:
    written.edit("model.py", "def score(", "def unscore(")
    with pytest.raises(Unreachable, match="the model process did not start") as told:
        written.build()
    assert str(told.value).startswith("model: ")
    assert "model/model.py" in str(told.value)
    assert "shipworthy-" not in str(told.value)


def test_a_build_that_fails_names_files_as_the_repository_does(written: Tiny) -> None:
    append(written, "import os\nopen(os.path.abspath('data/none.csv'))\n")
    with pytest.raises(CannotDecide, match=r"'data/none\.csv'") as told:
        written.build()
    assert "shipworthy-" not in str(told.value)


def test_the_environment_of_a_build_is_pinned(written: Tiny) -> None:
    told = seen(written, "dict(os.environ)")
    for name in ("'PYTHONHASHSEED': '0'", "'OMP_NUM_THREADS': '1'", "'TZ': 'UTC'", "'SOURCE_DATE_EPOCH': '315532800'"):
        assert name in told


def test_a_failing_build_leaves_what_stood_there(prepared: Tiny) -> None:
    before = {path.name: path.read_bytes() for path in (prepared.root / "model").iterdir()}
    append(prepared, "raise SystemExit('no disk left')\n")
    with pytest.raises(CannotDecide, match="no disk left"):
        prepared.build()
    assert {path.name: path.read_bytes() for path in (prepared.root / "model").iterdir()} == before


def test_a_build_that_writes_no_artefact_is_refused(written: Tiny) -> None:
    (written.root / "build.py").write_text("print('done')\n")
    with pytest.raises(CannotDecide, match="wrote no model/"):
        written.build()


def test_nothing_of_an_earlier_artefact_is_left_in_the_next(prepared: Tiny) -> None:
    (prepared.root / "model/old.json").write_text("{}")
    prepared.build()
    assert not (prepared.root / "model/old.json").exists()


def test_provenance_tells_how_the_artefact_was_made(written: Tiny) -> None:
    artefact = written.build()["artefact"]
    made = read_made(written.workspace, artefact)
    assert made is not None
    assert made.subjects == ((MODEL, artefact),)
    making = made.making
    assert (making.build_type, making.command, making.seed, making.clean) == (BUILD, ("python", "build.py"), 0, True)
    assert making.network == ("none" if fence.can_enter() else "open")
    files = {"build.py", "data/rows.csv", "model.py", "shipworthy.yaml", "training.json"}
    assert set(making.materials) == files | {"shipworthy.yaml#build"}
    assert making.materials["model.py"] == digest((written.root / "model.py").read_bytes())
    assert making.environment["PYTHONHASHSEED"] == "0"
    assert "msgspec" in making.distributions
    assert making.started == making.finished == written.workspace.now()


def test_the_clock_stands_in_the_provenance_and_not_in_the_evidence(prepared: Tiny) -> None:
    first = prepared.judge().evidence
    artefact = prepared.build()["artefact"]
    at = provenance_bytes(prepared.workspace, artefact)
    prepared.clock.advance(3600)
    prepared.build()
    prepared.sign()
    assert provenance_bytes(prepared.workspace, artefact) != at
    assert digest(prepared.evaluate()) == digest(first)


def test_the_manifest_alone_may_change_without_another_build(prepared: Tiny) -> None:
    prepared.edit("shipworthy.yaml", "salt: tiny", "salt: other")
    restamp(prepared)
    assert prepared.judge().verdict.decision is Decision.SHIP


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{denied: 0.08,", "{denied: 0.07,"),
        ("{name: speed, type: int, min: 0, max: 20}", "{name: speed, type: int, min: 0, max: 21}"),
        ("where: \"split == 'train'\"", "where: \"split == 'train' and age > 20\""),
    ],
)
def test_what_the_manifest_tells_a_build_may_not(prepared: Tiny, old: str, new: str) -> None:
    prepared.edit("shipworthy.yaml", old, new)
    restamp(prepared)
    (block,) = prepared.judge().verdict.blocks
    assert "shipworthy.yaml#build was changed" in block.because


def restamp(tiny: Tiny) -> None:
    """Stamp the note and evaluate, without building."""
    from shipworthy.flows.note import stamp_note

    stamp_note(tiny.root)
    tiny.evaluate()


def blocks(verdict: Verdict) -> list[str]:
    return [f"{block.name}: {block.because}" for block in verdict.blocks]


def test_an_artefact_of_other_code_does_not_ship(prepared: Tiny) -> None:
    prepared.edit("training.json", '"slope":0.5', '"slope":0.6')
    restamp(prepared)
    verdict = prepared.judge().verdict
    assert verdict.decision is Decision.UNDECIDED
    assert blocks(verdict) == ["provenance: the artefact was made from other files: training.json was changed"]


def test_provenance_that_was_meddled_with_does_not_ship(prepared: Tiny) -> None:
    path = prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / "provenance.json"
    for old, new in (('"none"', '"maybe"'), (MODEL, MODEL), ("sha256", "sha512")):
        kept = path.read_text()
        path.write_text(kept.replace(old, new) if old != new else kept + "{}")
        assert [one.name for one in prepared.judge().verdict.blocks] == ["provenance"]
        path.write_text(kept)
    assert prepared.judge().verdict.decision is Decision.SHIP


def test_provenance_of_another_artefact_does_not_ship(prepared: Tiny) -> None:
    folder = prepared.workspace.evidence(prepared.judge().verdict.subject.artefact)
    kept = prepared.copy(prepared.at / "other")
    kept.weigh(slope=0.6)
    other = kept.workspace.evidence(kept.build()["artefact"]) / "provenance.json"
    (folder / "provenance.json").write_bytes(other.read_bytes())
    (block,) = prepared.judge().verdict.blocks
    assert "another artefact" in block.because


def test_without_provenance_standard_stakes_are_warned(prepared: Tiny) -> None:
    (prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / "provenance.json").unlink()
    verdict = prepared.judge().verdict
    assert verdict.decision is Decision.SHIP
    assert any(one.startswith("no provenance") for one in verdict.warnings)


THREATS = """schema: shipworthy/threat-model@1
model: tiny-triage
created: {created}
assets: [{{id: weights, kind: weights}}]
threats:
  - {{id: T1, title: theft, asset: weights, likelihood: 1, impact: 2, treatment: detect, bound_to: ["case:backdoor"]}}
"""


def test_a_threat_model_written_after_the_build_is_a_no_until_the_next_build(prepared: Tiny) -> None:
    prepared.clock.advance(60)
    (prepared.root / "threat-model.yaml").write_text(THREATS.format(created=prepared.workspace.now()))
    verdict = prepared.judge().verdict
    assert verdict.decision is Decision.BLOCKED
    assert [one.name for one in verdict.blocks] == ["threat model"]
    prepared.clock.advance(60)
    prepared.build()
    prepared.sign()
    assert prepared.judge().verdict.decision is Decision.SHIP, "the same bits, and the threat model came first"


def without_build(tiny: Tiny) -> None:
    tiny.edit("shipworthy.yaml", "build: [python, build.py]\n", "")


def test_an_attested_training_is_the_provenance_of_what_it_left(written: Tiny) -> None:
    without_build(written)
    told = train(written.workspace, ["python", "build.py"], lambda _: None)
    assert set(told["products"]) == {"model.py", "weights.json"}
    assert told["changed"] == ["model.py", "weights.json"]
    statement = read_statement(Path(told["provenance"]).read_bytes().strip())
    assert set(statement.subjects) == set(told["products"].items())
    started = written.workspace.now()
    written.clock.advance(600)
    made = read_made(written.workspace, written.build()["artefact"])
    assert made is not None
    assert (made.making.build_type, made.making.clean, made.making.network) == (TRAIN, False, "open")
    assert made.making.started == started, "the training counts, not the build that only adds the profile"


def test_a_training_of_other_files_is_not_the_provenance(written: Tiny) -> None:
    without_build(written)
    train(written.workspace, ["python", "build.py"], lambda _: None)
    (written.root / "model/weights.json").write_text((written.root / "model/weights.json").read_text() + "\n")
    told = written.build()
    assert told["network"] == ""
    assert read_made(written.workspace, told["artefact"]) is None


def test_a_training_that_fails_attests_nothing(written: Tiny) -> None:
    (written.root / "build.py").write_text("raise SystemExit(3)")
    with pytest.raises(CannotDecide, match="left with 3"):
        train(written.workspace, ["python", "build.py"], lambda _: None)
    assert not list((written.root / ".shipworthy").rglob("trained.json"))


def test_a_training_that_changes_what_went_in_attests_nothing(written: Tiny) -> None:
    append(written, "open('training.json', 'a').write(' ')\n")
    with pytest.raises(CannotDecide, match=r"training\.json changed while training"):
        train(written.workspace, ["python", "build.py"], lambda _: None)
    assert not list((written.root / ".shipworthy").rglob("trained.json"))


def test_a_training_that_leaves_nothing_or_does_not_start_is_refused(written: Tiny) -> None:
    with pytest.raises(CannotDecide, match="left nothing"):
        train(written.workspace, ["true"], lambda _: None)
    with pytest.raises(UsageError):
        train(written.workspace, ["no-such-command"], lambda _: None)
    with pytest.raises(UsageError):
        train(written.workspace, [], lambda _: None)


def test_a_training_is_noted_where_there_is_a_ledger(shipped: Tiny) -> None:
    train(shipped.workspace, ["python", "build.py"], lambda _: None)
    entry = shipped.entries()[-1]
    assert entry.kind == "artifact.trained"
    assert entry.body["model"] == MODEL
    assert entry.body["started"] == shipped.workspace.now()


def test_no_ledger_is_begun_for_a_training(written: Tiny) -> None:
    train(written.workspace, ["python", "build.py"], lambda _: None)
    assert not (written.workspace.home / "store.db").exists()
