"""What a first contract says of a text classifier, read off a table."""

from __future__ import annotations

from pathlib import Path

import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from shipworthy.contract.manifest import Dataset, Feature
from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.pack import read_pack
from shipworthy.contract.slos import read_slos
from shipworthy.contract.starter.columns import guess_text
from shipworthy.contract.starter.manifest_text import Seen, manifest_text
from shipworthy.contract.starter.pack_text import pack_text
from shipworthy.contract.starter.policy_text import policy_text
from shipworthy.errors import UsageError
from shipworthy.flows.survey import Told, survey
from tests.flows.project import write_project
from tests.messages import messages

ROWS = [
    {"id": at, "message": row["text"], "title": f"note {at}", "agent": row["agent"], "age": at % 70, "y": row["label"]}
    for at, row in enumerate(messages(300, 1))
]


def seen(**changes: object) -> Seen:
    guess = guess_text(ROWS, {"y"})  # type: ignore[arg-type]
    told: dict[str, object] = {
        "model": "screen", "owner": "Ana B.", "stakes": "low", "features": guess.features, "label": "y",
        "datasets": {"test": Dataset(path="a.csv")}, "artefacts": "model", "file": "m.skops", "keys": guess.keys,
    }  # fmt: skip
    return Seen(**{**told, **changes})  # type: ignore[arg-type]


def test_the_longest_texts_are_the_input_and_columns_of_few_words_tell_traffic_apart() -> None:
    guess = guess_text(ROWS, {"y"})  # type: ignore[arg-type]
    longest = max(len(str(row["message"])) for row in ROWS)
    assert guess.features == (Feature(name="message", type="text", max=-(-longest // 100) * 100, mutable="yes"),)
    assert guess.keys == ("agent",)
    assert guess.left_out == ("title: another text", "id: the model reads one text", "age: the model reads one text")


def test_a_table_without_texts_or_with_a_name_that_no_expression_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="no column holds texts"):
        guess_text([{"agent": "a", "y": 1}] * 20, {"y"})
    with pytest.raises(UsageError, match="cannot be named"):
        guess_text([{"the message": row["message"]} for row in ROWS], set())  # type: ignore[dict-item]


def test_manifest_policy_and_pack_of_a_text_are_read_without_a_fault() -> None:
    manifest, _, problems = read_manifest(manifest_text(seen()))
    assert problems == ()
    assert manifest is not None
    assert manifest.features == seen().features
    assert read_slos(policy_text(manifest, ROWS))[1] == ()  # type: ignore[arg-type]
    pack, _, faults = read_pack(pack_text(manifest, ROWS, 400))  # type: ignore[arg-type]
    assert faults == ()
    assert pack is not None
    ids = [case.id for case in pack.cases]
    assert ids[0].startswith("group.agent-")
    assert ids[1:] == [
        "text.typos", "text.homoglyphs", "text.flips", "ood.unknown-words", "redteam.answered", "redteam.gained"
    ]  # fmt: skip
    assert [case.id for case in pack.cases if case.severity == "blocker"] == ["redteam.answered"]


def test_a_text_that_nobody_can_change_is_not_attacked() -> None:
    manifest, _, _ = read_manifest(manifest_text(seen()).replace('mutable: "yes"}', 'mutable: "no"}'))
    assert manifest is not None
    pack, _, _ = read_pack(pack_text(manifest, [], 0))
    assert pack is not None
    assert "text.flips" not in [case.id for case in pack.cases]


def test_an_archive_of_the_other_kind_is_told(tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn")
    told = Told(owner="m", stakes="low", label="churned")
    (root / "model").mkdir()
    path = root / "model" / "churn.skops"
    skops.io.dump(LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]), path)
    with pytest.raises(UsageError, match="takes 2 values, not one text"):
        survey(root, told, text=True)
    skops.io.dump(make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["one two", "three four"], [0, 1]), path)
    with pytest.raises(UsageError, match="reads one text"):
        survey(root, told)
    assert "type: text" in survey(root, told, text=True).manifest
