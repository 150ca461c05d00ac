"""The verdict as JSON: the facts themselves, with the table's rows beside them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipworthy.facts import Verdict
from shipworthy.gate.table import Row
from shipworthy.gate.verdict import exit_code

VERSION = 1


def render(verdict: Verdict, table: Iterable[Row]) -> str:
    """Return one JSON object; `version` grows when a field changes its meaning."""
    told = {"version": VERSION, "exit_code": exit_code(verdict), "verdict": verdict, "rows": tuple(table)}
    return msgspec.json.format(msgspec.json.encode(told, order="deterministic"), indent=2).decode() + "\n"
