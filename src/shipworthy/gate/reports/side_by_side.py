"""The table of accuracy and security in plain text and in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.side_by_side import Line

TITLE = "Accuracy and security"
COLUMNS = ("about", "what", "n", "value", "bound", "target", "outcome", "seed")
_WIDEST = 48


def plain(lines: Iterable[Line]) -> list[str]:
    """Return the table as lines of text, its title first; none for no line."""
    rows = [tuple(one_line(text, _WIDEST) for text in _cells(line)) for line in lines]
    if not rows:
        return []
    widths = [max(len(row[at]) for row in (COLUMNS, *rows)) for at in range(len(COLUMNS))]
    return [TITLE.upper(), *(_padded(row, widths) for row in (COLUMNS, *rows))]


def page(lines: Sequence[Line], cell: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Return (head, one line of Markdown per line). `cell` makes text from outside harmless."""
    head = [f"### {TITLE}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return head, [f"| {' | '.join(cell(text) for text in _cells(line))} |" for line in lines]


def _cells(line: Line) -> tuple[str, ...]:
    return line.about, line.what, line.n, line.value, line.bound, line.target, line.outcome, line.seed


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
