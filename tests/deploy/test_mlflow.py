"""MLflow's scoring protocol: by its documented bodies, and by its own client where one is installed."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy import __version__
from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.body import BadBody
from shipworthy.deploy.http.protocols.csv_rows import read_csv
from shipworthy.deploy.mlflow import read_invocation
from shipworthy.deploy.receipt import unseal
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import MISSING, NORMAL, AbuseKind, Decider, Posture
from tests.deploy.kit import KEY, Site, State, eventually, running, score_of_amount
from tests.deploy.test_abuse import Heard

CLIENT = Path(__file__).with_name("mlflow_client.py")
ROWS = [
    {"tenant": "acme", "supplier": "P01", "amount": 100.0},
    {"tenant": "acme", "supplier": "P01", "amount": 500},
    {"tenant": "acme", "supplier": "P02", "amount": 900.0},
]
CELL = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TABLE = st.dictionaries(st.text(max_size=5), st.lists(CELL | st.text(max_size=5), min_size=3, max_size=3), min_size=1)
TYPES = {"amount": "float", "items": "int", "urgent": "bool", "supplier": "category"}


def read(body: Any) -> list[dict[str, Any]]:
    return read_invocation(json.dumps(body).encode())


@given(table=TABLE)
def test_every_orientation_of_a_table_is_the_same_rows(table: dict[str, list[Any]]) -> None:
    names = list(table)
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    data = [list(row.values()) for row in rows]
    assert read({"dataframe_split": {"columns": names, "data": data, "index": [0, 1, 2]}}) == rows
    assert read({"dataframe_split": {"columns": names, "data": data}, "params": {}}) == rows
    for name in ("dataframe_records", "instances", "inputs"):
        assert read({name: rows, "params": None}) == rows
    for name in ("instances", "inputs"):
        assert read({name: table}) == rows
        assert read({name: {one: [[cell] for cell in column] for one, column in table.items()}}) == rows


def test_a_missing_cell_of_pandas_is_missing_and_records_may_leave_cells_out() -> None:
    assert read_invocation(b'{"dataframe_records": [{"a": NaN, "b": 1}, {"b": null}]}') == [
        {"a": None, "b": 1},
        {"b": None},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"1",
        b"\xff",
        b"[" * 100_000,
        b'{"params": {}}',
        b'{"inputs": [{"a": 1}], "params": 3}',
        b'{"inputs": [{"a": 1}], "instances": [{"a": 1}]}',
        b'{"inputs": [{"a": 1}], "threshold": 1}',
        b'{"messages": [{"role": "user", "content": "x"}]}',
        b'{"inputs": [{"a": 1, "a": 2}]}',
        b'{"inputs": [{"a": 1}], "inputs": [{"a": 2}]}',
        b'{"inputs": []}',
        b'{"inputs": {}}',
        b'{"inputs": 5}',
        b'{"inputs": [[1, 2]]}',
        b'{"inputs": {"a": [1, 2], "b": [1]}}',
        b'{"inputs": {"a": 1}}',
        b'{"inputs": [{"a": Infinity}]}',
        b'{"inputs": [{"a": 1e999}]}',
        b'{"inputs": [{"a": 99999999999999999999999}]}',
        b'{"inputs": [{"a": [1, 2]}]}',
        b'{"inputs": [{"a": {"b": 1}}]}',
        b'{"dataframe_records": {"a": [1]}}',
        b'{"dataframe_split": {"data": [[1]]}}',
        b'{"dataframe_split": {"columns": ["a"], "data": [[1]], "dtype": "x"}}',
        b'{"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}',
        b'{"dataframe_split": {"columns": [1], "data": [[1]]}}',
        b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}',
        b'{"dataframe_split": {"columns": ["a"], "data": [1]}}',
        b'{"inputs": {"a": [' + b"1," * 1000 + b"1]}}",
        b'{"inputs": [{"a": ' + b"9" * 5000 + b"}]}",
    ],
)
def test_what_is_no_table_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_invocation(body)


def test_csv_is_read_by_the_types_of_the_features() -> None:
    text = (
        ",tenant,amount,items,urgent,supplier\r\n"
        '0,acme,1.5,3,True,"P,01"\r\n'
        "1,007,,3.0,false,7.0\r\n"
        '2,acme,nan,,0,"two\nlines"\r\n'
    )
    assert read_csv(text.encode(), TYPES) == [
        {"tenant": "acme", "amount": 1.5, "items": 3, "urgent": True, "supplier": "P,01"},
        {"tenant": "007", "amount": None, "items": 3, "urgent": False, "supplier": "7.0"},
        {"tenant": "acme", "amount": None, "items": None, "urgent": False, "supplier": "two\nlines"},
    ]
    assert read_csv(b"\xef\xbb\xbfa\n-.5e3\n\n", {"a": "float"}) == [{"a": -500.0}]
    assert read_csv(b"a\n2.5\n", {"a": "int"}) == [{"a": 2.5}]
    assert repr(read_csv(b"a,b\n3.0,3\n", {"a": "int", "b": "float"})) == "[{'a': 3, 'b': 3.0}]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "columns must be named"),
        (b"a,b\n", "no rows"),
        (b"a,a\n1,2\n", "once"),
        (b"a,\n1,2\n", "columns must be named"),
        (b"\n1\n", "1 cells for 0 columns"),
        (b"a,b\n1\n", r"1 cells for 2 columns \(line 2\)|line 2"),
        (b"amount\n1_0\n", "line 2: amount"),
        (b"amount\ninf\n", "not a number"),
        (b"amount\n1e999\n", "not a number"),
        (b"amount\n 1\n", "not a number"),
        (b"urgent\nyes\n", "neither true nor false"),
        (b'a\n"x\n', "not CSV"),
        (b'a\n"x"y\n', "not CSV"),
        (b"a\n\xff\n", "not CSV"),
        (b"a\n" + b"x" * 200_000, "not CSV"),
        (b"a\n" + b"1\n" * 1001, "more than 1000 rows"),
    ],
)
def test_what_is_no_csv_is_refused_with_its_line(text: bytes, told: str) -> None:
    with pytest.raises(BadBody, match=told):
        read_csv(text, TYPES)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def state() -> State:
    return State()


@pytest.fixture(scope="module")
def site(state: State, heard: Heard) -> Iterator[Site]:
    few = Throttles(tenants={"slow": Throttle(rate_per_s=0.001, burst=1)})
    with running(state, {"1": score_of_amount}, on_abuse=heard, throttles=few) as one:
        yield one


@pytest.fixture(autouse=True)
def _forget(state: State, heard: Heard) -> None:
    state.told.events.clear()
    heard.no.clear()
    state.postures = lambda version, tenant, keys: NORMAL


def invoke(site: Site, body: object, kind: str = "application/json") -> tuple[int, Any, dict[str, str]]:
    return site.ask("POST", "/invocations", body, content_type=kind)


def test_a_prediction_is_what_decide_answers_for_that_row(site: Site, state: State) -> None:
    status, told, headers = invoke(site, {"dataframe_records": ROWS})
    assert status == 200
    assert list(told) == ["predictions"]
    alone = [site.ask("POST", "/decide", {"row": row})[1] for row in ROWS]
    own = ("receipt", "request", "at")
    assert [{k: v for k, v in one.items() if k not in own} for one in told["predictions"]] == [
        {k: v for k, v in one.items() if k not in own} for one in alone
    ]
    assert [one["decision"] for one in told["predictions"]] == ["deny", "review", "approve"]
    requests = [unseal(KEY, one["receipt"]).request for one in told["predictions"]]
    assert requests == [one.request for one in state.told.events[:3]]
    assert (headers["x-shipworthy-arm"], headers["x-shipworthy-posture"]) == ("baseline", "candidate/machine")


def test_csv_and_a_charset_are_taken(site: Site) -> None:
    text = b"tenant,supplier,amount\nacme,P01,100\nacme,P02,900\n"
    for kind in ("text/csv", "text/csv; charset=utf-8", 'Text/CSV;charset="UTF-8"'):
        status, told, _ = invoke(site, text, kind)
        assert status == 200
        assert [one["decision"] for one in told["predictions"]] == ["deny", "approve"]


def test_what_waits_for_a_person_is_a_record_and_a_200(site: Site, state: State) -> None:
    state.postures = lambda version, tenant, keys: Posture(decider=Decider.PERSON)
    status, told, _ = site.ask(
        "POST", "/invocations", {"inputs": ROWS}, content_type="application/json", prefer="respond-async"
    )
    assert status == 200
    assert {(one["route"], one["decision"]) for one in told["predictions"]} == {("person", "review")}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json; charset=latin-1", "application/json; version=2"])
def test_another_content_type_is_a_415_in_plain_text(site: Site, heard: Heard, kind: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("POST", "/invocations", b"{}", {"content-type": kind} if kind else {})
    response = connection.getresponse()
    assert (response.status, response.headers["content-type"]) == (415, "text/plain; charset=utf-8")
    assert b"application/json nor text/csv" in response.read()
    connection.close()
    assert eventually(lambda: bool(heard.no))


def test_refusals_are_in_the_words_of_mlflow_and_counted_as_everywhere(site: Site, heard: Heard, state: State) -> None:
    status, told, _ = invoke(site, {"inputs": [{"amount": 1}]})
    assert (status, told["error_code"]) == (400, "BAD_REQUEST")
    assert "no tenant: column 'tenant' is missing" in told["message"]
    assert eventually(lambda: bool(heard.no))
    assert [(one[0], one[1]) for one in heard.no] == [(AbuseKind.MALFORMED, MISSING)]
    slow = {"inputs": [{"tenant": "slow", "amount": 1}]}
    assert invoke(site, slow)[0] == 200
    status, told, headers = invoke(site, slow)
    assert (status, told["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
    assert int(headers["retry-after"]) > 900
    assert eventually(lambda: len(heard.no) == 2)
    assert (heard.no[1][0], heard.no[1][1]) == (AbuseKind.FLOOD, "slow")
    assert invoke(site, {"inputs": [{"tenant": "slow", "amount": 1}] * 2})[1]["error_code"] == "BAD_REQUEST"
    assert invoke(site, b" " * ((1 << 20) + 1))[1]["error_code"] == "BAD_REQUEST"
    assert len(state.told.events) == 1


def test_a_model_that_fails_is_unavailable_and_a_fault_of_ours_an_internal_error(site: Site, state: State) -> None:
    status, told, headers = invoke(site, {"inputs": [{"tenant": "acme"}]})
    assert (status, told["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "no model could answer" in told["message"]
    assert headers["x-shipworthy-version"] == "1"
    state.routes = Routes(baseline="9")
    assert invoke(site, {"inputs": ROWS})[1]["error_code"] == "TEMPORARILY_UNAVAILABLE"
    state.routes = Routes(baseline="1")
    orders: dict[str, Posture] = {}
    state.postures = lambda version, tenant, keys: orders[tenant]
    assert invoke(site, {"inputs": ROWS})[1]["error_code"] == "INTERNAL_ERROR"


def test_ping_and_version_answer_as_the_scoring_server_does() -> None:
    state = State()
    with running(state, {"1": score_of_amount}) as site:

        def get(path: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
            connection.request("GET", path)
            response = connection.getresponse()
            read = response.status, response.read()
            connection.close()
            return read

        assert get("/ping") == get("/health") == (200, b"\n")
        assert get("/version") == (200, __version__.encode())
        state.routes = Routes(baseline="9")
        assert get("/ping") == get("/health") == (404, b"\n")


def mlflow_python() -> str:
    """Return an interpreter that has MLflow: this one, or the one that SHIPWORTHY_TEST_MLFLOW names; "" for none."""
    return sys.executable if importlib.util.find_spec("mlflow") else os.environ.get("SHIPWORTHY_TEST_MLFLOW", "")


@pytest.mark.skipif(not mlflow_python(), reason="no interpreter with MLflow (SHIPWORTHY_TEST_MLFLOW names one)")
def test_mlflows_own_client_needs_no_change(site: Site, state: State) -> None:
    command = [mlflow_python(), "-W", "ignore", str(CLIENT), str(site.port)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["decisions"] == ["deny", "review", "approve", ""]
    assert told["routes"] == ["machine", "person", "machine", "refused"]
    assert told["inputs"] == ["deny", "review", "approve"]
    assert (told["version"], told["ndarray"]) == (__version__, 3)
    assert {"decision", "score", "route", "receipt"} <= set(told["columns"])
    assert len({unseal(KEY, one).request for one in told["receipts"]}) == 4
    assert "error code 400" in told["matrix"]
    assert "rows do not name their columns" in told["matrix"]
    assert "no tenant: column 'tenant' is missing" in told["nobody"]
