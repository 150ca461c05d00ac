"""The cells of a tree model read from its file: against the model, which cannot tell two values of one apart."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from shipworthy.errors import ContractError
from shipworthy.models.encoding import Encoding
from shipworthy.models.tree_cells import UNSEEN, tree_cells

COLUMNS = (("x", "float"), ("age", "int"), ("code", "category"))
CODES = Encoding(values={"a": 0.1, "b": 0.11, "c": 0.5, "d": 0.9})
RNG = np.random.default_rng(3)
X = np.column_stack([RNG.normal(size=900), RNG.integers(18, 90, 900), RNG.choice(list(CODES.values.values()), 900)])
Y = (X[:, 0] + (X[:, 1] > 60) + X[:, 2] + RNG.normal(size=900) > 1.2).astype(int)
MODELS: dict[str, Any] = {
    "histogram": HistGradientBoostingClassifier(max_iter=20, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "forest": make_pipeline(SimpleImputer(), RandomForestClassifier(n_estimators=8, max_depth=5, random_state=0)),
    "extra": make_pipeline("passthrough", ExtraTreesClassifier(n_estimators=4, max_depth=5, random_state=0)),
    "tree": DecisionTreeClassifier(max_depth=5, random_state=0),
}


def saved(model: Any) -> bytes:
    return bytes(skops.io.dumps(model.fit(X, Y)))


@pytest.mark.parametrize("name", MODELS)
def test_no_value_gives_an_answer_that_none_of_the_cells_gives(name: str) -> None:
    """Law: over any row, a dense grid of a column yields no score that the values of the cells do not yield."""
    model = MODELS[name].fit(X, Y)
    cells = tree_cells(skops.io.dumps(model), COLUMNS, {"code": CODES})
    grids = {"x": np.linspace(-6, 6, 4001), "age": np.arange(-5, 130), "code": np.array(list(CODES.values.values()))}
    for at, (column, _) in enumerate(COLUMNS):
        tried = [CODES.values[one] if column == "code" else one for one in cells[column] if one not in (None, UNSEEN)]  # type: ignore[index]
        for row in X[:5]:
            assert seen(model, row, at, grids[column]) <= seen(model, row, at, np.array(tried, dtype=np.float64))


def seen(model: Any, row: Any, at: int, values: Any) -> set[float]:
    table = np.tile(row, (len(values), 1))
    table[:, at] = values
    return set(np.round(model.predict_proba(table)[:, 1], 12).tolist())


def test_whole_numbers_stay_whole_and_a_missing_value_is_tried() -> None:
    cells = tree_cells(saved(MODELS["histogram"]), COLUMNS, {"code": CODES})
    ages = [one for one in cells["age"] if one is not None]
    assert all(float(one).is_integer() for one in ages)
    assert all(cells[name][-1] is None for name in cells)
    assert set(cells["code"]) <= {*CODES.values, UNSEEN, None}
    assert UNSEEN in cells["code"]


def test_a_column_that_no_split_uses_has_no_cells() -> None:
    stump = DecisionTreeClassifier(max_depth=1).fit(X, X[:, 1] > 50)
    assert list(tree_cells(skops.io.dumps(stump), COLUMNS, {"code": CODES})) == ["age"]


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LogisticRegression(), "no tree ensemble"),
        (make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2)), "StandardScaler"),
        (make_pipeline(SimpleImputer(add_indicator=True), DecisionTreeClassifier(max_depth=2)), "SimpleImputer"),
        (HistGradientBoostingClassifier(max_iter=2, categorical_features=[1]), "by the model itself"),
    ],
    ids=["logistic", "scaled", "indicator", "own categories"],
)
def test_what_cannot_be_read_for_sure_is_refused(model: Any, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        tree_cells(saved(model), COLUMNS, {"code": CODES})


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(ContractError, match="another number of columns"):
        tree_cells(saved(MODELS["tree"]), COLUMNS[:2], {})


def remade(change: Any, arrays: Any = lambda name, blob: blob) -> bytes:
    """A saved tree with its schema and arrays changed."""
    source = zipfile.ZipFile(io.BytesIO(saved(MODELS["tree"])))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            blob = source.read(name)
            target.writestr(name, change(blob) if name == "schema.json" else arrays(name, blob))
    return made.getvalue()


EXPLODED: list[str] = []


def explode() -> str:
    EXPLODED.append("boom")
    return ""


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return explode, ()


def pickled(_: str, __: bytes) -> bytes:
    held = io.BytesIO()
    np.save(held, np.array([Bomb()], dtype=object), allow_pickle=True)
    return held.getvalue()


@pytest.mark.parametrize(
    "blob",
    [
        b"no archive",
        remade(lambda schema: b"[" * 100_000),
        remade(lambda schema: b"[]"),
        remade(lambda schema: json.dumps({"__class__": "DecisionTreeClassifier", "content": 3}).encode()),
        remade(lambda schema: schema.replace(b'"nodes"', b'"knots"')),
        remade(lambda schema: schema, pickled),
        remade(lambda schema: schema, lambda name, blob: blob[:20]),
    ],
    ids=["no zip", "deep", "list", "no attributes", "no nodes", "pickle inside", "cut off"],
)
def test_a_hostile_file_is_a_refusal_and_runs_nothing(blob: bytes) -> None:
    with pytest.raises(ContractError):
        tree_cells(blob, COLUMNS, {"code": CODES})
    assert not EXPLODED


def test_a_file_that_would_unpack_to_more_than_anybody_needs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = saved(MODELS["tree"])
    monkeypatch.setattr("shipworthy.models.skops_arrays.MOST_BYTES", 100)
    with pytest.raises(ContractError, match="unpacks to more than 100 bytes"):
        tree_cells(blob, COLUMNS, {"code": CODES})
