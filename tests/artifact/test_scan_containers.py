from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.artifact.scan import Declared, Limits, Severity, scan_bytes
from shipworthy.artifact.scan.streams import decompress
from shipworthy.artifact.scan.texts import code_name
from tests.artifact.fakes import call, kinds, zipped

EVIL = call("os", "system", b"\x8c\x04true\x85")
EVIL_TEXT = b"cos\nsystem\n(S'true'\ntR."


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def npz(packed: bool, **arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    save: Any = np.savez_compressed if packed else np.savez
    save(out, **arrays)
    return out.getvalue()


def tensors(header: Mapping[str, object], body: bytes) -> bytes:
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + body


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
}
TEXTS = {
    "csv": b"customer_id,age\n1,2\n3,4\n",
    "one column": b"credit\nyes\nno\n",
    "json": b'{"a": [1, 2.5, null]}',
    "yaml": b"model: credit\nlist:\n  - 1\n",
    "plain": "Größe, naïve text — fine.\n".encode(),
    "a column that begins with an opcode": b"record_id,region\n1,2\n",
    "a memo index by chance": b"Using it is\nhard\n" + b"Nr and so on\n",
    "tags of its own": b"%TAG ! tag:example.com,2026:\n--- !credit\na: 1\n",
    "opcodes by chance": b"(c) 2026 Somebody\nNobody reads this.\n",
    "like a packed stream": b"BZh, x and ]\n",
    "like zlib": b"x\x5e is the header of zlib\n",
    "empty": b"",
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts_are_clean(what: str) -> None:
    assert scan_bytes("notes.txt", TEXTS[what]) == ()


@settings(max_examples=100)
@given(st.lists(st.lists(st.text("abcIVNSKRt.(0123456789_ ", max_size=6), min_size=1, max_size=4), max_size=4))
def test_a_table_of_words_is_not_taken_for_code(rows: list[list[str]]) -> None:
    table = "\n".join(",".join(row) for row in [["id", "word"], *rows])
    assert scan_bytes("table.csv", table.encode()) == ()


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("name", ["model.joblib", "readme.txt", "x"])
def test_a_packed_pickle_is_found_whatever_its_name(packer: str, name: str) -> None:
    for evil in (EVIL, EVIL_TEXT, PACKERS[packer](EVIL)):
        assert "global" in kinds(name, PACKERS[packer](evil))
    assert kinds(name, PACKERS[packer](pickle.dumps({"a": 1}))) == set()


@pytest.mark.parametrize("packer", PACKERS)
def test_a_stream_that_breaks_off_is_unsafe_and_what_it_had_is_scanned(packer: str) -> None:
    packed = PACKERS[packer](EVIL + bytes(range(256)) * 40)
    assert "malformed" in kinds("x", packed[:-4])
    assert kinds("x", PACKERS[packer](pickle.dumps(1)) + b"more") & {"malformed", "unrecognised"}


def test_members_without_end_are_a_finding() -> None:
    assert scan_bytes("x", gzip.compress(b"a") * 999) == ()
    assert kinds("x", gzip.compress(b"a") * 1001) == {"malformed"}


def test_members_of_a_gzip_file_are_read_on() -> None:
    half = len(EVIL) // 2
    assert kinds("x", gzip.compress(EVIL[:half]) + gzip.compress(EVIL[half:])) == {"global"}


def test_no_more_is_unpacked_than_was_asked_for() -> None:
    zeros = bytes(8 << 20)
    for packer, pack in PACKERS.items():
        content, _ = decompress(packer, pack(zeros), 1000)
        assert len(content) == 1001


def test_bombs_are_findings_and_stay_packed() -> None:
    zeros = bytes(40 << 20)
    for blob in (zlib.compress(zeros), bz2.compress(zeros), zipped({"zeros.csv": zeros}, packed=True)):
        assert kinds("x", blob) == {"bomb"}
    small = Limits(unpacked_bytes=100, members=3)
    assert [one.kind for one in scan_bytes("x", gzip.compress(b"a" * 101), limits=small)] == ["bomb"]
    assert scan_bytes("x", gzip.compress(b"a" * 100), limits=small) == ()
    many = zipped({f"{one}.csv": b"a" for one in range(4)})
    assert [one.kind for one in scan_bytes("x", many, limits=small)] == ["member"]
    shared = zipped({"a.csv": b"a" * 60, "b.csv": b"a" * 60})
    assert [one.kind for one in scan_bytes("x", shared, limits=small)] == ["bomb"]
    deep = b"a"
    for _ in range(6):
        deep = gzip.compress(deep)
    assert kinds("x", deep) == {"bomb"}


ARRAYS = {
    "floats": np.arange(6.0).reshape(2, 3),
    "scalar": np.array(3),
    "empty": np.zeros((0, 4)),
    "texts": np.array(["a", "bc"]),
    "raw": np.array([b"x", b"yz"]),
    "flags": np.array([True]),
    "dates": np.array(["2026-01-02"], dtype="M8[D]"),
    "records": np.zeros(3, dtype=[("a", "f8"), ("b", "U3"), ("c", "i4", (2,))]),
    "column order": np.asfortranarray(np.ones((3, 2), dtype=">f4")),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_numpy_files_are_clean(what: str) -> None:
    assert scan_bytes("x.npy", npy(ARRAYS[what])) == ()
    for packed in (False, True):
        assert scan_bytes("x.npz", npz(packed, a=ARRAYS[what], b=ARRAYS["floats"])) == ()


def test_an_array_of_objects_is_the_pickle_inside_it() -> None:
    assert scan_bytes("x.npy", npy(np.array(["a", None], dtype=object))) == ()
    evil = npy(np.array([1], dtype=object))
    start = evil.index(b"\n") + 1
    assert kinds("x.npy", evil[:start] + EVIL) == {"global"}
    assert kinds("x.npz", zipped({"a.npy": evil[:start] + EVIL})) == {"global"}


def test_bytes_beside_an_array_and_odd_headers_are_findings() -> None:
    good = npy(np.arange(3))
    assert kinds("x", good + b"x") == {"trailing"}
    assert kinds("x", good[:-1]) == {"trailing"}
    for old, new in ((b"'<i8'", b"'O,i4"), (b"(3,)", b"(-3)"), (b"False", b"f.x()"), (b"descr", b"extra")):
        assert kinds("x", good.replace(old, new)) & {"malformed", "dtype"}
    assert kinds("x", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 60_000) == {"malformed"}
    assert kinds("x", b"\x93NUMPY") == {"malformed"}


def test_a_zip_that_can_be_read_in_two_ways_is_unsafe() -> None:
    good = zipped({"a.csv": b"1", "b.csv": b"2"})
    assert kinds("x", good) == set()
    assert kinds("x", b"before" + good) == {"member"}
    assert kinds("x", good + b"after") & {"member", "malformed", "unrecognised"}
    assert kinds("x", good.replace(b"a.csv", b"c.csv", 1)) == {"member"}
    assert kinds("x", good.replace(b"a.csv", b"b.csv")) == {"member"}
    assert kinds("x", good.replace(b"1", b"3", 1)) == {"member"}
    for name in ("../a.csv", "/a.csv", "a\\b.csv", "a//b.csv"):
        assert kinds("x", zipped({name: b"1"})) == {"member"}


def test_bytes_before_or_between_the_members_of_a_zip_are_found() -> None:
    """Archives that append to what is there already keep true offsets: zipfile itself opens them without a word."""
    before = io.BytesIO(EVIL_TEXT)
    with zipfile.ZipFile(before, "a") as file:
        file.writestr("a.csv", b"1")
    assert before.getvalue().startswith(EVIL_TEXT)
    assert kinds("x", before.getvalue()) >= {"member", "global"}
    between = io.BytesIO()
    with zipfile.ZipFile(between, "w") as file:
        file.writestr("a.csv", b"1")
        between.write(b"hidden")
        file.start_dir = between.tell()
        file.writestr("b.csv", b"2")
    assert kinds("x", between.getvalue()) == {"member"}
    good = zipped({"a.csv": b"1"})
    directory = good.index(b"PK\x01\x02")
    moved = good[:directory] + b"hidden" + good[directory:-6] + struct.pack("<IH", directory + 6, 0)
    assert zipfile.ZipFile(io.BytesIO(moved)).read("a.csv") == b"1"
    assert kinds("x", moved) == {"member"}


def test_every_member_of_a_zip_is_scanned_by_content() -> None:
    found = scan_bytes("x.zip", zipped({"fine.csv": b"1", "deep/readme.txt": EVIL, "c.txt": zipped({"d": EVIL_TEXT})}))
    assert {one.file for one in found} == {"x.zip!deep/readme.txt", "x.zip!c.txt!d"}
    assert {one.kind.value for one in found} == {"global"}
    assert kinds("x.zip", zipped({"layer.py": b"x = 1\n"})) == {"code"}


def test_tensors_must_tile_their_file() -> None:
    header: dict[str, dict[str, object]] = {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "__metadata__": {"x": "y"},
    }
    assert kinds("x.safetensors", tensors(header, bytes(8))) == set()
    assert kinds("x", tensors(header, bytes(9))) == {"trailing"}
    for change in ({"shape": [3]}, {"dtype": "PICKLE"}, {"data_offsets": [0]}, {"shape": [-2]}, {"extra": 1}):
        assert kinds("x", tensors({"a": {**header["a"], **change}}, bytes(8))) == {"malformed"}
    apart = {name: {"dtype": "U8", "shape": [1], "data_offsets": [at, at + 1]} for name, at in (("a", 0), ("b", 2))}
    assert kinds("x", tensors(apart, bytes(3))) == {"trailing"}


def test_code_counts_unless_it_is_declared() -> None:
    for name in ("model.py", "sub/hook.pth", "RUN.SH", "a.so"):
        assert code_name(name)
        assert kinds(name, b"x = 1\n") == {"code"}
        assert kinds(name, b"x = 1\n", Declared(code=frozenset({name}))) == set()
    assert kinds("model.py", b"", Declared(code=frozenset({"other.py"}))) == {"code"}
    assert kinds("notes", b"#!/bin/sh\ntrue\n") == {"code"}
    assert "global" in kinds("model.py", EVIL_TEXT, Declared(code=frozenset({"model.py"})))


def test_python_tags_in_yaml_are_unsafe() -> None:
    for tagged in (
        b"a: !!python/object/apply:os.system [true]",
        b"!<tag:yaml.org,2002:python/none> x",
        b"%TAG !p! tag:yaml.org,20\n--- !p!02:pyth%6fn/none x",
        b"%TAG !p! tag:yaml.org,2002:pyth\n--- !p!on/none x",
        b"%TAG !p! t\n--- !p!ag:yaml.org,2002:none x",
        b"a: !!%70ython/object/apply:os.system [true]",
        b"a: !<tag:yaml.org,2002:%70ython/none> x",
    ):
        assert kinds("x.yaml", tagged) == {"tag"}


def test_a_keras_layer_with_code_is_unsafe() -> None:
    layer = {"module": "keras.layers", "class_name": "Dense", "config": {}}
    assert kinds("m.keras", zipped({"config.json": json.dumps({"layers": [layer]}).encode()})) == set()
    for change in ({"class_name": "Lambda"}, {"module": "builtins"}, {"class_name": "__lambda__"}):
        raw = json.dumps({"layers": [{"deep": [{**layer, **change}]}]}).encode()
        assert kinds("m.keras", zipped({"config.json": raw})) & {"loader", "global"}


@pytest.mark.parametrize(
    ("blob", "kind"),
    [
        (bytes(10), "unrecognised"),
        (b"\xff\xfe\x00\x01", "unrecognised"),
        (b"\x89HDF\r\n\x1a\n" + bytes(9), "foreign"),
        (b"GGUF\x03\x00", "foreign"),
        (bytes(257) + b"ustar" + bytes(250), "foreign"),
        (b"\x7fELF" + bytes(20), "code"),
        (b"MZ\x90\x00" + bytes(20), "code"),
    ],
)
def test_what_nobody_reads_is_a_finding_and_not_clean(blob: bytes, kind: str) -> None:
    (found,) = scan_bytes("weights.bin", blob)
    assert found.kind == kind
    assert found.severity is (Severity.UNSAFE if kind == "code" else Severity.UNKNOWN)


def test_a_file_that_is_two_things_is_judged_as_both() -> None:
    assert "global" in kinds("x.json", EVIL_TEXT + b"\n{}")
    assert kinds("x.pkl", pickle.dumps(1) + zipped({"a.csv": b"1"})) == {"trailing"}
    aligned = b"(" + b"cos\nsystem\nS'true'\no0"
    assert kinds("x", aligned + zipped({"a.csv": b"1"})) >= {"global"}
