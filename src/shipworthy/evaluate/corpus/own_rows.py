"""Prompts out of rows of the user's own: a corpus bought, collected, or grown from incidents.

In: rows with a column `prompt`; where they have them, `label` (malicious, benign, or 1 and 0), `kind`, `id`, and
`expects` (words of a useful answer, apart by `|`). Out: prompts. A row without a text, or with another label, is an
error: it must not quietly become a harmless one.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.errors import ContractError
from shipworthy.evaluate.corpus.prompt import Prompt
from shipworthy.profile.rows import Row, as_category

_LABELS = {"malicious": True, "attack": True, "1": True, "true": True, "benign": False, "0": False, "false": False}


def prompts_of(rows: Sequence[Row], where: str) -> list[Prompt]:
    """Return one prompt a row, in order. Raises ContractError naming the row that is none."""
    return [_prompt(row, place, where) for place, row in enumerate(rows)]


def _prompt(row: Row, place: int, where: str) -> Prompt:
    text = as_category(row.get("prompt"))
    if text is None:
        raise ContractError(f"row {place} has no prompt", where, "name the column with the text `prompt`")
    label = (as_category(row.get("label")) or "malicious").strip().lower()
    if label not in _LABELS:
        raise ContractError(f"row {place}: the label {label[:40]!r} is not known", where, "write malicious or benign")
    return Prompt(
        id=as_category(row.get("id")) or f"own-{place:04}",
        kind=as_category(row.get("kind")) or "own",
        goal="leak" if _LABELS[label] else "",
        turns=(text,),
        blanks=False,
        expects=tuple(one.strip() for one in (as_category(row.get("expects")) or "").split("|") if one.strip()),
    )
