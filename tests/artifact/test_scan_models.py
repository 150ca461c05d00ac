from __future__ import annotations

import io
import json
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest

from shipworthy.artifact.scan import Declared, scan_bytes
from shipworthy.artifact.scan.joblib_arrays import wrapper_fits
from shipworthy.artifact.scan.values import Ref
from tests.artifact.fakes import kinds, name, text, zipped

NODE = {"__class__": "LogisticRegression", "__module__": "sklearn.linear_model._logistic", "__loader__": "ObjectNode"}


def dumped(value: object) -> bytes:
    out = io.BytesIO()
    joblib.dump(value, out)
    return out.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5.0),
        np.array(["a", None], dtype=object),
        np.array(["a", "bcd"]),
        np.zeros((0, 3)),
        np.array(2.5),
        np.asfortranarray(np.ones((2, 3))),
        np.zeros(2, dtype=[("a", "f8"), ("b", "u1")]),
        np.array(["2026-01-02"], dtype="M8[D]"),
    ],
)
def test_arrays_in_joblib_files_are_measured_exactly(array: np.ndarray) -> None:
    blob = dumped({"before": 1, "array": array, "after": [array, "x"]})
    assert scan_bytes("x", blob) == ()
    assert kinds("x", blob[:-1]) != set()
    assert kinds("x", blob + b"N.") == {"trailing"}


@pytest.mark.parametrize("depth", range(4))
def test_object_arrays_in_joblib_files_are_clean_wherever_they_stand(depth: int) -> None:
    value: Any = {"code": ["numpy", "dtype", "os", 3, None], "time": (1, b"x", "ndarray")}
    for step in range(depth):
        held = np.array([value, step, "a", None, np.arange(3)], dtype=object)
        value = [{"code": held, "os": [held, "system"]}, held]
    assert scan_bytes("x", dumped(value)) == ()
    assert scan_bytes("x", dumped([value, np.arange(2), value])) == ()


def test_an_object_array_that_says_something_else_to_pickle_load_is_found() -> None:
    """joblib reads an object array with a fresh memo, pickle.load with the one it has: index 0 is another text."""
    blob = dumped([np.array(["x"], dtype=object)])
    start = blob.rindex(b"\x80\x05")
    inner = text("decimal") + b"\x94" + text("Decimal") + b"\x94h\x00h\x01\x93."
    swapped = blob[:start] + b"\x80\x04" + inner + b"a."
    assert scan_bytes("x", swapped) == ()
    outer = b"\x80\x04" + text("posix") + b"\x94" + text("system") + b"\x94]\x94" + blob[blob.index(b"]") + 2 : start]
    evil = outer + b"\x80\x04" + inner + b"a."
    assert kinds("x", evil) != set()


@pytest.mark.parametrize(
    ("hidden", "kind"),
    [(b"0" + name("os", "system") + text("true") + b"\x85R.", "global"), (b"0\x82\x01.", "extension")],
    ids=["call", "registry"],
)
def test_array_bytes_that_pickle_load_would_run_are_found(hidden: bytes, kind: str) -> None:
    """joblib skips the bytes of an array. An array without padding begins with opcodes for whoever uses pickle.load."""
    array = np.frombuffer(hidden.ljust(64, b"\x00"), dtype="u1")
    blob = dumped(array)
    assert scan_bytes("x", blob) == ()
    marker = blob.index(b"\x8c\x1bnumpy_array_alignment_bytes")
    key_and_value = blob[marker : blob.index(b"ub", marker)]
    padding = blob[blob.index(b"ub", marker) + 2]
    start = blob.index(b"ub", marker) + 2
    old = blob[:marker] + blob[marker + len(key_and_value) : start] + blob[start + 1 + padding :]
    at = old.index(b"\x95") + 1
    length = int.from_bytes(old[at : at + 8], "little") - len(key_and_value)
    assert kinds("x", old[:at] + length.to_bytes(8, "little") + old[at + 8 :]) == {kind}


def test_a_call_in_the_stream_of_an_object_array_is_told_from_there() -> None:
    blob = dumped([np.array(["x"], dtype=object)])
    start = blob.rindex(b"\x80\x05")
    much = name("builtins", "bytes") + b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85R."
    assert kinds("x", blob[:start] + b"\x80\x04" + much + b"a.") == {"call"}


def test_an_array_marker_with_a_key_of_somebody_elses_does_not_fit() -> None:
    state = {"subclass": Ref("numpy.ndarray", True), "shape": (1,), "order": "C", "dtype": None, "allow_mmap": True}
    assert wrapper_fits(dict(state))
    assert wrapper_fits({**state, "numpy_array_alignment_bytes": 16})
    for other in ({"more": 1}, {"numpy_array_alignment_bytes": 32}, {"order": "A"}, {"subclass": "numpy.ndarray"}):
        assert not wrapper_fits({**state, **other})


