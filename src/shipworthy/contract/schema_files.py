"""Which JSON Schema belongs to which contract file, and where `init` puts them (DECISIONS §9).

In: the name of a contract file. Out: the comment by which an editor with a YAML language server finds its schema. The
schemas themselves are made by `schema.py`; this module is light, so that whoever writes a contract need not make them.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.contract import card, lock, note, pack, slos, threats
from shipworthy.contract.change import MANIFEST

FOLDER = ".shipworthy/schema"
RECORDS = "docs/decisions/*.md"
SCHEMAS: Mapping[str, str] = {
    MANIFEST: "shipworthy.schema.json",
    slos.FILE: "safety-slos.schema.json",
    pack.FILE: "robustness-pack.schema.json",
    threats.FILE: "threat-model.schema.json",
    card.FILE: "model-card.schema.json",
    note.FILE: "deliberation-note.schema.json",
    RECORDS: "decision-record.schema.json",
    lock.FILE: "shipworthy-lock.schema.json",
}


def editor_line(file: str) -> str:
    """Return the first line of a contract file in YAML. Raises KeyError for a file without a schema."""
    return f"# yaml-language-server: $schema={FOLDER}/{SCHEMAS[file]}\n"
