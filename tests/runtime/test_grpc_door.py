"""The gRPC door with unchanged clients: NVIDIA's tritonclient, and plain grpcio with its messages."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.receipt import unseal
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.errors import UsageError
from shipworthy.facts import MISSING, NORMAL, AbuseKind, Decider, Posture, Source
from shipworthy.runtime.grpc_door import Door, _peer, library, open_door
from tests.deploy.kit import ALL, KEY, Site, State, eventually, running, score_of_amount, upside_down
from tests.deploy.test_abuse import Heard

grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
triton = pytest.importorskip("tritonclient.grpc", reason="tritonclient[grpc] is not installed")
pb = pytest.importorskip("tritonclient.grpc.service_pb2")
ServerError = pytest.importorskip("tritonclient.utils").InferenceServerException
METHOD = "/inference.GRPCInferenceService/ModelInfer"
ROWS = {
    "tenant": np.array([b"acme", b"acme", b"acme"], dtype=object),
    "supplier": np.array([b"P01", b"P01", b"P02"], dtype=object),
    "amount": np.array([100.0, 500.0, 900.0]),
}
KINDS = {"O": "BYTES", "f": "FP64"}


class Behind:
    """A site with a door."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.door: Door = self.run(open_door(site.gateway, "127.0.0.1", 0))
        self.at = f"127.0.0.1:{self.door.port}"

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.site.loop).result(20)

    def infer(self, request: Any) -> tuple[Any, Mapping[str, str]]:
        """Send one message with plain grpcio; return the answer and the trailing metadata."""
        with grpc.insecure_channel(self.at) as channel:
            call = channel.unary_unary(METHOD, lambda one: one.SerializeToString(), pb.ModelInferResponse.FromString)
            answer, told = call.with_call(request, timeout=20)
            return answer, dict(told.trailing_metadata())


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def state() -> State:
    return State()


@pytest.fixture(scope="module")
def behind(state: State, heard: Heard) -> Iterator[Behind]:
    few = Throttles(tenants={"slow": Throttle(rate_per_s=0.001, burst=1)})
    with running(state, {"1": score_of_amount}, on_abuse=heard, throttles=few) as site:
        one = Behind(site)
        yield one
        one.run(one.door.close(0))


@pytest.fixture
def client(behind: Behind, heard: Heard, state: State) -> Iterator[Any]:
    heard.no.clear()
    state.told.callers.clear()
    state.postures = lambda version, tenant, keys: NORMAL
    with triton.InferenceServerClient(behind.at) as one:
        yield one


def inputs(rows: Mapping[str, Any] = ROWS) -> list[Any]:
    tensors = []
    for name, column in rows.items():
        tensors.append(triton.InferInput(name, list(column.shape), KINDS[column.dtype.kind]))
        tensors[-1].set_data_from_numpy(column)
    return tensors


def typed(**more: Any) -> Any:
    """One row, by typed contents."""
    request = pb.ModelInferRequest(model_name="claims", id="t-1", **more)
    request.inputs.add(name="tenant", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"acme")
    request.inputs.add(name="amount", datatype="FP32", shape=[1, 1]).contents.fp32_contents.append(750.0)
    return request


