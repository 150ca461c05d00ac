"""JSON Schemas (draft-07) of the contract files, for editors and for tools that write contracts.

In: the types that the strict reader converts to. Out: one self-contained schema a file, with references inside it only.
The types say the shape; `_TIGHTER` adds the rules that no type can say, with the reader's own patterns. The reader is
the judge and knows more than any schema: what a schema refuses the reader refuses, not the other way round. The texts
are kept in `contract/schemas/`; `python -m tests.contract.test_schema --write` makes them again.

Source: https://json-schema.org/draft-07/json-schema-validation. Types come from msgspec as draft 2020-12, where
references stand under `$defs` and fixed tuples are `prefixItems`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from shipworthy.contract import card, lock, manifest_reader, note, pack, record, slo_rules, slos, threats
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.manifest import KEPT, Manifest
from shipworthy.contract.pack import Pack
from shipworthy.contract.record import RecordFront
from shipworthy.contract.schema_files import RECORDS
from shipworthy.contract.slos import WrittenPolicy
from shipworthy.contract.threats import ThreatModel
from shipworthy.facts import Clause
from shipworthy.indicators import WINDOW

Schema = dict[str, Any]
DRAFT = "http://json-schema.org/draft-07/schema#"
KINDS: Mapping[str, Any] = {
    MANIFEST: Manifest,
    slos.FILE: WrittenPolicy,
    pack.FILE: Pack,
    threats.FILE: ThreatModel,
    card.FILE: card.Card,
    note.FILE: note.NoteFront,
    RECORDS: RecordFront,
    lock.FILE: lock.Lock,
}


def schema_of(file: str) -> Schema:
    """Return the schema of a contract file (a key of `KINDS`); of a Markdown file, that of its front matter."""
    kind = KINDS[file]
    (top,), parts = msgspec.json.schema_components([kind])
    definitions = {part: _draft_07(parts[part]) for part in sorted(parts)}
    for (part, field), more in _TIGHTER.items():
        if part in definitions:
            _tighten(definitions[part], field, more)
    _as_written(definitions)
    body = _card(top) if kind is card.Card else {"allOf": [_draft_07(top)]}
    return {
        "$schema": DRAFT,
        "title": f"front matter of {file}" if file.endswith(".md") else file,
        **body,
        "definitions": definitions,
    }


def render_schema(schema: Schema) -> str:
    """Return the text of a schema file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _exactly(pattern: re.Pattern[str]) -> Schema:
    return {"pattern": f"^(?:{pattern.pattern})$"}


