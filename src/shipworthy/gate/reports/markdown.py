"""The verdict as Markdown, for a comment on a pull request or a step summary.

Text from outside is escaped: it can neither become markup nor mention people or other issues. The page stays below a
limit (GitHub takes comments of 65,536 characters and summaries of 1 MiB): the decision, what is red and what would mend
it are the last to go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shipworthy.facts import Outcome, Verdict
from shipworthy.gate.reports import side_by_side
from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.reports.text import SAYS
from shipworthy.gate.side_by_side import Line
from shipworthy.gate.table import MARK, WORD, Row

COMMENT, SUMMARY = 65_536, 1 << 20  # bytes; a character has at least one
_CELL = 400
_HEAD, _RED, _MEND, _REMARK, _GREEN, _CLAIM = range(6)  # what goes first has the larger number
_MARKUP = re.compile(r"[\\|*\[\]$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_REFERENCE = re.compile(r"@(?=\w)|#(?=\w)|(?<=\w)://|\bwww\.|\bGH-(?=\d)", re.IGNORECASE)
_Line = tuple[int, str]
_COLUMNS = (
    "| | clause | SLO or case | value | n | target | against baseline |",
    "|---|---|---|---|---|---|---|",
)


def render(verdict: Verdict, table: Iterable[Row], limit: int = COMMENT, beside: Sequence[Line] = ()) -> str:
    """Return the page in at most `limit` bytes of UTF-8, the decision on top. `beside` is the table of accuracy and
    security."""
    rows = tuple(table)
    lines: list[_Line] = [(_HEAD, text) for text in _head(verdict)]
    lines += _beside(beside)
    lines += [(_HEAD, text) for text in _COLUMNS]
    lines += [(_GREEN if row.outcome is Outcome.MET or not row.deciding else _RED, _line(row)) for row in rows]
    lines += _told("What would make it green", _MEND, (_mend(row) for row in rows if row.mend and row.deciding))
    lines += _told("What blocks the release", _RED, (_item(one.name, one.because, one.fix) for one in verdict.blocks))
    lines += _told("Overrides", _RED, (f"- **override**: {cell(told)}" for told in verdict.overrides))
    lines += _told("Changes of the contract", _REMARK, (f"- {cell(told)}" for told in verdict.policy_changes))
    lines += _told("Warnings", _REMARK, (f"- {cell(told)}" for told in verdict.warnings))
    lines += _told("Not claimed", _CLAIM, (f"- {cell(told)}" for told in verdict.not_claimed))
    return _fitted(lines, limit)


def cell(text: str) -> str:
    """Return text that stays text: no markup, no mention, no link.

    >>> cell("<b>@ana|*x* error_rate")
    '&lt;b&gt;@\\u200bana\\\\|\\\\*x\\\\* error_rate'
    """
    text = _MARKUP.sub(lambda match: "\\" + match[0], one_line(text, _CELL))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
    return _REFERENCE.sub(lambda match: _apart(match[0]), text)


def _apart(reference: str) -> str:
    return reference[0] + "\u200b" + reference[1:] if len(reference) > 1 else reference + "\u200b"


def _head(verdict: Verdict) -> list[str]:
    subject = verdict.subject
    against = "first release: absolute targets only" if verdict.first else f"against `{_code(verdict.baseline or '')}`"
    return [
        f"## {SAYS[verdict.decision]}",
        "",
        f"`{_code(subject.model)}` version `{_code(subject.version)}`, artefact `{_code(subject.artefact)}`, {against}",
        "",
    ]


def _beside(lines: Sequence[Line]) -> list[_Line]:
    if not lines:
        return []
    head, rows = side_by_side.page(lines, cell)
    ranked = [(_GREEN if line.good else _RED, row) for line, row in zip(lines, rows, strict=True)]
    return [*((_HEAD, text) for text in head), *ranked, (_HEAD, "")]


def _code(text: str) -> str:
    return one_line(text, 80).replace("`", "'")


def _line(row: Row) -> str:
    mark = f"{MARK[row.outcome]} {WORD[row.outcome]}" if row.deciding else f"({WORD[row.outcome]}, does not decide)"
    against = row.against or (f"was {row.was}" if row.was else "")
    cells = (mark, row.clause, _name(row), row.value, row.n, row.target, against)
    return f"| {' | '.join(cell(text) for text in cells)} |"


def _name(row: Row) -> str:
    return row.name if row.segment == "*" else f"{row.name} on {row.segment}"


def _mend(row: Row) -> str:
    return _item(_name(row), row.because, row.mend)


def _item(name: str, because: str, fix: str) -> str:
    return f"- **{cell(name)}**: {cell(because)} — {cell(fix)}"


def _told(title: str, rank: int, items: Iterable[str]) -> list[_Line]:
    lines = [(rank, item) for item in items]
    return [(rank, ""), (rank, f"### {title}"), (rank, ""), *lines] if lines else []


def _fitted(lines: list[_Line], limit: int) -> str:
    """Drop what matters least, from the end, until the rest fits, and say how many lines went."""
    page = _page(lines)
    size = len(page.encode())
    if size <= limit:
        return page
    kept = set(range(len(lines)))
    room = limit - 100  # for the line that says so
    for index in sorted(kept, key=lambda at: (lines[at][0], at), reverse=True):
        if size <= room or lines[index][0] == _HEAD:
            break
        size -= len(lines[index][1].encode()) + 1
        kept.remove(index)
    left = sum(bool(text) for at, (_, text) in enumerate(lines) if at not in kept)
    return _page([*(lines[at] for at in sorted(kept)), (_HEAD, ""), (_HEAD, f"{left} lines are left out here.")])


def _page(lines: list[_Line]) -> str:
    return "\n".join(text for _, text in lines).rstrip() + "\n"
