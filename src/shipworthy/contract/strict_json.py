"""The strict reader of JSON: keys written twice, NaN, infinities and trailing text are refused.

In: the bytes or text of a JSON file of the contract (`shipworthy.lock`). Out: the same `Reading` as of YAML; marks are
known for the lines of faults only, since JSON of ours is written by machines.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from shipworthy.contract.problems import Findings, Mark
from shipworthy.contract.strict_yaml import MAX_BYTES, Reading, readable

_RESTORE = "restore the file from version control"


def read_json(source: str | bytes, file: str, limit: int = MAX_BYTES) -> Reading:
    """Read one JSON value of at most `limit` bytes. Never raises."""
    found = Findings(file, {(): (1, 1)})
    text = readable(source, found, limit)
    if text is None:
        return Reading(file, None, found.marks, found.problems, whole=False)
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite)
    except json.JSONDecodeError as fault:
        found.at(fault.lineno, f"not JSON: {fault.msg}", _RESTORE, column=fault.colno)
    except _Twice as fault:
        line, column = _second(text, str(fault))
        told, fix = f"the key {str(fault)!r} is written twice", "keep one; if a merge did it, take one side whole"
        found.at(line, told, fix, column=column)
    except ValueError as fault:
        found.at(1, f"not JSON: {fault}", "write finite numbers only")
    except RecursionError:
        found.at(1, "nested too deeply", _RESTORE)
    else:
        return Reading(file, value, found.marks, found.problems)
    return Reading(file, None, found.marks, found.problems, whole=False)


class _Twice(Exception):
    """A key is written twice; its text is the key."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _Twice(key)
        seen[key] = value
    return seen


def _constant(text: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{text} is not a finite number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _second(text: str, key: str) -> Mark:
    """Return line and column of the second place where the key stands."""
    places = [match.start() for match in re.finditer(re.escape(json.dumps(key)) + r"\s*:", text)]
    at = places[1] if len(places) > 1 else 0
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
