"""What a reviewer must see of a verdict, each with the line that it is about: the source of annotations and SARIF.

In: verdict, table, places. Out: one finding per row that is not green and counts or is on trial, per hard block and per
warning; the worst first. A row that is not judged here is no finding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from shipworthy.contract import note, pack, slos
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.lock import FILE as LOCK
from shipworthy.contract.places import Place, Places
from shipworthy.facts import Block, Outcome, Verdict
from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.table import WORD, Row

Level = Literal["error", "warning", "note"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "note")
_TOLD = re.compile(r"(?P<file>[^\s:][^:\n]*):(?P<line>[0-9]{1,7})(?::[0-9]{1,7})?: ")  # how a contract problem begins
_LOOSENED = re.compile(r"(?P<kind>slo|case|never event) (?P<name>[^\s:]+)")
_FILE_OF = {"lock": LOCK, "note": note.FILE, "evidence": slos.FILE, "coverage": pack.FILE, "loosened": slos.FILE}
_PREFIX = {"slo": "", "case": "case:", "never event": "never event "}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to see. `rule` is a stable id; `unsafe` marks code that would run when the model is opened.

    `fix` is empty where the message says it all.
    """

    rule: str
    title: str
    level: Level
    message: str
    fix: str
    place: Place
    segment: str = "*"
    unsafe: bool = False

    @property
    def text(self) -> str:
        """Return what happened and what would mend it, on one line."""
        return f"{self.message} — {self.fix}" if self.fix else self.message


def findings(
    verdict: Verdict, table: Iterable[Row], places: Places, unsafe: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Return the findings, errors first. `unsafe` names the SLOs that count unsafe files."""
    found = [
        *(_block(one, places) for one in verdict.blocks),
        *(_row(one, places, unsafe) for one in table if one.outcome is not Outcome.MET and _is_shown(one)),
        *(_told("override", "Override", "warning", text, places) for text in verdict.overrides),
        *(_told("warning", "Warning", "warning", text, places) for text in verdict.warnings),
        *(_told("not-claimed", "Not claimed", "note", text, places) for text in verdict.not_claimed),
    ]
    return tuple(sorted(found, key=lambda one: _LEVELS.index(one.level)))


def _is_shown(row: Row) -> bool:
    return row.deciding or "not judged" not in row.because


def _row(row: Row, places: Places, unsafe: Collection[str]) -> Finding:
    where = "" if row.segment == "*" else f" on {row.segment}"
    kind, _, name = row.name.rpartition(":") if row.name.startswith("case:") else ("slo", "", row.name)
    beside = f"; against the baseline: {row.against}" if row.against else ""
    return Finding(
        rule=one_line(f"{kind}/{name}"),
        title=one_line(f"{row.name}{where}: {WORD[row.outcome]}"),
        level="error" if row.deciding else "note",
        message=one_line(f"{row.name}{where} is {WORD[row.outcome]}: {row.because or 'no reason given'}{beside}"),
        fix=one_line(row.mend or "on trial: it does not decide"),
        place=places.of(row.name, pack.FILE if row.name.startswith("case:") else slos.FILE),
        segment=one_line(row.segment),
        unsafe=row.name in unsafe,
    )


def _block(block: Block, places: Places) -> Finding:
    return Finding(
        rule=f"gate/{_slug(block.name)}",
        title=one_line(f"{block.name} blocks the release"),
        level="error",
        message=one_line(f"{block.name}: {block.because or 'no reason given'}"),
        fix=one_line(block.fix or "see the documentation"),
        place=_place(block, places),
    )


def _place(block: Block, places: Places) -> Place:
    if block.name == "contract" and (told := _TOLD.match(block.because)):
        return places.line(told["file"], int(told["line"]))
    if block.name == "loosened" and (told := _LOOSENED.match(block.because)):
        return places.of(_PREFIX[told["kind"]] + told["name"], pack.FILE if told["kind"] == "case" else slos.FILE)
    return places.line(_FILE_OF.get(block.name, MANIFEST), 1)


def _told(rule: str, title: str, level: Level, text: str, places: Places) -> Finding:
    return Finding(
        rule=f"gate/{rule}",
        title=title,
        level=level,
        message=one_line(text or title),
        fix="",
        place=places.line(MANIFEST, 1),
    )


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "block"
