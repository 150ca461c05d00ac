"""ONNX models: what a runtime would accept in one way is clean; foreign operators, odd places and odd bytes are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.artifact.files.scanner import scan_folder, scan_path
from shipworthy.artifact.scan import Severity, scan_beside, scan_bytes
from tests.artifact.fakes import call, kinds, zipped


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def sized(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def entry(field: int, key: str, value: str) -> bytes:
    return sized(field, sized(1, key) + sized(2, value))


def tensor(name: str, tail: bytes) -> bytes:
    return number(1, 2) + number(2, 1) + sized(8, name) + tail


def node(operator: str = "Add", domain: str = "", more: bytes = b"") -> bytes:
    return sized(1, sized(1, "x") + sized(1, "w") + sized(2, "y") + sized(4, operator) + sized(7, domain) + more)


INSIDE = sized(5, tensor("w", sized(9, bytes(8))))
VALUE = sized(1, "x") + sized(2, sized(1, number(1, 1) + sized(2, sized(1, sized(2, "n")))))


def graph(nodes: bytes = b"", initializers: bytes = INSIDE) -> bytes:
    return (nodes or node()) + sized(2, "g") + initializers + sized(11, VALUE) + sized(12, VALUE)


def model(body: bytes = b"", more: bytes = b"", domain: str = "") -> bytes:
    opset = sized(8, sized(1, domain) + number(2, 21))
    return number(1, 10) + sized(2, "test") + sized(7, body or graph()) + opset + more


def outside(location: str, *, offset: str = "0", length: str = "8", more: bytes = b"") -> bytes:
    told = entry(13, "location", location) + entry(13, "offset", offset) + entry(13, "length", length)
    return model(graph(initializers=sized(5, tensor("w", told + more + number(14, 1)))))


# Written by the onnx package: y = relu(x + w), and the same with w in weights.bin.
WRITTEN = bytes.fromhex(
    "080e1201783a680a0e0a01780a017712017322034164640a0c0a0173120179220452656c751201672a19080410014201774a"
    "10000000000000803f00000040000040405a140a0178120f0a0d080112090a0312016e0a02080462140a0179120f0a0d0801"
    "12090a0312016e0a02080442040a001015"
)
WRITTEN_OUTSIDE = bytes.fromhex(
    "080e1201783a8c010a0e0a01780a017712017322034164640a0c0a0173120179220452656c751201672a3d08041001420177"
    "6a170a086c6f636174696f6e120b776569676874732e62696e6a0b0a066f66667365741201306a0c0a066c656e6774681202"
    "313670015a140a0178120f0a0d080112090a0312016e0a02080462140a0179120f0a0d080112090a0312016e0a0208044204"
    "0a001015"
)


def test_a_plain_model_is_clean_whoever_wrote_it() -> None:
    for blob in (model(), WRITTEN):
        assert scan_bytes("m.onnx", blob) == ()
        assert scan_bytes("renamed.txt", blob) == ()
        assert scan_bytes("m.zip", zipped({"m.onnx": blob})) == ()


def test_packed_numbers_attributes_and_subgraphs_are_read() -> None:
    attribute = sized(1, "body") + sized(6, graph()) + number(20, 5) + sized(8, varint(3) + varint(300))
    assert scan_bytes("m", model(graph(node("If", more=sized(5, attribute))))) == ()
    floats = sized(1, "weights") + sized(7, bytes(12)) + number(20, 6)
    assert (
        scan_bytes("m", model(graph(node("TreeEnsemble", "ai.onnx.ml", sized(5, floats))), domain="ai.onnx.ml")) == ()
    )
    assert kinds("m", model(graph(node(more=sized(5, sized(1, "a") + sized(7, bytes(11))))))) == {"malformed"}


@pytest.mark.parametrize("domain", ["com.microsoft", "my.company", "AI.ONNX", "ai.onnx "])
def test_an_operator_of_another_domain_is_a_finding_wherever_it_stands(domain: str) -> None:
    foreign = node("PyOp", domain)
    deep = sized(1, "body") + sized(6, graph(foreign)) + number(20, 5)
    for blob in (model(graph(foreign)), model(graph(node("If", more=sized(5, deep)))), model(domain=domain)):
        found = scan_bytes("m.onnx", blob)
        assert [one.kind for one in found] == ["loader"]
        assert "would run from a library of its own" in found[0].what
        assert found[0].severity is Severity.UNKNOWN
        assert found[0].at is not None


def test_an_operator_that_the_model_brings_along_as_a_function_is_none_of_a_library() -> None:
    function = sized(1, "Twice") + sized(4, "x") + sized(5, "y") + sized(10, "ours") + sized(7, node()[2:])
    blob = model(graph(node("Twice", "ours")), sized(25, function), "ours")
    assert scan_bytes("m", blob) == ()
    other = model(graph(node("Thrice", "ours")), sized(25, function), "ours")
    assert kinds("m", other) == {"loader"}


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../w.bin", "a/../../w.bin", "a/./w.bin", "..\\w.bin", "C:w.bin", "~/w.bin", "a//b", "", "w\nx"],
)
def test_a_tensor_outside_the_folder_is_unsafe(location: str) -> None:
    found, files = scan_beside("m.onnx", outside(location), {location: 8, "w.bin": 8})
    assert [(one.kind, one.severity) for one in found] == [("member", Severity.UNSAFE)]
    assert files == frozenset()


def test_a_tensor_in_a_file_beside_must_be_there_and_long_enough() -> None:
    assert scan_beside("m", outside("w.bin"), {"w.bin": 8}) == ((), frozenset({"w.bin"}))
    assert scan_beside("m", outside("d/w.bin", offset="8"), {"d/w.bin": 16}) == ((), frozenset({"d/w.bin"}))
    assert [one.kind for one in scan_beside("m", outside("w.bin"), {})[0]] == ["member"]
    assert [one.kind for one in scan_beside("m", outside("w.bin", offset="1"), {"w.bin": 8})[0]] == ["member"]
    assert [one.kind for one in scan_beside("m", outside("w.bin", length="-1"), {"w.bin": 8})[0]] == ["malformed"]
    assert kinds("m.zip", zipped({"m.onnx": outside("w.bin"), "w.bin": bytes(8)})) >= {"member"}


def test_a_tensors_place_is_told_once_and_only_where_it_is_outside() -> None:
    twice = outside("w.bin", more=entry(13, "location", "other.bin"))
    odd = outside("w.bin", more=entry(13, "basepath", "/etc"))
    hidden = model(graph(initializers=sized(5, tensor("w", entry(13, "location", "w.bin")))))
    absent = model(graph(initializers=sized(5, tensor("w", number(14, 1)))))
    for blob in (twice, odd, hidden, absent):
        assert [one.kind for one in scan_beside("m", blob, {"w.bin": 8, "other.bin": 8})[0]] == ["malformed"]


def test_raw_weights_beside_a_model_are_clean_only_when_the_model_names_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.onnx").write_bytes(WRITTEN_OUTSIDE)
    weights = tmp_path / "sub" / "weights.bin"
    weights.write_bytes(bytes(range(200, 216)))
    assert scan_folder(tmp_path).findings == ()
    assert [one.kind for one in scan_path(tmp_path / "sub" / "m.onnx").findings] == ["member"]
    (tmp_path / "weights.bin").write_bytes(bytes(range(200, 216)))
    assert [one.file for one in scan_folder(tmp_path).findings] == ["weights.bin"]
    (tmp_path / "weights.bin").unlink()
    for hostile in (call("os", "system"), b"\x7fELF" + bytes(40), b"\x89HDF" + bytes(40)):
        weights.write_bytes(hostile.ljust(16, b"\x00"))
        assert scan_folder(tmp_path).findings != ()


def test_what_the_format_does_not_have_is_refused_and_never_skipped() -> None:
    for more in (number(99, 1), sized(30, "x"), sized(7, graph()), number(1, 3), b"\x0b", b"\xff" * 11, b"\x3a\x7f"):
        assert kinds("m", model(more=more)) & {"malformed", "unrecognised"}, more
    for inside in (number(60, 1), sized(4, "twice"), sized(4, "again"), sized(7, b"\xff\xfe"), number(4, 1)):
        assert kinds("m", model(graph(node(more=inside)))) == {"malformed"}, inside


def test_a_model_nested_too_deeply_stops_the_scan_and_not_the_scanner() -> None:
    body = graph()
    for _ in range(200):
        body = graph(node("If", more=sized(5, sized(1, "b") + sized(6, body))))
    assert kinds("m", model(body)) == {"malformed"}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([model(), outside("w.bin"), WRITTEN]), st.integers(0), st.binary(min_size=1, max_size=3))
def test_no_changed_bytes_make_the_scanner_raise(blob: bytes, place: int, raw: bytes) -> None:
    at = place % len(blob)
    scan_beside("m", blob[:at] + raw + blob[at + len(raw) :], {"w.bin": 8})
    scan_beside("m", blob[:at], {"w.bin": 8})
