"""Annotations of a GitHub workflow run: one workflow command a line, on the exact line of the contract.

`::error file=…,line=…,col=…,endColumn=…,title=…::message`, with `%`, line ends, and in properties `:` and `,` escaped
(GitHub, Workflow commands, "Setting an error message"). GitHub shows ten of each level a step; where there are more,
the tenth says how many.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.facts import Decision, Verdict
from shipworthy.gate.reports.findings import Finding, Level
from shipworthy.gate.reports.text import SAYS

SHOWN = 10
_COMMAND: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


def render(verdict: Verdict, found: Sequence[Finding], prefix: str = "") -> str:
    """Return the commands, the decision first. `prefix` leads from the checkout to the model repository."""
    said: Level = "note" if verdict.decision is Decision.SHIP else "error"
    lines = [f"::{_COMMAND[said]} title=Shipworthy::{_text(SAYS[verdict.decision])}"]
    for level in _COMMAND:
        told = [_line(one, prefix) for one in found if one.level == level]
        lines += _first(level, told, SHOWN - (level == said))
    return "".join(f"{line}\n" for line in lines)


def _first(level: Level, lines: list[str], shown: int) -> list[str]:
    if len(lines) <= shown:
        return lines
    more = len(lines) - shown + 1
    return [*lines[: shown - 1], f"::{_COMMAND[level]} title=Shipworthy::and {more} more: see the step summary"]


def _line(one: Finding, prefix: str) -> str:
    place = one.place
    keys = {
        "file": prefix + place.file,
        "line": str(place.line),
        "col": str(place.column),
        "endColumn": str(place.end_column),
        "title": one.title,
    }
    told = ",".join(f"{key}={_value(value)}" for key, value in keys.items())
    return f"::{_COMMAND[one.level]} {told}::{_text(one.text)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
