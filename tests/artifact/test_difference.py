"""Each usual reason why two builds differ is recognised in bytes really made that way, and none is invented."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import math
import os
import pickle
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shipworthy.artifact.difference import ADDRESS, ORDER, PATH, SEED, SUMS, TIME, UNKNOWN, differences, why
from shipworthy.artifact.pickle_difference import MEMO

Pair = tuple[bytes, bytes]
WORDS = ["alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel"]


def python(code: str, seed: int) -> bytes:
    """Return what a fresh interpreter with this hash seed prints."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    return ran.stdout


def by_hash_seed(code: str) -> Pair:
    """Return what the code prints under two hash seeds that give different bytes."""
    first = python(code, 1)
    return first, next(other for seed in range(2, 20) if (other := python(code, seed)) != first)


def zipped(*entries: tuple[str, bytes], year: int = 2026, method: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        for name, raw in entries:
            file.writestr(zipfile.ZipInfo(name, date_time=(year, 1, 1, 0, 0, 0)), raw, method)
    return packed.getvalue()


def npy(values: Any) -> bytes:
    raw = io.BytesIO()
    np.save(raw, values)
    return raw.getvalue()


def sums() -> tuple[float, float]:
    """Return one sum taken in two orders, as two numbers of threads would."""
    drawn = random.Random(3)
    values = [drawn.gauss(0, 1) for _ in range(1000)]
    first, second = sum(values), sum(sorted(values))
    assert first != second
    return first, second


def fitted(seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=16)


def skops_names() -> Pair:
    """Return two dumps of one array as skops names their parts: by memory address."""
    raw = npy(fitted(1))
    return zipped(("139876543210000.npy", raw)), zipped(("140000000000016.npy", raw))


def shared_or_equal() -> Pair:
    """Return one list pickled with the same text twice, and with two equal texts."""
    text = "".join(["supplier", "-", "code"])
    other = "".join(["supplier", "-", "code"])
    assert text is not other
    return pickle.dumps([text, text]), pickle.dumps([text, other])


SET = f"import pickle, sys; sys.stdout.buffer.write(pickle.dumps(set({WORDS})))"
LISTED = f"import json; print(json.dumps(list(set({WORDS}))))"
LINES = f"[print(word) for word in set({WORDS})]"


def both(values: tuple[Any, Any], write: Callable[[Any], bytes]) -> Pair:
    return write(values[0]), write(values[1])


CASES: dict[str, tuple[Callable[[], Pair], str]] = {
    "a zip whose entries have other times": (
        lambda: (zipped(("a", b"1"), year=2026), zipped(("a", b"1"), year=2027)),
        "times of the entries",
    ),
    "a zip in another order": (
        lambda: (zipped(("a", b"1"), ("b", b"2")), zipped(("b", b"2"), ("a", b"1"))),
        ORDER,
    ),
    "a zip that is compressed otherwise": (
        lambda: (zipped(("a", b"1" * 99)), zipped(("a", b"1" * 99), method=zipfile.ZIP_DEFLATED)),
        "another compression",
    ),
    "a zip that names its parts by address": (skops_names, ADDRESS),
    "a file inside a zip": (
        lambda: (zipped(("m.npy", npy(fitted(1)))), zipped(("m.npy", npy(fitted(2))))),
        f"m.npy inside the archive: {SEED}",
    ),
    "a gzip header with a time": (
        lambda: (gzip.compress(b"rows", mtime=1), gzip.compress(b"rows", mtime=2)),
        "time in the gzip header",
    ),
    "a gzip at another level": (
        lambda: (gzip.compress(b"rows" * 999, 1, mtime=0), gzip.compress(b"rows" * 999, 9, mtime=0)),
        "compression of the same content",
    ),
    "another content inside a gzip": (
        lambda: (gzip.compress(b"a\nb\n", mtime=0), gzip.compress(b"b\na\n", mtime=0)),
        f"inside the gzip file: {ORDER}",
    ),
    "a pickled set": (lambda: by_hash_seed(SET), ORDER),
    "a pickled text that is shared": (shared_or_equal, MEMO),
    "a pickled sum": (lambda: both(sums(), lambda one: pickle.dumps({"mean": one})), SUMS),
    "pickled weights of another seed": (lambda: both((1, 2), lambda seed: pickle.dumps(fitted(seed))), SEED),
    "pickled weights with other rounding": (
        lambda: (pickle.dumps(fitted(1)), pickle.dumps(np.nextafter(fitted(1), 9))),
        SUMS,
    ),
    "a pickled path": (
        lambda: (pickle.dumps("/tmp/build-a1b2/model"), pickle.dumps("/tmp/build-zz99/model")),
        PATH,
    ),
    "an array with other rounding": (lambda: (npy(fitted(1)), npy(np.nextafter(fitted(1), 9))), SUMS),
    "an array of another seed": (lambda: (npy(fitted(1)), npy(fitted(2))), SEED),
    "a list from a set, as JSON": (lambda: by_hash_seed(LISTED), ORDER),
    "keys in another order, as JSON": (lambda: (b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}'), ORDER),
    "lines from a set": (lambda: by_hash_seed(LINES), ORDER),
    "a path in a text": (lambda: (b"from /tmp/build-1/data.csv\n", b"from /tmp/build-2/data.csv\n"), PATH),
    "a moment in a text": (
        lambda: both((1, 2), lambda day: json.dumps({"at": str(dt.datetime(2026, 1, day, 9, 30))}).encode()),
        TIME,
    ),
    "seconds since 1970": (lambda: (b"built=1767225600.25\n", b"built=1767225661.75\n"), TIME),
    "an address in a text": (lambda: (b"<obj at 0x7f10aa20bc10>", b"<obj at 0x7f10bb30cd20>"), ADDRESS),
    "a sum in a text": (lambda: both(sums(), lambda one: json.dumps({"mean": one}).encode()), SUMS),
    "weights of another seed in a text": (
        lambda: both((1, 2), lambda seed: json.dumps(list(fitted(seed))).encode()),
        SEED,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_usual_reason_is_recognised(name: str) -> None:
    make, expected = CASES[name]
    first, second = make()
    assert first != second
    assert expected in why(first, second)
    assert expected in why(second, first), "the order of the builds does not matter"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"\x00\x01", b"\x00\x02"),
        (b"one thing", b"quite another"),
        (b'{"model": "logistic"}', b'{"model": "boosted"}'),
        (b"PK\x03\x04broken", b"PK\x03\x04broke"),
        (b"\x1f\x8bbroken", b"\x1f\x8bbroke"),
        (b"\x93NUMPY\x01\x00\x05\x00" + b"x" * 20, b"\x93NUMPY\x01\x00\x05\x00" + b"y" * 20),
        (pickle.dumps("a"), pickle.dumps("b")),
        (b"", b"\xff"),
    ],
)
def test_no_reason_is_invented(first: bytes, second: bytes) -> None:
    assert why(first, second) == UNKNOWN


def test_a_pickle_is_compared_and_never_opened(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "opened"),)

    why(pickle.dumps([Payload(), 1.0]), pickle.dumps([Payload(), 2.0]))
    assert not (tmp_path / "opened").exists()


def test_a_number_that_is_none_is_no_rounding() -> None:
    assert why(npy(np.array([1.0, math.nan])), npy(np.array([1.0, 2.0]))) == SEED


def test_files_that_only_one_build_wrote_are_named() -> None:
    found = differences({"a": b"1", "gone": b"2", "same": b"3"}, {"a": b"2", "new": b"2", "same": b"3"})
    assert [one.file for one in found] == ["a", "gone", "new"]
    assert "did not write" in found[1].why
    assert "only the second" in found[2].why
