"""joblib's array markers: the object after which raw array bytes stand in the file.

In: the state of a marker as the walker knows it. Out: whether joblib writes such a one, and how many items follow.
Source: joblib/numpy_pickle.py, `NumpyArrayWrapper`. Everything is checked that enters the number of bytes joblib skips:
a marker we measure differently would let opcodes hide where we see array items.
"""

from __future__ import annotations

from shipworthy.artifact.scan.findings import Kind
from shipworthy.artifact.scan.opcodes import Broken
from shipworthy.artifact.scan.values import Ref

_MAX_SHAPE = 1 << 40
_MAX_DIMENSIONS = 64
_WRAPPER_KEYS = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_ARRAY_CLASSES = ("numpy.ndarray", "numpy.matrix", "numpy.matrixlib.defmatrix.matrix")


def wrapper_fits(entries: dict[str, object]) -> bool:
    """Whether the state of an array marker is one joblib writes: these keys, a plain array class, C or F order."""
    if len(entries) > len(_WRAPPER_KEYS):
        return False
    keys = set(entries)
    if keys - _WRAPPER_KEYS or not _WRAPPER_KEYS - {"numpy_array_alignment_bytes"} <= keys:
        return False
    subclass, alignment = entries["subclass"], entries.get("numpy_array_alignment_bytes")
    if not isinstance(subclass, Ref) or subclass.name not in _ARRAY_CLASSES:
        return False
    return entries["order"] in ("C", "F") and alignment in (None, 16)


def item_count(shape: object) -> int:
    """The number of items of a shape."""
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MAX_DIMENSIONS
        or any(type(one) is not int or not 0 <= one < _MAX_SHAPE for one in shape)
    ):
        raise Broken(Kind.MALFORMED, "an array shape that joblib does not write")
    count = 1
    for one in shape:
        count *= one
    return count
