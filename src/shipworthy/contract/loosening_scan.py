"""Loosening of the scan: classes that the artefact scan is told to let through.

In: the classes of the lock and those of the manifest now. Out: rows. A class that is no longer let through tightens and
is no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def scan_rows(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """Yield a row per class that the scan lets through now and did not when the last version shipped."""
    yield from (f"scan: class {name} let through" for name in sorted(set(new) - set(old)))
