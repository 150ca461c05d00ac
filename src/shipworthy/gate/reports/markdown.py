"""The verdict as Markdown for a pull request or a step summary."""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.facts import Verdict
from shipworthy.gate.reports.text import SAYS
from shipworthy.gate.table import MARK, WORD, Row


def render(verdict: Verdict, table: Iterable[Row]) -> str:
    """Return a GitHub-flavoured table with the decision on top."""
    lines = [f"## {SAYS[verdict.decision]}", "", f"`{verdict.subject.model}` version `{verdict.subject.version}`", ""]
    lines += ["| clause | SLO or case | value | n | target | against baseline | |", "|---|---|---|---|---|---|---|"]
    lines += [_line(row) for row in table]
    lines += ["", *(f"- **{cell(block.name)}**: {cell(block.because)} — {cell(block.fix)}" for block in verdict.blocks)]
    lines += [f"- warning: {cell(told)}" for told in verdict.warnings]
    lines += [f"- not claimed: {cell(told)}" for told in verdict.not_claimed]
    lines += [f"- **override**: {cell(told)}" for told in verdict.overrides]
    return "\n".join(lines).rstrip() + "\n"


def _line(row: Row) -> str:
    name = row.name if row.segment == "*" else f"{row.name} on {row.segment}"
    mark = f"{MARK[row.outcome]} {WORD[row.outcome]}" if row.deciding else f"({WORD[row.outcome]}, does not decide)"
    cells = (row.clause, name, row.value, row.n, row.target, row.against, mark)
    return f"| {' | '.join(cell(text) for text in cells)} |"


def cell(text: str) -> str:
    """Escape what would break out of a table cell or become markup."""
    for char, safe in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), (">", "&gt;"), ("\n", " "), ("`", "'")):
        text = text.replace(char, safe)
    return text
