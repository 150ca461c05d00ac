"""What a skops archive says its model takes, read without loading anything.

In: a path. Out: how many values a row has and, where the model was fitted on named columns, their names in order. skops
writes an archive as JSON and arrays (`schema.json`, protocol 2 and before); scikit-learn keeps both facts as
`n_features_in_` and `feature_names_in_`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.errors import CannotDecide

_MOST = 64 << 20


_VECTORIZERS = ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer")


class Taken(msgspec.Struct, frozen=True):
    """What a model takes, as far as it tells. `text`: its first step turns one text into numbers."""

    names: tuple[str, ...] = ()
    count: int | None = None
    text: bool = False


def taken_by(path: Path) -> Taken:
    """Return what the model takes; the outermost estimator that tells is asked. Raises CannotDecide for no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo("schema.json")
            if entry.file_size > _MOST:
                raise CannotDecide("its schema is too large to look at", str(path), "name the inputs by hand")
            nodes = list(_nodes(json.loads(archive.read(entry))))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise CannotDecide("not a skops archive", str(path), "save the model with skops.io.dump") from error
    names = (_texts(node["feature_names_in_"]) for node in nodes if "feature_names_in_" in node)
    counts = (_plain(node["n_features_in_"]) for node in nodes if "n_features_in_" in node)
    count = next((one for one in counts if isinstance(one, int)), None)
    classes = {node.get("__class__") for node in nodes}
    if classes.intersection(_VECTORIZERS) and "ColumnTransformer" not in classes:
        return Taken(text=True)  # what is counted after it are words, not inputs
    return Taken(next((found for found in names if found), ()), count)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Yield every mapping of a JSON tree, the outermost first."""
    level: list[Any] = [schema]
    while level:
        yield from (node for node in level if isinstance(node, dict))
        level = [
            below
            for node in level
            for below in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
        ]


def _texts(node: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return the texts of an array node; nothing unless every item is text."""
    items = node.get("content") if isinstance(node, dict) else None
    texts = [_plain(item) for item in items] if isinstance(items, list) else []
    return tuple(str(text) for text in texts) if all(isinstance(text, str) for text in texts) else ()


def _plain(node: Any) -> Any:  # noqa: ANN401
    """Return the value of a JSON node, None for any other."""
    if not isinstance(node, dict) or node.get("__loader__") != "JsonNode":
        return None
    try:
        return json.loads(str(node.get("content")))
    except ValueError:
        return None
