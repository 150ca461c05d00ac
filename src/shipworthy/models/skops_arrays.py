"""A skops archive read inertly: its schema as plain values, its arrays without pickle; nothing of it is loaded or run.

In: the bytes of an archive. Out: `Archive`, from which attributes of the saved object and numeric arrays can be taken.
Anything unexpected raises ContractError: whoever asks then knows nothing about the model, and says so.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from shipworthy.errors import ContractError

SCHEMA = "schema.json"
MOST_BYTES = 1 << 28
Node = Mapping[str, Any]


class Archive:
    """`root` is the node of the saved object."""

    def __init__(self, blob: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(blob))
            self._sizes = {one.filename: one.file_size for one in self._zip.infolist()}
            if sum(self._sizes.values()) > MOST_BYTES:
                raise ContractError(f"unpacks to more than {MOST_BYTES} bytes", SCHEMA)
            self.root: Node = json.loads(self._zip.read(SCHEMA))
            self._by_id = {node["__id__"]: node for node in _nodes(self.root) if "__id__" in node and "file" in node}
        except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError, TypeError) as problem:
            raise ContractError(f"not a skops archive ({type(problem).__name__})", SCHEMA) from problem

    def array(self, node: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
        """Return a numeric array. Raises ContractError for objects, and for what is no array of this archive."""
        held = self._by_id.get(node.get("__id__"), node) if isinstance(node, dict) else {}
        name = held.get("file")
        if held.get("__loader__") != "NdArrayNode" or held.get("type") != "numpy" or name not in self._sizes:
            raise ContractError("an array that is not stored as numbers", SCHEMA)
        try:
            made = np.load(io.BytesIO(self._zip.read(name)), allow_pickle=False)
        except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as problem:
            raise ContractError(f"cannot be read as an array ({type(problem).__name__})", str(name)) from problem
        if not isinstance(made, np.ndarray):
            raise ContractError("not one array", str(name))
        return made


def class_of(node: Any) -> str:  # noqa: ANN401
    """Return the class name of a saved object; empty for what is none."""
    return str(node.get("__class__", "")) if isinstance(node, dict) else ""


def attributes(node: Any) -> Node:  # noqa: ANN401
    """Return the attributes of a saved object, or the items of a saved dict, as nodes."""
    for _ in range(2):
        node = node.get("content") if isinstance(node, dict) else None
        if isinstance(node, dict) and "__loader__" not in node:
            return node
    raise ContractError("an object without attributes", SCHEMA)


def items(node: Any) -> list[Any]:  # noqa: ANN401
    """Return the elements of a saved list or tuple, or of an array of objects."""
    content = node.get("content") if isinstance(node, dict) else None
    if isinstance(content, list):
        return content
    raise ContractError("not a list", SCHEMA)


def plain(node: Any) -> Any:  # noqa: ANN401
    """Return the value of a saved text, number, truth value or None."""
    if not isinstance(node, dict) or node.get("__loader__") != "JsonNode":
        raise ContractError("not a plain value", SCHEMA)
    try:
        return json.loads(node["content"])
    except (KeyError, TypeError, ValueError) as problem:
        raise ContractError("not a plain value", SCHEMA) from problem


def _nodes(root: Any) -> Iterator[Node]:  # noqa: ANN401
    todo = [root]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo.extend(one.values())
            if "__loader__" in one:
                yield one
        elif isinstance(one, list):
            todo.extend(one)
