"""Where each SLO, never event and case stands in its file, so that a report can point at the exact line.

In: the bytes of contract files by path. Out: places by name. A file that cannot be read, or is not there, has no
places: whoever asks gets its first line. Columns count Unicode code points from 1; the end is exclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shipworthy.contract import note, pack, slos
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.strict_yaml import read_yaml

FILES = (MANIFEST, slos.FILE, pack.FILE, note.FILE)
_NAMED = (
    (slos.FILE, "slos", "name", ""),
    (slos.FILE, "never_events", "name", "never event "),
    (pack.FILE, "cases", "id", "case:"),
)  # file, section, the key that names, what the name starts with in a verdict


class Place(msgspec.Struct, frozen=True):
    """A stretch of one line. `end_column` is the first column after it."""

    file: str
    line: int = 1
    column: int = 1
    end_column: int = 1


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Places by name (`error_rate`, `case:tail.fast`, `never event x`), and the texts of the files."""

    named: Mapping[str, Place]
    texts: Mapping[str, str]

    def of(self, name: str, otherwise: str) -> Place:
        """Return the place of a name, or the first line of the file `otherwise`."""
        return self.named.get(name) or self.line(otherwise, 1)

    def line(self, file: str, line: int) -> Place:
        """Return a whole line of a file, its first when it has none such."""
        lines = self.texts.get(file, "").split("\n")
        at = line if 1 <= line <= len(lines) else 1
        return Place(file, at, 1, len(lines[at - 1].rstrip()) + 1)


def find_places(files: Mapping[str, bytes]) -> Places:
    """Return the places in these files. Never raises."""
    texts = {file: raw.decode("utf-8", errors="replace") for file, raw in files.items()}
    return Places(named=dict(_named(files, texts)), texts=texts)


def _named(files: Mapping[str, bytes], texts: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
    for file, section, key, prefix in _NAMED:
        reading = read_yaml(files.get(file, b""), file)
        items = reading.value.get(section) if isinstance(reading.value, dict) else None
        lines = texts.get(file, "").split("\n")
        for index, item in enumerate(items if isinstance(items, list) else []):
            name = item.get(key) if isinstance(item, dict) else None
            if isinstance(name, str):
                line, column = reading.marks[(section, index, key)]
                end = len(lines[line - 1].rstrip()) if line <= len(lines) else column
                yield prefix + name, Place(file, line, column, max(end, column) + 1)
