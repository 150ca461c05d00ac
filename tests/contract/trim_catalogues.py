"""Trim ATLAS to what the contract needs: `python -m tests.contract.trim_catalogues dist/ATLAS.yaml`.

In: the file of a release of the ATLAS data (Apache-2.0, MITRE). Out: `src/shipworthy/contract/atlas.py`, one line an
entry. The types of the source are checked, not trusted: release 5.6.0 holds a technique inside a mitigation's list of
life cycle stages, and its own schema lets it pass.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).resolve().parents[2] / "src" / "shipworthy" / "contract" / "atlas.py"
TAGGED = ("5.6.1",)  # tags whose file still says the version before
_ID = {"tactics": r"AML\.TA\d{4}", "techniques": r"AML\.T\d{4}(?:\.\d{3})?", "mitigations": r"AML\.M\d{4}"}
_HEAD = '''"""ATLAS, trimmed to ids, names, tactics and maturity. By `tests/contract/trim_catalogues.py`: do not edit.

Source: MITRE ATLAS data, file `dist/ATLAS.yaml`, licensed under Apache-2.0, copyright 2021-2025 MITRE. The file of tag
5.6.1 calls itself 5.6.0. One line an entry: a tactic or mitigation is `id|name`, a technique
`id|tactics|maturity|name`; a subtechnique has the tactics of its technique, and its name follows that of its technique.
"""

VERSION = "{version}"
SAME = {same}
SHA256 = "{sha256}"
'''


def trimmed(raw: bytes) -> str:
    """Return the module for the bytes of an ATLAS.yaml. Raises ValueError where an entry is not of the known shape."""
    source = yaml.load(raw, Loader=yaml.CSafeLoader)
    matrix = source["matrices"][0]
    same = "(" + ", ".join(f'"{tag}"' for tag in TAGGED) + ",)"
    parts = [_HEAD.format(version=source["version"], same=same, sha256=hashlib.sha256(raw).hexdigest())]
    for kind, pattern in _ID.items():
        entries = {_text(entry, "id", pattern): entry for entry in matrix[kind]}
        if len(entries) < len(matrix[kind]):
            raise ValueError(f"{kind}: an id twice")
        lines = [_line(kind, name, entries) for name in sorted(entries)]
        parts.append(f'{kind.upper()} = """\\\n' + "\n".join(lines) + '\n"""\n')
    return "".join(parts)


def _line(kind: str, name: str, entries: dict[str, Any]) -> str:
    entry = entries[name]
    told = _text(entry, "name", r"[^|]+")
    if kind != "techniques":
        return f"{name}|{told}"
    whole = entries[entry["subtechnique-of"]] if "subtechnique-of" in entry else entry
    tactics = whole["tactics"]
    if not (tactics and all(isinstance(one, str) and re.fullmatch(_ID["tactics"], one) for one in tactics)):
        raise ValueError(f"{name}: its tactics are {tactics!r}")
    full = told if whole is entry else f"{_text(whole, 'name', '[^|]+')}: {told}"
    return f"{name}|{','.join(tactics)}|{_text(entry, 'maturity', 'feasible|demonstrated|realized')}|{full}"


def _text(entry: dict[str, Any], key: str, pattern: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(f"{key} is {value!r}")
    return value


if __name__ == "__main__":
    TARGET.write_text(trimmed(Path(sys.argv[1]).read_bytes()), encoding="utf-8")
