"""What servers of other kinds are asked, and what of their answers is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.upstream import Dialect, UpstreamFailed, positive
from shipworthy.deploy.http.upstreams.mlflow import Mlflow
from shipworthy.deploy.http.upstreams.own import Own
from shipworthy.deploy.http.upstreams.v2 import V2

NUMBERS = (("amount", "float"), ("age", "int"), ("urgent", "bool"))
MIXED = (("amount", "float"), ("supplier", "category"))
SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=5)


def v2(shape: list[int], values: Any, datatype: str = "FP64", name: str = "out", **more: Any) -> bytes:
    return json.dumps(
        {"outputs": [{"name": name, "shape": shape, "datatype": datatype, "data": values}, *more.values()]}
    ).encode()


def scores(dialect: Dialect, body: bytes, n: int = 1) -> list[float]:
    return [one.score for one in dialect.scores(body, n)]


@given(SCORES)
def test_every_kind_of_server_gives_back_the_scores_it_was_told(told: list[float]) -> None:
    n = len(told)
    assert scores(Own(), json.dumps({"scores": told}).encode(), n) == told
    assert scores(V2("/v2/models/m", NUMBERS), v2([n], told), n) == told
    assert scores(V2("/v2/models/m", NUMBERS), v2([n, 1], [[one] for one in told]), n) == told
    assert scores(Mlflow("", NUMBERS), json.dumps({"predictions": told}).encode(), n) == told


@given(SCORES)
def test_of_two_probabilities_the_second_is_the_score(told: list[float]) -> None:
    n, pairs = len(told), [[1 - one, one] for one in told]
    flat = [one for pair in pairs for one in pair]
    assert scores(V2("/v2/models/m", NUMBERS), v2([n, 2], pairs), n) == told
    assert scores(V2("/v2/models/m", NUMBERS, column=0), v2([n, 2], flat), n) == flat[::2]
    assert scores(Mlflow("", NUMBERS), json.dumps({"predictions": pairs}).encode(), n) == told


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"outputs":[]}', b'{"outputs":{}}', b"[" * 5000,
        v2([1], [0.5], "INT64"), v2([1], ["0.5"], "BYTES"), v2([1], [True], "BOOL"),
        v2([2], [0.5, 0.5]), v2([1], [0.5, 0.5]), v2([1, 2], [0.5]), v2([], [0.5]), v2([1, 1, 1], [0.5]),
        v2([1, 0], []), v2([1, -1], []), v2([-1], [0.5]), v2([1], [None]), v2([1], ["0.5"]), v2([1], [True]),
        v2([1], [[[0.5]]]), v2([1], [1.5]), v2([1], [-0.1]), v2([1, 2], [0.6, 0.6]), v2([1, 3], [0.2, 0.3, 0.5]),
        v2([1], [0.5]).replace(b"0.5", b"NaN"), v2([1], [0.5]).replace(b"0.5", b"1e400"),
        v2([1], [0.5], other={"name": "two", "shape": [1], "datatype": "FP64", "data": [0.5]}),
    ],
)  # fmt: skip
def test_what_is_not_one_score_a_row_is_no_answer_of_v2(body: bytes) -> None:
    with pytest.raises(UpstreamFailed, match=r"^(body|score)"):
        V2("/v2/models/m", NUMBERS).scores(body, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[0.5]", b"{}", b'{"predictions":0.5}', b'{"predictions":[]}', b'{"predictions":[0.5,0.5]}',
        b'{"predictions":[1]}', b'{"predictions":[[0,1]]}', b'{"predictions":["0.5"]}', b'{"predictions":[true]}',
        b'{"predictions":[null]}', b'{"predictions":[NaN]}', b'{"predictions":[1.5]}', b'{"predictions":[[]]}',
        b'{"predictions":[[0.9,0.9]]}', b'{"predictions":[[0.2,0.3,0.5]]}', b'{"predictions":[{"a":0.1,"b":0.9}]}',
        b'{"predictions":[{}]}', b'{"predictions":[[[0.5]]]}',
    ],
)  # fmt: skip
def test_what_is_not_one_score_a_row_is_no_answer_of_mlflow(body: bytes) -> None:
    with pytest.raises(UpstreamFailed, match=r"^(body|score)"):
        Mlflow("", NUMBERS).scores(body, 1)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"scores":[]}', b'{"scores":[null]}', b'{"scores":[0.5],"decisions":[]}']
)
def test_what_is_not_one_score_a_row_is_no_answer_of_our_own(body: bytes) -> None:
    with pytest.raises(UpstreamFailed, match=r"^(body|score)"):
        Own().scores(body, 1)


def test_our_own_may_decide_for_some_rows() -> None:
    told = Own().scores(b'{"scores":[0.5,0.6],"decisions":["deny",null]}', 2)
    assert [(one.score, one.decision) for one in told] == [(0.5, "deny"), (0.6, None)]


def test_the_output_is_found_by_its_name() -> None:
    body = v2(
        [1], [1], "INT64", "label", score={"name": "proba", "shape": [1, 2], "datatype": "FP32", "data": [0.75, 0.25]}
    )
    assert scores(V2("/v2/models/m", NUMBERS, "proba"), body) == [0.25]
    with pytest.raises(UpstreamFailed, match="label, proba"):
        V2("/v2/models/m", NUMBERS, "gone").scores(body, 1)
    record = b'{"predictions":[{"label":1,"proba":[0.75,0.25]}]}'
    assert scores(Mlflow("", NUMBERS, "proba"), record) == [0.25]
    with pytest.raises(UpstreamFailed, match="gone"):
        Mlflow("", NUMBERS, "gone").scores(record, 1)


@pytest.mark.parametrize(
    ("row", "column", "score"), [([0.3], 0, 0.3), ([0.2, 0.3, 0.5], 2, 0.5), ([0.4996, 0.4996], None, 0.4996)]
)
def test_a_column_says_which_probability_is_the_score(row: list[float], column: int | None, score: float) -> None:
    assert positive(row, column) == score


@pytest.mark.parametrize(
    ("row", "column"), [([0.3], 1), ([0.5, 0.5], 2), ([0.5, 0.4], 1), ([0.5, 0.5], -1), ([], None)]
)
def test_a_column_that_is_not_there_is_no_score(row: list[float], column: int | None) -> None:
    with pytest.raises(UpstreamFailed):
        positive(row, column)


def test_numbers_alone_go_as_one_matrix_and_a_missing_one_is_null() -> None:
    told = json.loads(V2("/v2/models/m", NUMBERS, "proba").body([[1.5, 2, True], [None, 3, False]]))
    assert told == {
        "inputs": [{"name": "input-0", "shape": [2, 3], "datatype": "FP64", "data": [1.5, 2, 1, None, 3, 0]}],
        "outputs": [{"name": "proba"}],
    }


@pytest.mark.parametrize(("columns", "inputs"), [(MIXED, ""), (MIXED, "columns")])
def test_texts_go_as_columns(columns: Any, inputs: str) -> None:
    told = json.loads(V2("/v2/models/m", columns, inputs=inputs).body([[1.5, "P01"], [2.5, None]]))
    assert told == {
        "parameters": {"content_type": "pd"},
        "inputs": [
            {"name": "amount", "shape": [2, 1], "datatype": "FP64", "data": [1.5, 2.5]},
            {"name": "supplier", "shape": [2, 1], "datatype": "BYTES", "data": ["P01", None]},
        ],
    }


def test_mlflow_gets_a_split_frame() -> None:
    told = json.loads(Mlflow("/m", MIXED).body([[1.5, "P01"], [None, None]]))
    assert told == {"dataframe_split": {"columns": ["amount", "supplier"], "data": [[1.5, "P01"], [None, None]]}}
    assert (Mlflow("/m", MIXED).path, Mlflow("/m", MIXED).health) == ("/m/invocations", "/m/ping")