def test_health_and_metadata_are_what_the_client_expects(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("claims")
    assert client.is_model_ready("claims", "1")
    assert not client.is_model_ready("claims", "9")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata().name == "shipworthy"
    told = client.get_model_metadata("claims", as_json=True)
    assert [(one["name"], one["datatype"], one["shape"]) for one in told["inputs"]] == [
        ("amount", "FP64", ["-1"]),
        ("supplier", "BYTES", ["-1"]),
    ]
    assert [one["name"] for one in told["outputs"]] == ["decision", "score"]
    assert (told["versions"], told["platform"]) == (["1"], "shipworthy")


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_rows_are_decided_with_receipts_and_told_of_after_the_answer(
    client: Any, state: State, heard: Heard, encoding: str | None
) -> None:
    state.told.events.clear()
    result = client.infer("claims", inputs(), request_id="r-7", compression_algorithm=encoding)
    assert result.as_numpy("decision").tolist() == [b"deny", b"review", b"approve"]
    assert result.as_numpy("score").tolist() == [0.1, 0.5, 0.9]
    told = result.get_response()
    assert (told.id, told.model_name, told.model_version) == ("r-7", "claims", "1")
    assert told.parameters["shipworthy_route"].string_param == "machine,person,machine"
    receipts = [unseal(KEY, token) for token in told.parameters["receipts"].string_param.split(",")]
    assert [one.request for one in receipts] == [one.request for one in state.told.events]
    assert eventually(lambda: len(state.told.callers) == 3)
    assert {peer for _, _, peer in state.told.callers} == {"127.0.0.1"}


def test_the_same_rows_get_the_same_decisions_over_http(behind: Behind, client: Any) -> None:
    over_http = [
        behind.site.decide(supplier=supplier.decode(), amount=amount)[1]
        for supplier, amount in zip(ROWS["supplier"], ROWS["amount"], strict=True)
    ]
    result = client.infer("claims", inputs())
    assert [one["decision"].encode() for one in over_http] == result.as_numpy("decision").tolist()
    assert [one["score"] for one in over_http] == result.as_numpy("score").tolist()


def test_typed_contents_are_taken_and_given_back_typed(behind: Behind) -> None:
    answer, trailing = behind.infer(typed())
    assert [one.name for one in answer.outputs] == ["decision", "score"]
    assert list(answer.outputs[0].contents.bytes_contents) == [b"approve"]
    assert list(answer.outputs[1].contents.fp64_contents) == [0.75]
    assert not answer.raw_output_contents
    assert trailing["x-shipworthy-arm"] == "baseline"
    assert trailing["x-shipworthy-posture"] == "candidate/machine"
    assert (trailing["x-shipworthy-version"], trailing["x-shipworthy-epoch"]) == ("1", "7")


def test_only_wanted_outputs_come_in_the_order_wanted(client: Any) -> None:
    wanted = [triton.InferRequestedOutput(name) for name in ("score", "decision")]
    told = client.infer("claims", inputs(), outputs=wanted).get_response()
    assert [one.name for one in told.outputs] == ["score", "decision"]
    only = client.infer("claims", inputs(), outputs=wanted[:1])
    assert only.as_numpy("decision") is None
    assert only.as_numpy("score").tolist() == [0.1, 0.5, 0.9]


def test_a_withheld_score_is_not_a_number_and_review_is_a_success(client: Any, state: State) -> None:
    def some(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        killed = Posture(source=Source.NONE, decider=Decider.NOBODY)
        return killed if keys["supplier"] == "P02" else Posture(decider=Decider.PERSON)

    state.postures = some
    result = client.infer("claims", inputs())
    assert result.as_numpy("decision").tolist() == [b"review", b"review", b""]
    assert math.isnan(result.as_numpy("score")[2])
    told = result.get_response().parameters
    assert told["shipworthy_route"].string_param == "person,person,refused"
    assert told["shipworthy_posture"].string_param == "candidate/person,candidate/person,none/nobody"


def test_killed_without_anybody_is_unavailable(client: Any, state: State, heard: Heard) -> None:
    state.postures = lambda version, tenant, keys: Posture(source=Source.NONE, decider=Decider.NOBODY)
    with pytest.raises(ServerError, match="killed: no model is asked and nobody decides") as raised:
        client.infer("claims", inputs())
    assert raised.value.status() == "StatusCode.UNAVAILABLE"
    assert eventually(lambda: len(state.told.callers) == 3)


@pytest.mark.parametrize(
    ("model", "version", "rows", "wanted", "code", "told"),
    [
        ("other", "", ROWS, None, "NOT_FOUND", "no model 'other' here"),
        ("claims", "9", ROWS, None, "NOT_FOUND", "version 9 is not loaded"),
        ("claims", "1", ROWS, None, "INVALID_ARGUMENT", "the gateway chooses the version"),
        ("claims", "", {"amount": ROWS["amount"]}, None, "INVALID_ARGUMENT", "no tenant"),
        ("claims", "", {"amount": np.zeros((2, 2))}, None, "INVALID_ARGUMENT", r"shape \[2, 2\]"),
        ("claims", "", {"amount": np.array([np.inf])}, None, "INVALID_ARGUMENT", "an infinite value"),
        ("claims", "", ROWS, "logits", "INVALID_ARGUMENT", "unknown output 'logits'"),
    ],
)
def test_a_refusal_is_a_status_and_a_line(
    client: Any, model: str, version: str, rows: Mapping[str, Any], wanted: str | None, code: str, told: str
) -> None:
    asked = None if wanted is None else [triton.InferRequestedOutput(wanted)]
    with pytest.raises(ServerError, match=told) as raised:
        client.infer(model, inputs(rows), model_version=version, outputs=asked)
    assert raised.value.status() == f"StatusCode.{code}"


def test_tensors_that_contradict_themselves_are_refused(behind: Behind) -> None:
    both, other, short, half, words = (typed() for _ in range(5))
    both.raw_input_contents.extend([b"\x04\0\0\0acme", b"\0\0\0\0"])
    other.inputs[1].contents.int_contents.append(7)
    short.raw_input_contents.append(b"")
    half.inputs[1].datatype = "FP16"
    words.inputs[0].contents.bytes_contents[0] = b"\xff"
    infinite, two = typed(), typed()
    infinite.inputs[1].contents.fp32_contents[0] = math.inf
    two.inputs[1].contents.fp32_contents.append(1.0)
    foreign = typed()
    foreign.outputs.add(name="score").parameters["classification"].int64_param = 2
    for request, told in (
        (both, "both raw and typed"),
        (other, "another datatype"),
        (short, "1 raw contents for 2 inputs"),
        (half, "FP16 has no typed contents"),
        (words, "not UTF-8"),
        (infinite, "inf is not FP32"),
        (two, "2 values for shape"),
        (foreign, "classification is not done here"),
    ):
        with pytest.raises(grpc.RpcError, match=told) as raised:
            behind.infer(request)
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_missing_number_is_nan_in_typed_contents_too(behind: Behind, state: State) -> None:
    request = typed()
    request.inputs[1].contents.fp32_contents[0] = math.nan
    with pytest.raises(grpc.RpcError, match="no model could answer") as raised:  # this one needs an amount
        behind.infer(request)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert state.told.failures[-1][1] == "score: missing or outside 0 to 1"


def test_the_throttle_says_when_to_come_back_and_floods_are_told(client: Any, behind: Behind, heard: Heard) -> None:
    request = typed()
    request.inputs[0].contents.bytes_contents[0] = b"slow"
    behind.infer(request)
    with pytest.raises(grpc.RpcError, match="too many requests of this tenant") as raised:
        behind.infer(request)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert int(dict(raised.value.trailing_metadata())["retry-after"]) > 900
    assert eventually(lambda: bool(heard.no))
    [(kind, tenant, peer, _, raw, n)] = heard.no
    assert (kind, tenant, peer, n) == (AbuseKind.FLOOD, "slow", "127.0.0.1", 1)
    assert pb.ModelInferRequest.FromString(raw) == request


def test_a_malformed_request_is_abuse_and_a_pinned_version_is_not(client: Any, heard: Heard) -> None:
    for rows, version in ((ROWS, "1"), ({"amount": ROWS["amount"]}, "")):
        with pytest.raises(ServerError):
            client.infer("claims", inputs(rows), model_version=version)
    assert eventually(lambda: bool(heard.no))
    assert [(one[0], one[1]) for one in heard.no] == [(AbuseKind.MALFORMED, MISSING)]


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_message_over_the_limit_is_refused_also_when_it_came_small(client: Any, encoding: str | None) -> None:
    rows = {"tenant": np.array([b"acme"], dtype=object), "note": np.array([b"x" * (8 << 20)], dtype=object)}
    with pytest.raises(ServerError, match="larger than max") as raised:
        client.infer("claims", inputs(rows), compression_algorithm=encoding)
    assert raised.value.status() == "StatusCode.RESOURCE_EXHAUSTED"


def test_a_fault_of_ours_is_internal_and_decides_nothing(client: Any, state: State) -> None:
    def fault(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        raise KeyError("no state")

    state.postures = fault
    with pytest.raises(ServerError, match="nothing was decided") as raised:
        client.infer("claims", inputs())
    assert raised.value.status() == "StatusCode.INTERNAL"


def test_the_candidate_answers_here_too_and_a_lost_baseline_is_not_ready() -> None:
    state = State(routes=ALL)
    with running(state, {"1": score_of_amount, "2": upside_down}) as site:
        behind = Behind(site)
        answer, trailing = behind.infer(typed())
        assert (answer.model_version, trailing["x-shipworthy-arm"]) == ("2", "candidate")
        state.routes = Routes(baseline="9")
        with triton.InferenceServerClient(behind.at) as client:
            assert client.is_server_live()
            assert not client.is_server_ready()
            with pytest.raises(ServerError, match="version 9 is not loaded") as raised:
                client.infer("claims", inputs())
            assert raised.value.status() == "StatusCode.UNAVAILABLE"
            with pytest.raises(ServerError) as raised:
                client.get_model_metadata("claims")
            assert raised.value.status() == "StatusCode.UNAVAILABLE"
        behind.run(behind.door.close(0))
        with pytest.raises(grpc.RpcError):
            behind.infer(typed())


def test_what_is_answered_here_is_shadowed_as_everywhere() -> None:
    state = State(routes=Routes(baseline="1", candidate="2", share_bp=0, tenants=("acme",), salt="s"), shadow=("*",))
    with running(state, {"1": score_of_amount, "2": upside_down}) as site:
        behind = Behind(site)
        behind.infer(typed())
        assert eventually(lambda: len(state.told.shadows) == 1)
        assert (state.told.shadows[0].version, state.told.shadows[0].score) == ("2", 0.25)
        behind.run(behind.door.close(0))


def test_a_taken_port_is_one_clear_line(behind: Behind) -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        behind.run(open_door(behind.site.gateway, "127.0.0.1", behind.door.port))


def test_without_the_extra_the_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "grpc.aio", None)
    with pytest.raises(UsageError, match=r"shipworthy\[grpc\]"):
        library()


@pytest.mark.parametrize(
    ("told", "peer"),
    [
        ("ipv4:192.0.2.7:4711", "192.0.2.7"),
        ("ipv6:%5B2001:db8::1%5D:4711", "2001:db8::/64"),
        ("ipv6:[::1]:4711", "::/64"),
        ("unix:/run/x", ""),
    ],
)
def test_the_caller_is_the_address_of_the_other_side(told: str, peer: str) -> None:
    assert _peer(told) == peer
