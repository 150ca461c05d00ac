"""Ledger entries, counters and keys in SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from shipworthy.errors import CannotDecide, ShipworthyError, UsageError
from shipworthy.facts import Digest, Entry, canonical, digest
from shipworthy.store.connection import Database
from shipworthy.store.protocol import Build

NOTHING: Final[Digest] = digest(b"")  # what the first entry follows
_PAGE = 512
_KIND = re.compile(r"[A-Z]{2,12}")


def append(db: Database, build: Build) -> tuple[Entry, ...]:
    """Append built entries in one transaction."""
    with db.transaction():
        last = db.rows("SELECT seq, body FROM entries ORDER BY seq DESC LIMIT 1")
        seq, prev = (last[0][0] + 1, digest(last[0][1])) if last else (0, NOTHING)
        entries = tuple(build(seq, prev))
        for entry, body in zip(entries, chained(entries, seq, prev), strict=True):
            db.write("entries", "INSERT INTO entries VALUES (?, ?)", (entry.seq, body))
    return entries


def chained(entries: Sequence[Entry], seq: int, prev: Digest) -> list[bytes]:
    """Return the canonical bytes of entries that continue the chain. Raises ShipworthyError when they do not."""
    bodies = []
    for entry in entries:
        if entry.seq != seq or entry.prev != prev:
            raise ShipworthyError(f"entry {entry.seq} does not follow entry {seq - 1}", "ledger", "build it anew")
        body = canonical(entry)
        bodies.append(body)
        seq, prev = seq + 1, digest(body)
    return bodies


def read_bytes(db: Database, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
    """Yield (seq, bytes) page by page, so that no lock is held while the caller works."""
    end = stop if stop is not None else 1 << 62
    while True:
        page = db.rows(
            "SELECT seq, body FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?", (start, end, _PAGE)
        )
        yield from page
        if len(page) < _PAGE:
            return
        start = page[-1][0] + 1


def decoded(seq: int, body: bytes) -> Entry:
    """Return the entry of stored bytes. Raises CannotDecide when they are not one."""
    try:
        return msgspec.json.decode(body, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CannotDecide(f"entry {seq} is unreadable: {error}", "ledger", "run `ledger verify`") from error


def size(db: Database) -> int:
    """Return the next seq."""
    return int(db.rows("SELECT coalesce(max(seq), -1) + 1 FROM entries")[0][0])


def next_id(db: Database, kind: str, year: int) -> str:
    """Return the next id of a kind and year."""
    check_kind(kind)
    with db.transaction():
        found = db.rows("SELECT last FROM counters WHERE kind = ? AND year = ?", (kind, year))
        number = (found[0][0] if found else 0) + 1
        db.write("counters", "INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (kind, year, number))
    return id_text(kind, year, number)


def check_kind(kind: str) -> None:
    """Raise UsageError unless the kind of an id is 2 to 12 capitals."""
    if not _KIND.fullmatch(kind):
        raise UsageError(f"not a kind of id: {kind!r}", fix="use 2 to 12 capitals, as in ORD")


def id_text(kind: str, year: int, number: int) -> str:
    """Return the text of an id.

    >>> id_text("ORD", 2027, 1)
    'ORD-2027-0001'
    """
    return f"{kind}-{year:04d}-{number:04d}"


def get(db: Database, key: str) -> bytes | None:
    """Return the value of a key."""
    found = db.rows("SELECT value FROM kv WHERE key = ?", (key,))
    return bytes(found[0][0]) if found else None


def put(db: Database, key: str, value: bytes) -> None:
    """Set the value of a key."""
    with db.transaction():
        db.write("kv", "INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, value))


def keys(db: Database, prefix: str) -> tuple[str, ...]:
    """Return the keys with a prefix, sorted."""
    found = db.rows("SELECT key FROM kv WHERE substr(key, 1, ?) = ? ORDER BY key", (len(prefix), prefix))
    return tuple(row[0] for row in found)
