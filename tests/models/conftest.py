"""A tiny real model in an artefact folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from shipworthy.models.spec import Columns

COLUMNS: Columns = (("amount", "float"), ("urgent", "bool"), ("supplier", "category"))


def write_model(folder: Path) -> Path:
    """Fit a logistic regression on three columns and write it as the build command would."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    table = rng.random((200, 3))
    model = LogisticRegression().fit(table, table[:, 0] > 0.5)
    skops.io.dump(model, folder / "model.skops")
    encoding = {"supplier": {"values": {"P01": 0.2, "P02": 0.8}, "unseen": 0.5, "missing": None}}
    (folder / "encoding.json").write_text(json.dumps(encoding))
    return folder


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("artefact") / "model")
