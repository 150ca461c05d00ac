"""Pieces of a page as text: escaped words, tables, figures, one whole document without scripts or outside references.

In: plain values, among them names and remarks that strangers wrote. Out: markup that is HTML and well-formed XML at
once, so that a strict parser can check every page. Whatever XML cannot hold (control characters, halves of a surrogate
pair) becomes U+FFFD, the replacement character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

CSP = "default-src 'none'; style-src 'unsafe-inline'"
"""Content Security Policy level 3: the page may style itself and nothing else."""

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"[-+−]?[\d.,\s]*\d[\d.,\s]*(%|ms|s|h|KB|MB)?")


def clean(value: object) -> str:
    """Return the words of a value, ready to stand between tags or inside a quoted attribute.

    >>> clean('<b>"A" & B</b>')
    '&lt;b&gt;&quot;A&quot; &amp; B&lt;/b&gt;'
    """
    return escape(fit(value), quote=True)


def fit(value: object) -> str:
    """Return a value as text that XML and UTF-8 can hold, not yet escaped."""
    return _UNFIT.sub("\ufffd", str(value))


def shortened(value: object, most: int) -> str:
    """Return at most `most` characters, not yet escaped; what was cut shows as an ellipsis.

    >>> shortened("supplier=P42", 9)
    'supplier…'
    """
    words = str(value)
    return words if len(words) <= most else words[: most - 1] + "…"


def table(caption: str, header: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """Return a table that scrolls on its own; the first cell of a row heads the row, numbers stand to the right."""
    columns = [_aligned(rows, i) for i in range(max(map(len, [header, *rows])))]
    head = "".join(f'<th scope="col"{columns[i]}>{clean(name)}</th>' for i, name in enumerate(header))
    body = "".join(f"<tr>{_row(row, columns)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{clean(caption)}"><table>'
        f"<caption>{clean(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figure(title: str, sentence: str, measured: str, drawing: str, numbers: str) -> str:
    """Return a drawing with what to see in it, what was measured, and the numbers behind it (markup) to unfold."""
    seen = f'<span class="measured">{clean(measured)}</span>' if measured else ""
    return (
        f'<figure><figcaption><strong class="what">{clean(title)}</strong> {clean(sentence)} {seen}</figcaption>'
        f'<div class="scroll drawing" role="region" tabindex="0" aria-label="{clean(title)}">{drawing}</div>'
        f"<details><summary>The numbers: {clean(title)}</summary>{numbers}</details></figure>"
    )


def document(title: str, style: str, body: str) -> str:
    """Return one self-contained page. `style` is CSS of ours and `body` is markup; neither is escaped here."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/><meta name="referrer" content="no-referrer"/>'
        f"<title>{clean(title)}</title><style>{style}</style></head>\n<body>{body}</body></html>\n"
    )


def _row(row: Sequence[object], columns: Sequence[str]) -> str:
    if not row:
        return ""
    rest = "".join(f"<td{columns[i]}>{clean(cell)}</td>" for i, cell in enumerate(row) if i)
    return f'<th scope="row">{clean(row[0])}</th>{rest}'


def _aligned(rows: Sequence[Sequence[object]], index: int) -> str:
    """Return the attribute of a column's cells: its first cells are names, others may all be numbers or unknown."""
    said = [str(row[index]).strip() for row in rows if 0 < index < len(row)]
    known = [cell for cell in said if cell not in ("", "–")]
    return ' class="number"' if known and all(_NUMBER.fullmatch(cell) for cell in known) else ""