_LEVEL: Schema = {"minimum": 0.5, "exclusiveMaximum": 1}
_ONE_OR_MORE: Schema = {"minimum": 1}
_NOT_EMPTY: Schema = {"minItems": 1}
_WORD: Schema = {"pattern": r"\S"}
_SHARE: Schema = {"exclusiveMinimum": 0, "exclusiveMaximum": 1}
_TIGHTER: Mapping[tuple[str, str], Schema] = {
    ("Manifest", "model"): _WORD,
    ("Manifest", "version"): _WORD,
    ("Manifest", "owner"): _WORD,
    ("Manifest", "features"): _NOT_EMPTY,
    ("Manifest", "endpoints"): _NOT_EMPTY,
    ("Manifest", "retention"): {
        "properties": {
            record: {"type": "string", "default": span, **_exactly(WINDOW)} for record, span in KEPT.items()
        },
        "additionalProperties": {"type": "string", **_exactly(WINDOW)},
    },
    ("Manifest", "alarms"): {"additionalProperties": {"type": "number", "exclusiveMinimum": 0}},
    ("Feature", "name"): {
        **_exactly(manifest_reader.FEATURE_NAME),
        "not": {"enum": sorted(manifest_reader.KEPT_WORDS)},
    },
    ("Feature", "cost"): {"minimum": 0},
    ("Feature", "accepted"): {"uniqueItems": True},
    ("Label", "matured_after"): _exactly(WINDOW),
    ("PersonRef", "roles"): _NOT_EMPTY,
    ("Rollout", "stages"): _NOT_EMPTY,
    **{("Compare", key): _SHARE for key in ("errors", "latency", "review_rate", "disagreement", "false_rollbacks")},
    ("Stage", "share"): {"exclusiveMinimum": 0, "maximum": 100},
    ("Stage", "tenants"): _NOT_EMPTY,
    ("Stage", "min_samples"): _ONE_OR_MORE,
    ("Throttle", "rate_per_s"): {"exclusiveMinimum": 0},
    ("Throttle", "burst"): _ONE_OR_MORE,
    ("Source", "digest"): _exactly(manifest_reader.DIGEST),
    ("WrittenPolicy", "slos"): _NOT_EMPTY,
    ("WrittenSlo", "name"): _exactly(slo_rules.FREE_NAME),
    ("WrittenSlo", "objective"): _WORD,
    ("WrittenSlo", "target"): {"pattern": rf"^\s*(?:{slo_rules.TARGET.pattern})\s*$"},
    ("WrittenSlo", "window"): {"pattern": f"^rolling$|{WINDOW.pattern}"},
    ("WrittenSlo", "level"): _LEVEL,
    ("WrittenSlo", "min_samples"): _ONE_OR_MORE,
    ("WrittenSlo", "max_regression"): {"minimum": 0},
    ("WrittenSlo", "segments"): _NOT_EMPTY,
    ("WrittenNever", "name"): _exactly(slos.NEVER_NAME),
    ("Case", "id"): _exactly(pack.CASE_ID),
    ("Case", "clause"): {"enum": [clause.value for clause in Clause]},
    ("Case", "severity"): {"enum": list(pack.SEVERITIES)},
    ("Case", "owner"): _WORD,
    ("Oracle", "op"): {"enum": [">=", "<=", "=="]},
    ("Oracle", "level"): _LEVEL,
    ("Threat", "likelihood"): {"minimum": 1, "maximum": 5},
    ("Threat", "impact"): {"minimum": 1, "maximum": 5},
    ("ThreatModel", "created"): _exactly(threats.DATE),
    ("ThreatModel", "threats"): _NOT_EMPTY,
    ("Card", "human_objective"): _WORD,
    ("Card", "proxies"): _NOT_EMPTY,
    ("Proxy", "fails_when"): _WORD,
    ("NoteFront", "author"): _WORD,
    ("NoteFront", "date"): _WORD,
    ("RecordFront", "status"): {"pattern": f"^(?:{'|'.join(record.STATUSES)})(?: .*)?$"},
    ("RecordFront", "kind"): {"enum": list(record.KINDS)},
    ("RecordFront", "decision-makers"): _NOT_EMPTY,
    ("RecordFront", "covers"): _exactly(manifest_reader.DIGEST),
}
_SEGMENT = "Segment"
_VALUE: Schema = {"type": ["string", "integer"]}
_SEGMENT_SCHEMA: Schema = {
    "description": "Canonical text such as `supplier=P42,P73`, or a mapping of keys to values.",
    "anyOf": [
        {"type": "string"},
        {"type": "object", "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE}]}},
    ],
}
_LINES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def _draft_07(part: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a part of a schema as draft-07 says it. Keys beside a reference would be ignored there."""
    if isinstance(part, list):
        return [_draft_07(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        reference = {"$ref": part["$ref"].replace("#/$defs/", "#/definitions/")}
        return {"allOf": [reference], "default": part["default"]} if "default" in part else reference
    made = {key: _said(key, value) for key, value in part.items() if key != "prefixItems"}
    if "prefixItems" in part:
        made |= {"items": _draft_07(part["prefixItems"]), "additionalItems": False}
    return made


def _said(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return what stands under one keyword: names of properties are no keywords, and defaults are plain values."""
    if key == "properties":
        return {name: _draft_07(kind) for name, kind in value.items()}
    if key == "description":
        return " ".join(value.split())
    return value if key == "default" else _draft_07(value)


def _tighten(definition: Schema, field: str, more: Schema) -> None:
    """Add keywords to one field; of an optional one, to the value it may have. Raises KeyError without such a field."""
    told = definition["properties"][field]
    for branch in told.get("anyOf", [told]):
        if branch.get("type") != "null":
            branch.update(more)


def _as_written(definitions: dict[str, Schema]) -> None:
    """Segments may be written as mappings, and long rows of the lock as lines: the readers join them first."""
    segments = [("Case", "segment"), ("WrittenSlo", "segments"), ("ScopeLimit", "segment"), ("Shadow", "segments")]
    if "Lock" in definitions:
        definitions["Lock"]["properties"]["bits"]["additionalProperties"] = _LINES
        definitions["PairedRows"]["properties"]["scores"] = _LINES
        return
    for part, field in segments:
        if part in definitions:
            told = definitions[part]["properties"][field]
            definitions[_SEGMENT] = _SEGMENT_SCHEMA
            if told["type"] == "array":
                told["items"] = {"$ref": f"#/definitions/{_SEGMENT}"}
            else:
                told.pop("type")
                told["allOf"] = [{"$ref": f"#/definitions/{_SEGMENT}"}]


def _card(ours: Schema) -> Schema:
    """Only the key `shipworthy:` of a model card is ours; the rest of its front matter is free."""
    return {"type": "object", "properties": {"shipworthy": _draft_07(ours)}, "required": ["shipworthy"]}
