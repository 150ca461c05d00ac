"""Array files: numpy's .npy and safetensors.

In: bytes. Out: findings, and for an array of objects the pickle that numpy hides behind the header.
Sources: numpy/lib/format.py (NEP 1); github.com/huggingface/safetensors (README, "Format").
"""

from __future__ import annotations

import ast
import re
import struct

from shipworthy.artifact.scan.findings import Finding, Kind, unknown, unsafe
from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide

_NPY = b"\x93NUMPY"
# numpy refuses longer headers too (CVE-2019-6446 and its relatives).
_MAX_HEADER = 10_000
_TYPE = re.compile(r"[<>|=]?(?:b1|\?|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|[mM]8(?:\[[^\]]{1,20}\])?|[SUV]\d{1,9})")
_ORDERED = re.compile(r"[<>|=]?([a-zA-Z?])(\d*)(\[.*\])?")
_OBJECT = re.compile(r"[<>|=]?O8?")
_SIZES = {"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32}
_SIZES |= {"U64": 64, "I64": 64, "F64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8}


def is_npy(blob: bytes) -> bool:
    """Whether the bytes begin as a .npy file."""
    return blob.startswith(_NPY)


def scan_npy(file: str, blob: bytes) -> tuple[tuple[Finding, ...], int | None]:
    """Findings, and where the pickle inside begins when the array holds objects."""
    try:
        header, start = _npy_header(blob)
    except (ValueError, SyntaxError, RecursionError, MemoryError, struct.error) as error:
        return (unknown(file, Kind.MALFORMED, f"a .npy header that cannot be read ({error})"),), None
    if _has_objects(header["descr"]):
        return (), start
    try:
        expected = _item_size(header["descr"]) * _product(header["shape"])
    except ValueError as error:
        return (unknown(file, Kind.DTYPE, str(error)),), None
    if start + expected != len(blob):
        return (unsafe(file, Kind.TRAILING, f"the array has {len(blob) - start} bytes instead of {expected}"),), None
    return (), None


def _npy_header(blob: bytes) -> tuple[dict[str, object], int]:
    """The header dict and where the array begins."""
    if blob[6:8] == b"\x01\x00":
        length, start = struct.unpack("<H", blob[8:10])[0], 10
    elif blob[6:8] in (b"\x02\x00", b"\x03\x00"):
        length, start = struct.unpack("<I", blob[8:12])[0], 12
    else:
        raise ValueError("unknown version")
    if length > _MAX_HEADER or start + length > len(blob):
        raise ValueError("a header longer than it may be")
    text = blob[start : start + length].decode("utf-8" if blob[6] == 3 else "latin1")
    header = ast.literal_eval(text.strip())
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError("other keys than descr, fortran_order and shape")
    return header, start + length


def _has_objects(descr: object) -> bool:
    if isinstance(descr, str):
        return _OBJECT.fullmatch(descr) is not None
    if isinstance(descr, list | tuple):
        return any(_has_objects(field[1]) for field in descr if isinstance(field, tuple) and len(field) > 1)
    return False


def _item_size(descr: object) -> int:
    """Bytes per item. Raises ValueError on a type numpy does not write."""
    if isinstance(descr, str) and _TYPE.fullmatch(descr):
        letter, digits, _ = _ORDERED.fullmatch(descr).groups()  # type: ignore[union-attr]
        return int(digits or 1) * (4 if letter == "U" else 1)
    if isinstance(descr, list) and descr:
        return sum(_field_size(field) for field in descr)
    raise ValueError(f"an array of an unknown type {str(descr)[:60]!r}")


def _field_size(field: object) -> int:
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise ValueError("a field of another shape")
    return _item_size(field[1]) * (_product(field[2]) if len(field) == 3 else 1)


def _product(shape: object) -> int:
    if not isinstance(shape, tuple) or len(shape) > 64 or any(type(one) is not int or one < 0 for one in shape):
        raise ValueError("a shape that is not one")
    product = 1
    for one in shape:
        product *= one
    return product


def is_safetensors(blob: bytes) -> bool:
    """Whether the bytes begin as a header length and an opening brace."""
    return len(blob) > 9 and blob[8:9] == b"{" and int.from_bytes(blob[:8], "little") <= len(blob) - 8


def scan_safetensors(file: str, blob: bytes) -> tuple[Finding, ...]:
    """Every tensor a known type, the tensors tiling the rest of the file, names once: else a finding."""
    end = 8 + int.from_bytes(blob[:8], "little")
    try:
        header = loads(blob[8:end], file)
        if not isinstance(header, dict):
            raise ValueError("the header is not an object")
        spans = sorted(_span(name, one) for name, one in header.items() if name != "__metadata__")
    except (CannotDecide, ValueError) as error:
        return (unknown(file, Kind.MALFORMED, f"a safetensors header that cannot be read ({error})"),)
    at = 0
    for start, stop in spans:
        if start != at:
            return (unsafe(file, Kind.TRAILING, "bytes between the tensors, or tensors that overlap"),)
        at = stop
    if end + at != len(blob):
        return (unsafe(file, Kind.TRAILING, "bytes after the tensors"),)
    return ()


def _span(name: str, value: object) -> tuple[int, int]:
    """(start, end) of a tensor in the buffer, whose length must be the one of its type and shape."""
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"the tensor {name[:40]!r} has other fields")
    offsets, shape = value["data_offsets"], value["shape"]
    if not isinstance(offsets, list) or len(offsets) != 2 or any(type(one) is not int for one in offsets):
        raise ValueError(f"the tensor {name[:40]!r} has no place")
    if not isinstance(shape, list) or value["dtype"] not in _SIZES:
        raise ValueError(f"the tensor {name[:40]!r} has an unknown type")
    start, stop = offsets
    if start < 0 or (stop - start) * 8 != _product(tuple(shape)) * _SIZES[value["dtype"]]:
        raise ValueError(f"the tensor {name[:40]!r} has another size than its shape")
    return start, stop
