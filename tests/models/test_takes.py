"""What a model takes is read from its archive as text; nothing in it is ever loaded."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shipworthy.errors import CannotDecide
from shipworthy.models.takes import Taken, taken_by

VALUES = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.2]])


def saved(path: Path, model: Any) -> Path:
    skops.io.dump(model, path)
    return path


def test_names_and_count_of_a_fitted_pipeline(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(VALUES, [0, 1, 0])
    assert taken_by(saved(tmp_path / "m.skops", model)) == Taken((), 2)
    model[0].feature_names_in_ = np.array(["b", "a"], dtype=object)
    assert taken_by(saved(tmp_path / "m.skops", model)) == Taken(("b", "a"), 2)


def test_an_unfitted_model_tells_nothing(tmp_path: Path) -> None:
    assert taken_by(saved(tmp_path / "m.skops", LogisticRegression())) == Taken((), None)


def zipped(path: Path, schema: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", schema)
    return path


@pytest.mark.parametrize(
    "node", [None, 3, {}, {"content": 1}, {"content": [{"__loader__": "JsonNode", "content": "1"}]}, {"content": [7]}]
)
def test_names_that_are_no_texts_are_no_names(tmp_path: Path, node: Any) -> None:
    assert taken_by(zipped(tmp_path / "m.skops", json.dumps({"feature_names_in_": node}))).names == ()


@pytest.mark.parametrize("schema", ["", "{", "[" * 100_000, "\ud800".encode("utf-8", "replace").decode() + "{"])
def test_a_schema_that_cannot_be_read_is_told(tmp_path: Path, schema: str) -> None:
    with pytest.raises(CannotDecide, match="not a skops archive"):
        taken_by(zipped(tmp_path / "m.skops", schema))


def test_a_file_that_is_no_archive_is_told_and_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    path.write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(CannotDecide, match="not a skops archive"):
        taken_by(path)
    with pytest.raises(CannotDecide, match="not a skops archive"):
        taken_by(tmp_path / "nowhere.skops")
