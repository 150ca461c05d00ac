"""The JSON Schemas are made from the types, accept every contract file that is there, and refuse nothing that is read.

`python -m tests.contract.test_schema --write` writes `src/shipworthy/contract/schemas/*.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract import schema
from shipworthy.contract.card import read_card
from shipworthy.contract.contract import make_lock
from shipworthy.contract.front_matter import read_document
from shipworthy.contract.lock import read_lock, render_lock
from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.note import read_note, template
from shipworthy.contract.pack import read_pack
from shipworthy.contract.record import read_record
from shipworthy.contract.schema_files import SCHEMAS, editor_line
from shipworthy.contract.slos import read_slos
from shipworthy.contract.strict_json import read_json
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.contract.threats import read_threats
from tests.contract.repository import CARD, MISSION_SLOS, NEVER, NOTE, PACK, RECORD, THREATS, standard, whole

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "src" / "shipworthy" / "contract" / "schemas"
CLAIMS = ROOT / "examples" / "claims-triage"
SLOS = MISSION_SLOS.decode() + NEVER
SHA = "sha256:" + "a" * 64
NAMES = ("shipworthy.yaml", "safety-slos.yaml", "robustness-pack.yaml", "threat-model.yaml", "MODEL_CARD.md",
         "deliberation-note.md")  # fmt: skip
RECORD_FILES = "docs/decisions/*.md"
EXAMPLES = [path for name in NAMES for path in sorted(CLAIMS.rglob(name))]
RECORDS = sorted((CLAIMS / "docs" / "decisions").glob("[0-9]*.md"))


@cache
def validator(name: str) -> Any:
    """Return a validator that is not ours."""
    import jsonschema

    made = schema.schema_of(name)
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def complaints(name: str, value: Any) -> list[str]:
    """Return what the schema has against a value."""
    return [error.message for error in validator(name).iter_errors(value)]


def value_of(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    reading = read_document(text, path.name).front if path.suffix == ".md" else read_yaml(text, path.name)
    assert not reading.problems
    return reading.value


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_package_ships_what_the_types_say_now(name: str) -> None:
    made = schema.render_schema(schema.schema_of(name))
    told = "run `python -m tests.contract.test_schema --write`"
    assert (SHIPPED / SCHEMAS[name]).read_text(encoding="utf-8") == made, told


def test_nothing_else_lies_among_the_schemas() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == set(SCHEMAS.values())


@pytest.mark.parametrize("name", SCHEMAS)
def test_references_stay_inside_the_file_and_unknown_keys_are_refused(name: str) -> None:
    made = schema.schema_of(name)
    assert "$id" not in schema.render_schema(made)
    for part in _parts(made):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/definitions/") in made["definitions"]
            assert set(part) == {"$ref"}
        assert not {"$defs", "prefixItems"} & set(part)
    for title, part in made["definitions"].items():
        assert part.get("additionalProperties") is False or part.get("type") != "object", title


@pytest.mark.parametrize("path", EXAMPLES + RECORDS, ids=lambda path: str(path.relative_to(CLAIMS)))
def test_every_file_of_the_example_is_accepted(path: Path) -> None:
    assert complaints(path.name if path.name in NAMES else RECORD_FILES, value_of(path)) == []


def test_the_policy_of_the_mission_is_accepted() -> None:
    assert complaints("safety-slos.yaml", read_yaml(MISSION_SLOS, "f").value) == []


def test_a_note_before_its_stamp_and_segments_as_mappings_are_accepted() -> None:
    front = read_document(template("ana", "2026-11-02"), "n.md").front.value
    assert complaints("deliberation-note.md", front) == []
    assert "segment: {office: [P2, P1]}" in PACK
    assert complaints("robustness-pack.yaml", read_yaml(PACK, "f").value) == []


def test_a_lock_is_accepted(tmp_path: Path) -> None:
    contract = whole(tmp_path)
    text = render_lock(make_lock(contract, contract.subject(SHA, SHA), "{}", bits={"tail.old": "01" * 200}))
    assert read_lock(text)[1] == ()
    assert complaints("shipworthy.lock", read_json(text, "f").value) == []


BROKEN: list[tuple[str, str, Callable[[str], Any], str, str]] = [
    ("shipworthy.yaml", standard(), read_manifest, "stakes: standard", "stakes: medium"),
    ("shipworthy.yaml", standard(), read_manifest, "owner: ana", "owner: ' '"),
    ("shipworthy.yaml", standard(), read_manifest, "owner: ana\n", ""),
    ("shipworthy.yaml", standard(), read_manifest, "owner: ana", "ownr: ana"),
    ("shipworthy.yaml", standard(), read_manifest, "name: age,", "name: not,"),
    ("shipworthy.yaml", standard(), read_manifest, "name: age,", "name: my age,"),
    ("shipworthy.yaml", standard(), read_manifest, "type: int", "type: integer"),
    ("shipworthy.yaml", standard(), read_manifest, "min: 0", "min: zero"),
    ("shipworthy.yaml", standard(), read_manifest, "digest: sha256:", "digest: md5:"),
    ("shipworthy.yaml", standard(), read_manifest, "{column: label}", "{column: label, matured_after: 3w}"),
    ("shipworthy.yaml", standard(), read_manifest, "roles: [operator, ml]", "roles: []"),
    ("shipworthy.yaml", standard(), read_manifest, 'segment: "office=P9"', "segment: 9"),
    ("safety-slos.yaml", SLOS, read_slos, '">= 0.90"', '"> 0.90"'),
    ("safety-slos.yaml", SLOS, read_slos, '"7d"', '"a week"'),
    ("safety-slos.yaml", SLOS, read_slos, "degrade_to_safe_mode", "degrade"),
    ("safety-slos.yaml", SLOS, read_slos, 'window: "7d"', 'window: "7d"\n    level: 1.0'),
    ("safety-slos.yaml", SLOS, read_slos, 'window: "7d"', 'window: "7d"\n    min_samples: 0'),
    ("safety-slos.yaml", SLOS, read_slos, "never_deny_unsure", "Never"),
    ("robustness-pack.yaml", PACK, read_pack, "clause: alignment", "clause: fairness"),
    ("robustness-pack.yaml", PACK, read_pack, "severity: minor", "severity: low"),
    ("robustness-pack.yaml", PACK, read_pack, "id: tail.old", "id: tail old"),
    ("robustness-pack.yaml", PACK, read_pack, 'op: ">="', 'op: ">"'),
    ("threat-model.yaml", THREATS, read_threats, "impact: 5", "impact: 6"),
    ("threat-model.yaml", THREATS, read_threats, "kind: training-data", "kind: rows"),
    ("threat-model.yaml", THREATS, read_threats, "2026-11-02T", "2.11.2026T"),
    ("MODEL_CARD.md", CARD, read_card, "fails_when", "fails"),
    ("MODEL_CARD.md", CARD, read_card, "shipworthy:", "shipwrthy:"),
    ("deliberation-note.md", NOTE, read_note, "author: ana", "author: ''"),
    ("deliberation-note.md", NOTE, read_note, "author: ana", "auhtor: ana"),
    (RECORD_FILES, RECORD, lambda text: read_record(text, "r.md"), "accepted", "agreed"),
    (RECORD_FILES, RECORD, lambda text: read_record(text, "r.md"), "[ana, ben]", "[]"),
    (RECORD_FILES, RECORD, lambda text: read_record(text, "r.md"), "safety-review", "chat"),
]


@pytest.mark.parametrize(("name", "text", "read", "old", "new"), BROKEN, ids=[f"{row[0]} {row[4]}" for row in BROKEN])
def test_a_broken_file_is_refused_by_schema_and_reader_alike(
    name: str, text: str, read: Callable[[str], Any], old: str, new: str
) -> None:
    front = name.endswith(".md")
    for source, fine in ((text, True), (text.replace(old, new, 1), False)):
        value = (read_document(source, "f").front if front else read_yaml(source, "f")).value
        assert (complaints(name, value) == []) is fine
        assert (read(source)[-1] == ()) is fine


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "shipworthy.yaml": (standard(), read_manifest),
    "safety-slos.yaml": (SLOS, read_slos),
    "robustness-pack.yaml": (PACK, read_pack),
    "threat-model.yaml": (THREATS, read_threats),
}
ODD = st.sampled_from(
    [None, True, 0, -1, 7, 1.5, 99.0, "", " ", "x", "not", "rolling", "24h", "== 0", [], {}, ["x"], {"x": 1}]
)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_the_schema_refuses_the_reader_refuses(name: str, data: st.DataObject) -> None:
    text, read = READERS[name]
    value = json.loads(json.dumps(read_yaml(text, name).value))
    place = data.draw(st.sampled_from(list(_places(value))))
    _put(value, place, data.draw(st.one_of(ODD, st.just(GONE), st.just(MORE))))
    if complaints(name, value):
        assert read(json.dumps(value))[-1], (place, value)


GONE, MORE = object(), object()


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value below the top."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from _places(item, (*path, key))


def _put(value: Any, path: tuple[Any, ...], odd: Any) -> None:
    """Put an odd value at a place, take the value away, or set another key beside it."""
    for key in path[:-1]:
        value = value[key]
    if odd is GONE:
        del value[path[-1]]
    elif odd is MORE and isinstance(value, dict):
        value["another"] = 1
    else:
        value[path[-1]] = "x" if odd is MORE else odd


def test_an_editor_finds_the_schema_where_init_puts_it() -> None:
    line = editor_line("shipworthy.yaml")
    assert line == "# yaml-language-server: $schema=.shipworthy/schema/shipworthy.schema.json\n"


def test_every_schema_has_a_type_and_a_file() -> None:
    assert set(schema.KINDS) == set(SCHEMAS)


def _parts(tree: Any) -> list[dict[str, Any]]:
    """Return every mapping of a schema that is a schema itself, or holds some; defaults are values and left out."""
    if isinstance(tree, list):
        return [part for item in tree for part in _parts(item)]
    if not isinstance(tree, dict):
        return []
    under = [item for key, item in tree.items() if key not in ("default", "properties", "definitions")]
    under += [item for key in ("properties", "definitions") for item in tree.get(key, {}).values()]
    return [tree, *(part for item in under for part in _parts(item))]


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    SHIPPED.mkdir(exist_ok=True)
    for each in SCHEMAS:
        (SHIPPED / SCHEMAS[each]).write_text(schema.render_schema(schema.schema_of(each)), encoding="utf-8")
