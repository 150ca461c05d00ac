"""Models that read text: scikit-learn pipelines out of skops archives, and the files that texts come in."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline, make_union

from shipworthy.artifact.scan import scan_bytes
from shipworthy.errors import ContractError, PolicySaysNo
from shipworthy.models import client
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import score_rows
from shipworthy.models.sklearn_model import open_sklearn
from shipworthy.models.spec import Cell, OpenSpec, values_of
from shipworthy.models.table import read_rows
from shipworthy.models.takes import Taken, taken_by
from tests.messages import messages

SPEC = OpenSpec(kind="sklearn")
ONE = (("text", "text"),)
ROWS = messages(200, 1)
TEXTS, TRUTH = [str(row["text"]) for row in ROWS], [int(str(row["label"])) for row in ROWS]


def tfidf() -> Any:
    return make_pipeline(TfidfVectorizer(), LogisticRegression())


KINDS: dict[str, Callable[[], Any]] = {
    "tfidf": tfidf,
    "hashing": lambda: make_pipeline(HashingVectorizer(n_features=256), LogisticRegression()),
    "count": lambda: make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(1, 3)), MultinomialNB()),
    "calibrated": lambda: CalibratedClassifierCV(tfidf(), cv=2),
    "union": lambda: make_pipeline(make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char")), MultinomialNB()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_pipeline_opens_by_the_allow_list_and_answers_as_it_does_itself(kind: str, tmp_path: Path) -> None:
    model = KINDS[kind]().fit(TEXTS, TRUTH)
    path = tmp_path / "model.skops"
    skops.io.dump(model, path)
    assert scan_bytes("model.skops", path.read_bytes()) == ()
    assert taken_by(path) == Taken(text=True)
    got = open_sklearn(tmp_path, SPEC, ONE)([[text] for text in TEXTS[:20]])
    assert got.scores == model.predict_proba(TEXTS[:20])[:, 1].tolist()
    assert got.decisions is None


def test_a_row_without_its_text_has_no_score_and_spoils_no_other(tmp_path: Path) -> None:
    skops.io.dump(tfidf().fit(TEXTS, TRUTH), tmp_path / "model.skops")
    score = open_sklearn(tmp_path, SPEC, ONE)
    got = score([[None], [TEXTS[0]], [5]])
    assert [one is None for one in got.scores] == [True, False, True]
    assert score([[None]]).scores == [None]
    with pytest.raises(ContractError, match="2 values"):
        score([["a", "b"]])


def test_texts_beside_numbers_reach_a_column_transformer_by_position(tmp_path: Path) -> None:
    table = np.array([[3.0 * label, text] for text, label in zip(TEXTS, TRUTH, strict=True)], dtype=object)
    columns = ColumnTransformer([("t", TfidfVectorizer(), 1), ("n", SimpleImputer(), [0])])
    model = make_pipeline(columns, LogisticRegression()).fit(table, TRUTH)
    skops.io.dump(model, tmp_path / "model.skops")
    assert taken_by(tmp_path / "model.skops") == Taken(count=2)
    score = open_sklearn(tmp_path, SPEC, (("age", "float"), ("text", "text")))
    got = score([[1, TEXTS[0]], [None, TEXTS[0]], [1, None], ["x", TEXTS[0]]])
    asked = np.array([[1.0, TEXTS[0]], [math.nan, TEXTS[0]]], dtype=object)
    assert got.scores == [*model.predict_proba(asked)[:, 1].tolist(), None, None]


def test_a_model_that_refuses_missing_numbers_still_scores_whole_rows_of_texts(tmp_path: Path) -> None:
    table = np.array([[3.0 * label, text] for text, label in zip(TEXTS, TRUTH, strict=True)], dtype=object)
    columns = ColumnTransformer([("t", TfidfVectorizer(), 1), ("n", "passthrough", [0])])
    skops.io.dump(make_pipeline(columns, LogisticRegression()).fit(table, TRUTH), tmp_path / "model.skops")
    got = open_sklearn(tmp_path, SPEC, (("age", "float"), ("text", "text")))([[1, "hello"], [None, "hello"]])
    assert [one is None for one in got.scores] == [False, True]


def test_two_features_for_a_model_of_one_text_are_refused(tmp_path: Path) -> None:
    skops.io.dump(tfidf().fit(TEXTS, TRUTH), tmp_path / "model.skops")
    with pytest.raises(ContractError, match="takes one text, and 2 features"):
        open_sklearn(tmp_path, SPEC, (("text", "text"), ("age", "int")))


def test_a_tokenizer_of_ones_own_is_no_trusted_type(tmp_path: Path) -> None:
    model = make_pipeline(TfidfVectorizer(tokenizer=__import__("os").path.split, token_pattern=None), MultinomialNB())
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(PolicySaysNo, match="not trusted"):
        open_sklearn(tmp_path, SPEC, ONE)


@pytest.mark.parametrize(
    ("cell", "value"), [(" Hi ", " Hi "), ("\u200b", None), ("", None), ("\ud800", None), (72, "72"), (True, None)]
)
def test_a_text_reaches_the_model_as_it_was_sent(cell: Cell, value: Cell) -> None:
    assert values_of({"text": cell}, ONE) == [value]


def test_more_text_than_one_request_takes_is_asked_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skops.io.dump(tfidf().fit(TEXTS, TRUTH), tmp_path / "model.skops")
    monkeypatch.setattr(client, "MOST_BYTES", 700)
    process = ModelProcess(tmp_path, SPEC, ONE, tmp_path / "log")
    process.start()
    try:
        got = score_rows(process.port, [[text] for text in TEXTS[:40]])
    finally:
        process.stop()
    assert got.scores == open_sklearn(tmp_path, SPEC, ONE)([[text] for text in TEXTS[:40]]).scores


def test_a_column_of_texts_keeps_its_spelling(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,n\n007,1.0\n"2,50",2\n1.50,3\n" a ",4\n42,5\n')
    rows = read_rows(path, text=frozenset({"text"}))
    assert [values_of(row, ONE) for row in rows] == [["007"], ["2,50"], ["1.50"], [" a "], ["42"]]


def test_json_lines_are_rows_and_what_is_no_cell_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "007", "label": "malicious", "meta": {"a": 1}, "tags": []}\n\n{"text": "", "n": 2}\n')
    assert read_rows(path) == [{"text": "007", "label": "malicious"}, {"text": None, "n": 2}]
    assert read_rows(path, "n == 2") == [{"text": None, "n": 2}]


@pytest.mark.parametrize("line", ["[1]", "{", '{"a": NaN}', "text"])
def test_a_line_that_is_no_object_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": "ok"}}\n{line}\n')
    with pytest.raises(ContractError) as told:
        read_rows(path)
    assert told.value.where.endswith("a.jsonl:2")


def test_a_text_file_is_a_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one, two\r\n\r\n  three \n")
    assert read_rows(path) == [{"text": "one, two"}, {"text": "  three "}]
