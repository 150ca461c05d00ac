"""Unchanged clients of the Open Inference Protocol against the gateway: NVIDIA's tritonclient over HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.receipt import unseal
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import NORMAL, Decider, Posture, Source
from tests.deploy.kit import KEY, Site, State, running, score_of_amount

triton = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
ServerError = pytest.importorskip("tritonclient.utils").InferenceServerException
ROWS = {
    "tenant": np.array(["acme", "acme", "acme"], dtype=object),
    "supplier": np.array([b"P01", b"P01", b"P02"], dtype=object),
    "amount": np.array([100.0, 500.0, 900.0]),
}
FEW = Throttles(Throttle(rate_per_s=0.001, burst=3), {"birch": Throttle(rate_per_s=1000, burst=1000)})


@pytest.fixture(scope="module")
def state() -> State:
    return State()


@pytest.fixture(scope="module")
def site(state: State) -> Iterator[Site]:
    with running(state, {"1": score_of_amount}) as one:
        yield one


@pytest.fixture
def client(site: Site) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{site.port}") as one:
        yield one


def inputs(rows: Mapping[str, Any] = ROWS, binary: bool = True) -> list[Any]:
    kinds = {"O": "BYTES", "f": "FP64", "i": "INT64", "b": "BOOL"}
    tensors = []
    for name, column in rows.items():
        datatype = "FP16" if column.dtype == np.float16 else kinds[column.dtype.kind]
        tensors.append(triton.InferInput(name, list(column.shape), datatype))
        tensors[-1].set_data_from_numpy(column, binary_data=binary)
    return tensors


def outputs(binary: bool) -> list[Any]:
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in ("decision", "score")]


def decisions(result: Any) -> list[str]:
    return [word.decode() if isinstance(word, bytes) else word for word in result.as_numpy("decision")]


def test_health_and_metadata_are_what_the_client_expects(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("claims")
    assert client.is_model_ready("claims", "1")
    assert not client.is_model_ready("claims", "9")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    told = client.get_model_metadata("claims", "1")
    assert [one["datatype"] for one in told["inputs"]] == ["FP64", "BYTES"]
    assert told["versions"] == ["1"]


@pytest.mark.parametrize("raw_in", [True, False])
@pytest.mark.parametrize("wanted", [None, True, False])
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_every_way_to_send_and_to_take_tensors_decides_alike(
    client: Any, state: State, raw_in: bool, wanted: bool | None, encoding: str | None
) -> None:
    state.told.events.clear()
    result = client.infer(
        "claims",
        inputs(binary=raw_in),
        outputs=None if wanted is None else outputs(wanted),
        request_id="r-7",
        request_compression_algorithm=encoding,
    )
    assert decisions(result) == ["deny", "review", "approve"]
    assert result.as_numpy("score").tolist() == [0.1, 0.5, 0.9]
    told = result.get_response()
    assert told["id"] == "r-7"
    assert told["parameters"]["shipworthy_route"] == "machine,person,machine"
    assert told["parameters"]["shipworthy_posture"] == ",".join(["candidate/machine"] * 3)
    receipts = [unseal(KEY, token) for token in told["parameters"]["receipts"].split(",")]
    assert [one.request for one in receipts] == [one.request for one in state.told.events]
    in_json = ["data" in one for one in told["outputs"]]
    assert in_json == [wanted is False] * 2


def test_a_half_precision_column_and_a_missing_value_arrive(client: Any, state: State) -> None:
    rows = {name: column[:2] for name, column in ROWS.items()} | {"amount": np.array([512, np.nan], dtype=np.float16)}
    result = client.infer("claims", inputs(rows))
    assert decisions(result) == ["review", ""]  # this model has no score without an amount
    assert result.as_numpy("score")[0] == 0.512
    assert [one.failed for one in state.told.events[-2:]] == [False, True]


def test_what_is_withheld_is_an_empty_decision_and_no_score(client: Any, state: State) -> None:
    state.postures = lambda version, tenant, keys: Posture(source=Source.NONE, decider=Decider.NOBODY)
    try:
        for binary in (True, False):
            result = client.infer("claims", inputs(), outputs=outputs(binary))
            assert decisions(result) == ["", "", ""]
            assert all(math.isnan(one) for one in result.as_numpy("score"))
            assert result.get_response()["parameters"]["shipworthy_posture"] == ",".join(["none/nobody"] * 3)
    finally:
        state.postures = lambda version, tenant, keys: NORMAL


def test_review_is_a_success_for_a_client_that_knows_only_200(client: Any, state: State) -> None:
    state.postures = lambda version, tenant, keys: Posture(decider=Decider.PERSON)
    try:
        result = client.infer("claims", inputs())
        assert decisions(result) == ["review"] * 3
        with pytest.raises(ServerError):  # 202 only for who asks for it, and this client does not know it
            client.infer("claims", inputs(), headers={"Prefer": "respond-async"})
    finally:
        state.postures = lambda version, tenant, keys: NORMAL


@pytest.mark.parametrize(
    ("model", "version", "rows", "wanted", "told"),
    [
        ("other", "", ROWS, None, "no model 'other' here; there is 'claims'"),
        ("claims", "1", ROWS, None, "the gateway chooses the version"),
        ("claims", "9", ROWS, None, "no version '9' of 'claims' is loaded"),
        ("claims", "", {"amount": ROWS["amount"]}, None, "no tenant: column 'tenant' is missing"),
        ("claims", "", {"amount": np.zeros((2, 2))}, None, r"shape \[2, 2\]"),
        ("claims", "", {"amount": np.array([np.inf])}, None, "an infinite value"),
        ("claims", "", ROWS, "logits", "unknown output 'logits'"),
    ],
)
def test_a_refusal_is_a_line_that_the_client_shows(
    client: Any, model: str, version: str, rows: Mapping[str, Any], wanted: str | None, told: str
) -> None:
    asked = None if wanted is None else [triton.InferRequestedOutput(wanted)]
    with pytest.raises(ServerError, match=told) as raised:
        client.infer(model, inputs(rows), model_version=version, outputs=asked)
    assert raised.value.status() in ("400", "404")


def test_classification_and_shared_memory_are_refused_not_ignored(client: Any, state: State) -> None:
    state.told.events.clear()
    with pytest.raises(ServerError, match="classification is not done here"):
        client.infer("claims", inputs(), outputs=[triton.InferRequestedOutput("score", class_count=2)])
    tensor = triton.InferInput("amount", [3], "FP64")
    tensor.set_shared_memory("region", 24)
    with pytest.raises(ServerError, match="shared_memory_region is not done here"):
        client.infer("claims", [tensor])
    assert state.told.events == []


def test_a_small_body_that_inflates_to_much_is_refused_readably(client: Any, state: State) -> None:
    rows = {"tenant": np.array(["acme"], dtype=object), "note": np.array(["x" * (4 << 20)], dtype=object)}
    with pytest.raises(ServerError, match="over 1048576 bytes") as raised:
        client.infer("claims", inputs(rows), request_compression_algorithm="gzip")
    assert raised.value.status() == "413"
    assert client.is_server_live()


def test_the_throttle_and_a_failed_model_are_told() -> None:
    with (
        running(State(), {"1": score_of_amount}, throttles=FEW) as site,
        triton.InferenceServerClient(f"127.0.0.1:{site.port}") as client,
    ):
        client.infer("claims", inputs())
        with pytest.raises(ServerError, match="too many requests of this tenant") as raised:
            client.infer("claims", inputs())
        assert raised.value.status() == "429"
        site.loop.call_soon_threadsafe(site.servers["1"].close)
        site.loop.call_soon_threadsafe(site.pools["1"].move, 1)
        rows = ROWS | {"tenant": np.array(["birch"] * 3, dtype=object)}
        with pytest.raises(ServerError, match="no model could answer") as raised:
            client.infer("claims", inputs(rows))
        assert raised.value.status() == "503"
