"""Which rows belong together: rows of one unit go into the same fold and are no independent evidence.

In: rows. Out: the unit of each, or None where the manifest names none.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.evaluate.bench import Bench
from shipworthy.profile.rows import Row, is_missing


def units_in(bench: Bench, rows: Sequence[Row]) -> list[str] | None:
    """Return the unit of each row; a row without one is a unit of its own."""
    if bench.unit is None:
        return None
    cells = [row.get(bench.unit) for row in rows]
    return [f"#{place}" if is_missing(cell) else f"={cell}" for place, cell in enumerate(cells)]
