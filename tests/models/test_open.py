"""Models opened in this process: scikit-learn archives and Python functions."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from shipworthy.errors import ContractError, PolicySaysNo
from shipworthy.models.python_model import open_python
from shipworthy.models.sklearn_model import open_sklearn
from shipworthy.models.spec import OpenSpec
from tests.models.conftest import COLUMNS

SPEC = OpenSpec(kind="sklearn", encoding="encoding.json")
NUMBERS = (("a", "float"), ("b", "float"), ("c", "float"))


def test_a_scikit_learn_model_gives_its_own_probabilities(artefact: Path) -> None:
    score = open_sklearn(artefact, SPEC, COLUMNS)
    model = skops.io.load(artefact / "model.skops")
    table = np.array([[0.3, 1.0, 0.2], [0.9, 0.0, 0.8], [0.9, 0.0, 0.5]])
    got = score([[0.3, True, "P01"], [0.9, 0, "P02"], [0.9, False, "new"]])
    assert got.decisions is None
    assert got.scores == pytest.approx(model.predict_proba(table)[:, 1].tolist(), abs=0)


def test_rows_that_cannot_be_scored_get_none_and_spoil_no_other(artefact: Path) -> None:
    score = open_sklearn(artefact, SPEC, COLUMNS)
    got = score([[0.3, 1, None], [None, 1, "P01"], ["0.3", 1, "P01"], [0.3, 1, "P01"], [0.3, 1, 5]])
    assert [one is None for one in got.scores] == [True, True, True, False, True]


def test_a_model_that_takes_missing_values_is_given_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    table = rng.random((100, 3))
    model = HistGradientBoostingClassifier(max_iter=3).fit(table, table[:, 0] > 0.5)
    skops.io.dump(model, tmp_path / "model.skops")
    score = open_sklearn(tmp_path, OpenSpec(kind="sklearn"), NUMBERS)
    got = score([[None, 0.1, 0.2], ["x", 0.1, 0.2]])
    assert got.scores[0] == model.predict_proba([[math.nan, 0.1, 0.2]])[0, 1]
    assert got.scores[1] is None


def test_types_that_are_not_trusted_are_refused(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(COLUMNS.index), LogisticRegression())
    model.steps[0] = ("odd", FunctionTransformer(json.dumps))
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(PolicySaysNo, match="json"):
        open_sklearn(tmp_path, OpenSpec(kind="sklearn"), NUMBERS)


def test_a_model_that_is_no_two_class_classifier_is_refused(tmp_path: Path) -> None:
    table = np.random.default_rng(1).random((30, 3))
    for name, model in (
        ("line", LinearRegression().fit(table, table[:, 0])),
        ("three", LogisticRegression().fit(table, np.arange(30) % 3)),
    ):
        skops.io.dump(model, tmp_path / name)
        with pytest.raises(ContractError):
            open_sklearn(tmp_path, OpenSpec(kind="sklearn", file=name), NUMBERS)
    with pytest.raises(ContractError):
        open_sklearn(tmp_path, OpenSpec(kind="sklearn", file="absent"), NUMBERS)


def test_a_category_without_an_encoding_is_refused(artefact: Path, tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes((artefact / "model.skops").read_bytes())
    with pytest.raises(ContractError, match="cannot be read: No such file") as told:
        open_sklearn(tmp_path, SPEC, COLUMNS)
    assert '{"supplier": {"values"' in told.value.fix
    (tmp_path / "encoding.json").write_text("{}")
    with pytest.raises(ContractError, match="supplier"):
        open_sklearn(tmp_path, SPEC, COLUMNS)


def write_python(folder: Path, body: str) -> OpenSpec:
    (folder / "rules.py").write_text(f"def decide(rows):\n    {body}\n")
    return OpenSpec(kind="python", entry="rules.py:decide")


def test_a_python_model_gets_named_values_and_may_decide(tmp_path: Path) -> None:
    spec = write_python(
        tmp_path, "return [{'score': r['a'], 'decision': 'deny' if r['a'] < 0.5 else None} for r in rows]"
    )
    got = open_python(tmp_path, spec, (("a", "float"),))([[0.2], [0.7]])
    assert (got.scores, got.decisions) == ([0.2, 0.7], ["deny", None])


@pytest.mark.parametrize(
    ("told", "score"), [("None", None), ("float('nan')", None), ("float('inf')", None), ("True", None), ("0.5", 0.5)]
)
def test_what_is_no_number_is_no_score(tmp_path: Path, told: str, score: float | None) -> None:
    spec = write_python(tmp_path, f"return [{{'score': {told}}} for r in rows]")
    got = open_python(tmp_path, spec, (("a", "float"),))([[0.2]])
    assert (got.scores, got.decisions) == ([score], None)


def test_too_few_answers_are_an_error(tmp_path: Path) -> None:
    spec = write_python(tmp_path, "return []")
    with pytest.raises(ContractError):
        open_python(tmp_path, spec, (("a", "float"),))([[0.2]])


@pytest.mark.parametrize("entry", [None, "", "rules.py", "absent.py:decide", "../rules.py:decide", "rules.py:absent"])
def test_an_entry_that_names_no_function_of_the_folder_is_refused(tmp_path: Path, entry: str | None) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_python(tmp_path, "return []")
    write_python(folder, "return []")
    with pytest.raises(ContractError):
        open_python(folder, OpenSpec(kind="python", entry=entry), (("a", "float"),))
