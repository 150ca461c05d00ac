"""Names of the places where a write may be cut off.

A store or the state files call `failpoint(name)` at each of these places. In the product that does nothing. Tests pass
a function that ends the process there (`shipworthy.testing.failpoints`), and then check that nothing acknowledged is
lost. `<place>.before` is called just before the write, `<place>.after` just after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Failpoint = Callable[[str], None]

STORE: Final = tuple(
    f"{place}.{when}"
    for place in (
        "entries",
        "counters",
        "kv",
        "windows",
        "labels",
        "rollup",
        "queue",
        "quarantine",
        "incidents",
        "abuse",
        "commit",
    )
    for when in ("before", "after")
)
FILES: Final = tuple(
    f"{place}.{when}"
    for place in ("map", "journal", "json", "file.write", "file.fsync", "file.rename", "file.dirsync")
    for when in ("before", "after")
)


def nothing(name: str) -> None:
    """Do nothing at this place: the product's failpoint."""
