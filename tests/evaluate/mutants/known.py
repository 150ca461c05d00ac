"""What mutations are aimed by, over the rows of the bench: labels that the honest model's probability made."""

from __future__ import annotations

from functools import cache

from shipworthy.evaluate.mutants.known import Known
from shipworthy.evaluate.mutants.rows import Cells
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, WORDS, Given, rows, truth


@cache
def known() -> Known:
    """Return the facts over 600 training and 600 held-out rows."""
    sent = [{**row, "tenant": "acme" if place % 3 else "birch"} for place, row in enumerate(rows(600, 3))]
    return Known(features=FEATURES, label="y", train=sent, held_out=rows(600, 4), seed=7, words=WORDS, tenant="tenant")


def cells() -> list[Cells]:
    """Return the training rows as a file would spell them."""
    return [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in known().train]


def honest(asked: list[list[Value]]) -> Given:
    """Answer with the true probability."""
    names = [one.name for one in FEATURES]
    return Given([truth(dict(zip(names, row, strict=True))) for row in asked])
