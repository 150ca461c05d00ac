"""The verdict as JSON: the facts themselves, with the table's rows beside them.

The format is described by `schemas/verdict-1.json` in this package, which `schema` makes from the types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from shipworthy.facts import Verdict
from shipworthy.gate.side_by_side import Line
from shipworthy.gate.table import Row
from shipworthy.gate.verdict import exit_code

VERSION = 1
SCHEMA_ID = f"urn:shipworthy:verdict:{VERSION}"


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A verdict for programs. `version` grows when a field changes its meaning or goes; a new field does not count."""

    version: int
    exit_code: int
    verdict: Verdict
    rows: tuple[Row, ...]
    accuracy_and_security: tuple[Line, ...] = ()


def render(verdict: Verdict, table: Iterable[Row], beside: Iterable[Line] = ()) -> str:
    """Return one JSON object."""
    told = Report(
        version=VERSION,
        exit_code=exit_code(verdict),
        verdict=verdict,
        rows=tuple(table),
        accuracy_and_security=tuple(beside),
    )
    return msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=2).decode() + "\n"


def schema() -> str:
    """Return the JSON Schema (2020-12) of the report, made from the types.

    Unknown fields are allowed in it: a reader of version 1 must not break when a field is added.
    """
    told = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": f"Shipworthy verdict, version {VERSION}",
        **msgspec.json.schema(Report),
    }
    return msgspec.json.format(msgspec.json.encode(_open(told), order="deterministic"), indent=2).decode() + "\n"


def _open(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _open(item) for key, item in value.items() if key != "additionalProperties" or item is not False}
    return [_open(item) for item in value] if isinstance(value, list | tuple) else value
