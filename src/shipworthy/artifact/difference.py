"""Why two builds gave different bytes: the usual suspects, recognised in the bytes themselves.

In: the bytes of one file from two builds. Out: one line with the likely reason. Each suspect is ruled in by making the
two files equal once its trace is taken away (a time, a path, an order), or by showing that numbers are nearly equal. A
guess that is not borne out by the bytes is not made. Suspects: reproducible-builds.org, "Sources of unreproducibility".
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from shipworthy.artifact.pickle_difference import is_pickle, why_pickles
from shipworthy.artifact.rebuilt import Difference

UNKNOWN = "no usual reason fits: compare the two files"
ORDER = "the same parts in another order: a set, a dict by hash or a folder listing (fix PYTHONHASHSEED, or sort)"
SUMS = "numbers differ in the last digits: sums in another order (threads, BLAS or CPU)"
SEED = "numbers differ by more than rounding: a random seed is not fixed"
TIME = "the time of the build is written into it"
PATH = "the path of the build folder is written into it"
ADDRESS = "ids that change with each run are written into it (memory addresses or random ids)"
CLOSE = 1e-6  # relative: far above the rounding of a long sum, far below what another seed does
_MAX_BYTES = 256 << 20
_PATH = re.compile(rb"/(?:[\w.+-]+/)+[\w.+-]*")
_TIME = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?|(?<![.\w])1[5-9]\d{8}(?:\.\d+)?\b"
)
_IDS = re.compile(rb"(?<![.\w])(?:(?:0x)?[0-9a-f]{12,}|\d{13,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![.\w])")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def differences(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> tuple[Difference, ...]:
    """Return the files that differ between two builds, by name.

    >>> differences({"a": b"1", "b": b"2"}, {"a": b"1"})
    (Difference(file='b', why='the second build did not write it'),)
    """
    found: dict[str, str] = {}
    for name in first.keys() | second.keys():
        if name not in second:
            found[name] = "the second build did not write it"
        elif name not in first:
            found[name] = "only the second build wrote it"
        elif first[name] != second[name]:
            found[name] = why(first[name], second[name])
    return tuple(Difference(file=name, why=told) for name, told in sorted(found.items()))


def why(first: bytes, second: bytes) -> str:
    """Return the likely reason why these bytes differ. They must differ."""
    for kind in (_zip, _gzip, _pickle, _npy, _json, _text):
        told = kind(first, second)
        if told:
            return told
    return _traced(first, second) or UNKNOWN


def nearly(first: Iterable[float], second: Iterable[float]) -> str:
    """Return `SUMS` when all numbers are nearly equal, `SEED` when some are not, "" when all are the same.

    >>> nearly([0.1 + 0.2], [0.3]) == SUMS, nearly([0.3], [0.5]) == SEED, nearly([1.0], [1.0])
    (True, True, '')
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b and not (math.isnan(a) and math.isnan(b))]
    if not pairs:
        return ""
    scale = max((abs(number) for pair in pairs for number in pair if math.isfinite(number)), default=0.0)
    close = all(math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE * min(scale, 1.0)) for a, b in pairs)
    return SUMS if close else SEED


def _zip(first: bytes, second: bytes) -> str:
    if not (first[:4] == second[:4] == b"PK\x03\x04"):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(first)) as a, zipfile.ZipFile(io.BytesIO(second)) as b:
            return _members(a, b)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return ""


def _members(first: zipfile.ZipFile, second: zipfile.ZipFile) -> str:
    if sum(one.file_size for archive in (first, second) for one in archive.infolist()) > _MAX_BYTES:
        return ""
    a, b = ({one.filename: archive.read(one) for one in archive.infolist()} for archive in (first, second))
    if a.keys() != b.keys():
        same = sorted(a.values()) == sorted(b.values())
        return f"names inside the archive: {ADDRESS}" if same or len(a) == len(b) else ""
    for name in a:
        if a[name] != b[name]:
            return f"{name} inside the archive: {why(a[name], b[name])}"
    if any(first.getinfo(name).date_time != second.getinfo(name).date_time for name in a):
        return "times of the entries of the zip archive: write a fixed date"
    return ORDER if first.namelist() != second.namelist() else "another compression of the same zip entries"


def _gzip(first: bytes, second: bytes) -> str:
    if not (first[:2] == second[:2] == b"\x1f\x8b"):
        return ""
    try:
        a, b = gzip.decompress(first), gzip.decompress(second)
    except (OSError, EOFError, zlib.error):
        return ""
    if a != b:
        return f"inside the gzip file: {why(a, b)}"
    if first[4:8] != second[4:8]:
        return "the time in the gzip header: write it with mtime=0"
    return "another name or compression of the same content in the gzip file"


def _pickle(first: bytes, second: bytes) -> str:
    if not (is_pickle(first) and is_pickle(second)):
        return ""
    traced = _traced(first, second)
    return traced or why_pickles(first, second, nearly, ORDER)


def _npy(first: bytes, second: bytes) -> str:
    """NumPy's own format: a header with the type, then the numbers."""
    if not (first[:6] == second[:6] == b"\x93NUMPY" and len(first) == len(second)):
        return ""
    size = 10 + struct.unpack("<H", first[8:10])[0]
    if first[:size] != second[:size] or b"'<f8'" not in first[:size]:
        return ""
    return nearly(doubles(first[size:]), doubles(second[size:]))


def doubles(raw: bytes) -> tuple[float, ...]:
    """Return little-endian doubles; what does not fill the last one is left out."""
    return struct.unpack(f"<{len(raw) // 8}d", raw[: len(raw) // 8 * 8])


def _json(first: bytes, second: bytes) -> str:
    try:
        a, b = json.loads(first), json.loads(second)
    except (ValueError, RecursionError):
        return ""
    if a == b:
        return f"the same values written otherwise: {ORDER}"
    if _sorted(a) == _sorted(b):
        return ORDER
    return ""


def _sorted(value: Any) -> Any:  # noqa: ANN401
    """Return the value with every list sorted by its text."""
    if isinstance(value, dict):
        return {key: _sorted(one) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


def _text(first: bytes, second: bytes) -> str:
    try:
        first.decode(), second.decode()
    except UnicodeDecodeError:
        return ""
    if sorted(first.splitlines()) == sorted(second.splitlines()):
        return ORDER
    return _traced(first, second) or _numbers(first, second)


def _traced(first: bytes, second: bytes) -> str:
    """Take the trace of one suspect after the other away: the one without which both are equal is it."""
    for pattern, told in ((_PATH, PATH), (_TIME, TIME), (_IDS, ADDRESS)):
        if pattern.sub(b"?", first) == pattern.sub(b"?", second):
            return told
    return ""


def _numbers(first: bytes, second: bytes) -> str:
    if _NUMBER.sub(b"?", first) != _NUMBER.sub(b"?", second):
        return ""
    return nearly(*([float(one) for one in _NUMBER.findall(raw)] for raw in (first, second)))