def test_an_array_marker_that_joblib_would_read_otherwise_is_refused() -> None:
    blob = dumped(np.arange(5.0))
    assert kinds("x", blob.replace(b"K\x05\x85", b"K\x06\x85")) != set()
    assert kinds("x", blob.replace(b"K\x05\x85", b"K\x04\x85")) != set()
    assert kinds("x", blob.replace(b"\x02f8", b"\x02f4")) != set()
    assert kinds("x", blob.replace(b"\x05order", b"\x05orde\x72".replace(b"order", b"ordex"))) == {"malformed"}
    assert kinds("x", blob.replace(b"\x01C", b"\x01K")) == {"malformed"}


def schema(node: dict[str, Any], **members: bytes) -> bytes:
    return zipped({"schema.json": json.dumps(node).encode(), **members})


def test_a_skops_node_is_judged_by_loader_and_class_together() -> None:
    assert kinds("m", schema(NODE)) == set()
    for change in (
        {"__module__": "os", "__class__": "system", "__loader__": "FunctionNode"},
        {"__module__": "numpy.testing._private.utils", "__class__": "runstring", "__loader__": "FunctionNode"},
        {"__module__": "sklearn.linear_model._logistic", "__class__": "LogisticRegression", "__loader__": "DictNode"},
        {"__module__": "sklearn.datasets._base", "__class__": "Path"},
        {"__module__": "sklearn.externals.joblib", "__class__": "Memory"},
        {"__module__": "sklearn.utils._testing", "__class__": "Popen"},
        {"__module__": "sklearn.linear_model", "__class__": "lowercase"},
        {"__module__": "builtins", "__class__": "eval", "__loader__": "TypeNode"},
        {"__module__": "operator", "__class__": "methodcaller", "__loader__": "OperatorFuncNode"},
        {"__module__": "functools", "__class__": "partial", "__loader__": "PartialNode"},
        {"__loader__": "MethodNode"},
        {"__loader__": "NodeOfTomorrow"},
        {"__loader__": None},
        {"__module__": 3},
    ):
        deep = {**NODE, "content": {"list": [{"at": {**NODE, **change}}]}}
        assert kinds("m", schema(deep)) & {"global", "loader"}, change


def test_a_declared_class_passes_in_a_skops_file_and_a_forbidden_one_does_not() -> None:
    ours = {"__class__": "Scorecard", "__module__": "credit.model", "__loader__": "ObjectNode"}
    assert kinds("m", schema(ours)) == {"global"}
    assert kinds("m", schema(ours), Declared(classes=frozenset({"credit.model.Scorecard"}))) == set()
    evil = {**ours, "__module__": "subprocess", "__class__": "Popen"}
    assert kinds("m", schema(evil), Declared(classes=frozenset({"subprocess.Popen"}))) == {"global"}


def test_a_random_generator_may_only_name_a_bit_generator() -> None:
    def generator(called: str) -> dict[str, Any]:
        inner = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(called)}
        state = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode"}
        content = {
            "bit_generator": {**state, "content": {"bit_generator": inner}},
            "seed_seq": {**state, "content": {}},
        }
        kind = {"__class__": "Generator", "__module__": "numpy.random._generator", "__loader__": "RandomGeneratorNode"}
        return {**kind, "content": content}

    assert kinds("m", schema(generator("PCG64"))) == set()
    assert kinds("m", schema(generator("seed"))) == {"call"}


def test_bytes_values_are_inert_and_other_members_are_not() -> None:
    node = {"__class__": "bytes", "__module__": "builtins", "__loader__": "BytesNode", "file": "a.bin"}
    assert kinds("m", schema(node, **{"a.bin": bytes(9)})) == set()
    assert kinds("m", schema(node, **{"a.bin": bytes(9), "b.bin": bytes(9)})) == {"unrecognised"}
    assert kinds("m", schema(node)) == {"malformed"}


def test_a_schema_that_two_readers_read_differently_is_unsafe() -> None:
    twice = json.dumps(NODE).replace("{", '{"__module__": "os", ', 1).encode()
    assert kinds("m", zipped({"schema.json": twice})) == {"malformed"}
    assert kinds("m", zipped({"schema.json": b"{}"})) == {"malformed"}
    assert "malformed" in kinds("m", zipped({"schema.json": b"[" * 5000}))
