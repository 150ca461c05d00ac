"""Texts: CSV, JSON, YAML, plain. And the two ways in which a text is code after all.

In: a file name and its text. Out: findings. Text is harmless until somebody loads it with an unsafe YAML loader, so
Python tags are unsafe; a Keras configuration can name functions and carry marshalled code, so its layers are walked.
"""

from __future__ import annotations

import re

from shipworthy.artifact.scan.findings import Finding, Kind, unknown, unsafe
from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide

_CODE_NAMES = (".py", ".pyw", ".pyc", ".pyi", ".pth", ".sh", ".bash", ".so", ".pyd", ".dll", ".dylib", ".ipynb")
# A tag in full, behind a prefix of its own (`%TAG !p! tag:yaml.org,20`), or with letters as %70.
_PYTHON_TAG = re.compile(
    r"!!?python/|tag:yaml\.org,2002:python/|!<[^>]*python/"
    r"|^%TAG\s+\S+\s+t(?:a(?:g(?::(?:y\S*)?)?)?)?\s*$|!(?:<|!|\w+!)?[\w:.,/-]*%[0-9A-Fa-f]{2}",
    re.MULTILINE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_KERAS_CODE = ("Lambda", "TFOpLambda", "__lambda__", "function", "SlicingOpLambda")
_MAX_NODES = 500_000


def code_name(file: str) -> bool:
    """Whether the name is one that an interpreter or a loader would run."""
    return file.lower().endswith(_CODE_NAMES)


def text_of(blob: bytes) -> str | None:
    """The text, when the bytes are UTF-8 without control characters; else None."""
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def scan_text(file: str, text: str) -> tuple[Finding, ...]:
    """Findings of a text of any kind."""
    found = []
    tag = _PYTHON_TAG.search(text)
    if tag:
        found.append(unsafe(file, Kind.TAG, f"the YAML tag {tag[0]!r}"))
    if text.startswith("#!"):
        found.append(unsafe(file, Kind.CODE, "a script, by its first line"))
    return tuple(found)


def scan_keras(file: str, raw: bytes) -> tuple[Finding, ...]:
    """Findings of a Keras `config.json`: layers that carry code, and classes from outside Keras."""
    try:
        tree = loads(raw, file)
    except CannotDecide as error:
        return (unknown(file, Kind.MALFORMED, error.what),)
    found: dict[Finding, None] = {}
    todo, seen = [tree], 0
    while todo and seen < _MAX_NODES:
        value = todo.pop()
        seen += 1
        if isinstance(value, list):
            todo.extend(value)
        elif isinstance(value, dict):
            todo.extend(value.values())
            for finding in _layer(file, value):
                found[finding] = None
    if todo:
        found[unknown(file, Kind.BOMB, f"more than {_MAX_NODES} nodes")] = None
    return tuple(found)


def _layer(file: str, node: dict[str, object]) -> list[Finding]:
    kind, module = node.get("class_name"), node.get("module")
    found = []
    if isinstance(kind, str) and kind in _KERAS_CODE:
        found.append(unsafe(file, Kind.LOADER, f"a layer that carries code ({kind})"))
    if isinstance(kind, str) and isinstance(module, str) and module.split(".", 1)[0] != "keras":
        found.append(unsafe(file, Kind.GLOBAL, f"{module}.{kind} is not of Keras"))
    return found
