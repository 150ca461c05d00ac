"""The golden reports: every format of one verdict, byte for byte. `python -m tests.gate.golden --write` writes them.

The schema of the JSON report, shipped in the package, is written by the same call.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from shipworthy.facts import Verdict
from shipworthy.gate.reports import github, json, junit, markdown, sarif, text
from shipworthy.gate.reports.findings import findings
from shipworthy.gate.table import Row
from tests.gate import made

FOLDER = Path(__file__).parent / "golden"
SCHEMA = Path(json.__file__).resolve().parents[1] / "schemas" / f"verdict-{json.VERSION}.json"


def reports(verdict: Verdict, table: tuple[Row, ...], prefix: str = "models/m/") -> dict[str, str]:
    """Return every report by file name."""
    places = made.places()
    found = findings(verdict, table, places, {"artefact_findings"})
    return {
        "verdict.txt": text.render(verdict, table, made.beside()),
        "verdict.md": markdown.render(verdict, table, beside=made.beside()),
        "verdict.json": json.render(*printable(verdict, table), made.beside()),
        "annotations.txt": github.render(verdict, found, prefix),
        "verdict.sarif": sarif.render(verdict, found, places.texts, "0.1.0", prefix),
        "junit.xml": junit.render(verdict, table, places, prefix),
    }


def printable(verdict: Verdict, table: tuple[Row, ...]) -> tuple[Verdict, tuple[Row, ...]]:
    """Return the table without what JSON cannot hold (our strict readers let no lone surrogate in), nor what hides."""
    odd = str.maketrans("", "", "\ud800\u202e")
    kept = tuple(msgspec.structs.replace(row, because=row.because.translate(odd)) for row in table)
    return verdict, kept


def golden() -> dict[str, str]:
    """Return the reports of the verdict made by hand."""
    return reports(made.verdict(), made.rows())


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.gate.golden --write")
    FOLDER.mkdir(exist_ok=True)
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(json.schema(), encoding="utf-8")
    for name, told in golden().items():
        (FOLDER / name).write_text(told, encoding="utf-8", newline="")
