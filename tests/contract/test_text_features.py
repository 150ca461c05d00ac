"""A feature of type text in the manifest: what it may declare, and that a looser declaration is told."""

from __future__ import annotations

import pytest

from shipworthy.contract.loosening_scope import feature_rows
from shipworthy.contract.manifest import Feature, Manifest
from shipworthy.contract.manifest_reader import key_values, read_manifest
from shipworthy.contract.pack import Rows, case_files, read_pack
from shipworthy.deploy.v2 import metadata
from shipworthy.runtime.columns import text_columns

MANIFEST = """model: m
stakes: low
owner: o
label: {column: y}
datasets: {train: {path: a.csv}, test: {path: b.csv}, calibration: {path: c.csv}}
features:
  - {name: text, type: text, max: 500, mutable: "yes"}
  - {name: age, type: int}
"""
PACK = """pack: {version: 1}
cases:
  - id: one
    clause: robustness
    kind: redteam
    generator: {name: screen, corpus: cases/mine.jsonl}
    oracle: {name: o, metric: caught, op: ">=", target: 0.5}
    severity: minor
    owner: o
"""


def read(*changes: tuple[str, str]) -> tuple[Manifest | None, list[str]]:
    text = MANIFEST
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    manifest, _, problems = read_manifest(text)
    return manifest, [problem.what for problem in problems]


def test_a_text_feature_is_read() -> None:
    manifest, problems = read()
    assert problems == []
    assert manifest is not None
    assert manifest.features[0] == Feature(name="text", type="text", max=500, mutable="yes")
    assert text_columns(manifest) == {"text"}
    assert metadata("m", ["1"], [("text", "text")])["inputs"][0]["datatype"] == "BYTES"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("min: 1", "it has no min"),
        ("bins: [1, 2]", "it has no bins"),
        ("unit: words", "it has no unit"),
        ("group: g", "it has no group"),
        ("accepted: [a]", "is no category"),
        ("protected: true", "no group of people"),
    ],
)
def test_what_a_text_has_not_is_refused(more: str, told: str) -> None:
    _, problems = read(("max: 500", more))
    assert len(problems) == 1
    assert told in problems[0]


@pytest.mark.parametrize("most", ["0", "0.5", "12.5", "-3"])
def test_the_most_characters_are_a_whole_number(most: str) -> None:
    assert read(("max: 500", f"max: {most}"))[1] == ["text is a text: max is its most characters"]


def test_a_text_neither_increases_nor_decreases() -> None:
    assert read(('mutable: "yes"', "mutable: increase"))[1] == ["text is a text: it neither increases nor decreases"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("segments: {keys: [{key: text}]}", "segment key 'text' is a text"),
        ("tenant: text", "tenant: 'text' is a text"),
        ("review: {denied: 0.1, approved: 0.1, buckets: [text]}", "every text is one the model has not seen"),
    ],
)
def test_nothing_is_keyed_by_a_text(line: str, told: str) -> None:
    _, problems = read(("owner: o\n", f"owner: o\n{line}\n"))
    assert len(problems) == 1
    assert told in problems[0]


def test_a_key_that_is_a_text_by_mistake_has_no_values_of_its_own() -> None:
    manifest, _ = read()
    assert manifest is not None
    assert key_values(manifest) == {"tenant": None}


@pytest.mark.parametrize(
    ("new", "rows"),
    [
        ({"max": 500}, []),
        ({"max": 400}, []),
        ({"max": 900}, ["feature text: max 500 → 900"]),
        ({}, ["feature text: max 500 → none"]),
        ({"max": 500, "mutable": "no"}, ["feature text: mutable yes → no"]),
        ({"type": "category"}, ["feature text: type text → category", "feature text: max 500 → none"]),
    ],
)
def test_a_looser_text_is_a_row(new: dict[str, object], rows: list[str]) -> None:
    old = Feature(name="text", type="text", max=500, mutable="yes")
    after = Feature(**{"name": "text", "type": "text", "mutable": "yes", **new})  # type: ignore[arg-type]
    assert list(feature_rows([old], [after], frozenset())) == rows


def test_a_corpus_is_a_file_of_the_repository() -> None:
    pack, _, problems = read_pack(PACK, rows=Rows(files=frozenset({"cases/mine.jsonl"})))
    assert problems == ()
    assert pack is not None
    assert case_files(pack.cases[0]) == ("cases/mine.jsonl",)
    assert [one.what for one in read_pack(PACK, rows=Rows(files=frozenset()))[2]] == [
        "case 'one': no file 'cases/mine.jsonl'"
    ]
