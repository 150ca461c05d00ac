"""numpy types as they appear in pickles, judged without numpy.

In: what `numpy.dtype(...)` was called with and the state it was given. Out: the item size in bytes, whether it holds
objects, or a reason to refuse. Only forms that numpy writes pass: a type whose size we compute differently from numpy
would move the read position inside a joblib file, and one with forged flags corrupts memory.
Source: numpy/_core/src/multiarray/descriptor.c (arraydescr_reduce, arraydescr_setstate).
"""

from __future__ import annotations

import re

from shipworthy.artifact.scan.values import Bag, Made

_FIXED = re.compile(r"([biufcmMO])(\d{0,2})")
_SIZED = re.compile(r"([SUV])(\d{1,9})")
_WIDTHS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 16), "c": (8, 16, 32)}
_ORDERS = ("<", ">", "=", "|")
_ALIGNED_STRUCT = 16
_OBJECT_FLAGS = 63
_MAX_FIELDS = 256


def start(made: Made, text: object) -> str:
    """Fills size and objects of a dtype from its text (`f8`, `U10`, `V64`, `O8`); returns what is wrong, or nothing."""
    if not isinstance(text, str):
        return "a dtype that is not named by a text"
    sized, fixed = _SIZED.fullmatch(text), _FIXED.fullmatch(text)
    if sized:
        made.size = int(sized[2]) * (4 if sized[1] == "U" else 1)
        return ""
    if fixed and fixed[1] == "O" and fixed[2] in ("", "8"):
        made.objects, made.size = True, None
        return ""
    if fixed and fixed[1] in "mM" and fixed[2] in ("", "8"):
        made.size = 8
        return ""
    if fixed and fixed[2] and int(fixed[2]) in _WIDTHS.get(fixed[1], ()):
        made.size = int(fixed[2])
        return ""
    return f"a dtype {text[:40]!r} that numpy does not write"


def build(made: Made, state: object) -> str:
    """Checks the state given to a dtype; returns what is wrong with it, or nothing."""
    text = made.args[0] if isinstance(made.args, tuple) and made.args else ""
    if not isinstance(state, tuple) or not isinstance(text, str) or made.built:
        return "a dtype with a state of another shape, or with two"
    made.built = True
    if len(state) not in (8, 9) or state[0] != (3 if len(state) == 8 else 4) or state[1] not in _ORDERS:
        return "a dtype with a state of another version"
    if len(state) == 9 and text[:1] not in ("m", "M"):
        return "a dtype with metadata"
    if state[2] is not None:
        return "a dtype of sub-arrays"
    if state[3] is not None or state[4] is not None:
        return _fields(made, text, state)
    return _sizes(made, text, state[5:8])


def _sizes(made: Made, text: str, tail: tuple[object, ...]) -> str:
    """Item size, alignment and flags of a type without fields."""
    if text[:1] in ("S", "U", "V"):
        agreed = tail[0] == made.size and tail[1] in (1, 4) and tail[2] in (0, 8)
    else:
        agreed = list(tail[:2]) == [-1, -1] and tail[2] == (_OBJECT_FLAGS if made.objects else 0)
    return "" if agreed else f"a dtype {text[:40]!r} with a size or flags of another one"


def _fields(made: Made, text: str, state: tuple[object, ...]) -> str:
    """A structured type: every field a type without objects, inside the item."""
    names, entries = state[3], state[4]
    if not (isinstance(names, tuple) and isinstance(entries, Bag) and entries.plain and text[:1] == "V"):
        return "a structured dtype of another shape"
    if state[5] != made.size or state[7] not in (0, _ALIGNED_STRUCT, _ALIGNED_STRUCT | 8):
        return "a structured dtype with a size or flags of another one"
    if not 0 < len(names) == len(entries.entries) <= _MAX_FIELDS or not all(isinstance(one, str) for one in names):
        return "a structured dtype whose names and fields differ"
    for name in names:
        if not _field_fits(entries.entries.get(str(name)), made.size or 0):
            return "a structured dtype with objects, or with fields outside its item"
    return ""


def _field_fits(field: object, size: int) -> bool:
    if not isinstance(field, tuple) or len(field) != 2:
        return False
    kind, offset = field
    if not isinstance(kind, Made) or kind.size is None or kind.objects or type(offset) is not int:
        return False
    return 0 <= offset <= size - kind.size
