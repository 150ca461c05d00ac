"""What all protocols have in common: paths, versions, the headers of an answer, and answers that come later."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shipworthy.contract.manifest import ScopeLimit
from shipworthy.deploy.http.gateway import ONLY_TENANT
from shipworthy.deploy.http.places import Keys
from shipworthy.deploy.http.wiring import Reviewed
from shipworthy.deploy.limits import compile_limits
from shipworthy.deploy.tensors import packed_numbers, packed_texts
from shipworthy.facts import NORMAL, Decider, Posture, Source
from tests.deploy.kit import ALL, Site, State, running, score_of_amount, upside_down

PERSON = Posture(decider=Decider.PERSON)
V2 = "/v2/models/claims"
ROWS = [{"tenant": "acme", "supplier": "P01", "amount": 100}, {"tenant": "birch", "supplier": "P02", "amount": 900}]
LATER = {"prefer": "wait=5, Respond-Async;x=1"}


def tensors(rows: list[dict[str, Any]] = ROWS) -> dict[str, Any]:
    kinds = {"tenant": "BYTES", "supplier": "BYTES", "amount": "FP64"}
    return {
        "inputs": [
            {"name": name, "datatype": kind, "shape": [len(rows)], "data": [row[name] for row in rows]}
            for name, kind in kinds.items()
        ]
    }


@pytest.fixture
def state() -> State:
    return State(routes=ALL)


@pytest.fixture
def site(state: State) -> Iterator[Site]:
    reviews = {"waiting": Reviewed(status="waiting", decision=None, deadline="2027-01-04T17:30:00.000000Z")}

    async def review(request: str) -> Reviewed | None:
        known = {one.request for one in state.told.reviews}
        return reviews["waiting"] if request in known else None

    with running(state, {"1": score_of_amount, "2": upside_down}, review=review) as one:
        yield one


def asked(site: Site, protocol: str, rows: list[dict[str, Any]], **headers: str) -> tuple[int, Any, dict[str, str]]:
    if protocol == "v2":
        return site.ask("POST", f"{V2}/infer", tensors(rows), **headers)
    if protocol == "mlflow":
        return site.ask("POST", "/invocations", {"inputs": rows}, content_type="application/json", **headers)
    return site.ask("POST", "/decide", {"row": rows[0]}, **headers)


@pytest.mark.parametrize("protocol", ["decide", "v2", "mlflow"])
def test_the_headers_name_arm_version_posture_epoch_and_override(site: Site, state: State, protocol: str) -> None:
    site.gateway.wiring.override = lambda: "ov-1"
    _, _, headers = asked(site, protocol, ROWS[:1])
    told = {name: value for name, value in headers.items() if name.startswith("x-shipworthy-")}
    assert told == {
        "x-shipworthy-arm": "candidate",
        "x-shipworthy-version": "2",
        "x-shipworthy-posture": "candidate/machine",
        "x-shipworthy-epoch": "7",
        "x-shipworthy-override": "ov-1",
    }
    state.postures = lambda version, tenant, keys: Posture(source=Source.BASELINE) if version == "2" else NORMAL
    _, _, headers = asked(site, protocol, ROWS[:1])
    assert (headers["x-shipworthy-arm"], headers["x-shipworthy-posture"]) == ("baseline", "baseline/machine")


@pytest.mark.parametrize("protocol", ["v2", "mlflow"])
def test_the_headers_of_several_rows_name_each_once(site: Site, state: State, protocol: str) -> None:
    state.postures = lambda version, tenant, keys: PERSON if tenant == "birch" else NORMAL
    _, _, headers = asked(site, protocol, [*ROWS, ROWS[0]])
    assert headers["x-shipworthy-arm"] == "baseline,candidate"
    assert headers["x-shipworthy-version"] == "1,2"
    assert headers["x-shipworthy-posture"] == "candidate/machine,candidate/person"


def in_csv(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]).encode()


def in_raw(rows: list[dict[str, Any]]) -> tuple[bytes, int]:
    texts = {name: packed_texts([row[name] or "" for row in rows]) for name in ("tenant", "supplier")}
    parts = {**texts, "amount": packed_numbers([row["amount"] for row in rows])}
    body = tensors(rows)
    for tensor in body["inputs"]:
        del tensor["data"]
        tensor["parameters"] = {"binary_data_size": len(parts[tensor["name"]])}
    head = json.dumps(body).encode()
    return head + b"".join(parts[tensor["name"]] for tensor in body["inputs"]), len(head)


def test_the_same_rows_get_the_same_decisions_in_every_protocol(state: State, site: Site) -> None:
    drawn = random.Random(6)
    rows: list[dict[str, Any]] = [
        {
            "tenant": drawn.choice(["acme", "birch"]),
            "supplier": drawn.choice(["P01", "P02", "P73"]),
            "amount": drawn.choice([None, drawn.randrange(0, 1200), round(drawn.uniform(0, 1000), 3)]),
        }
        for _ in range(60)
    ]
    alone = [site.ask("POST", "/decide", {"row": row}) for row in rows]
    wanted = [(told.get("decision") or "", told.get("score"), told.get("version")) for _, told, _ in alone]
    assert {status for status, _, _ in alone} == {200, 503}
    assert len({one[0] for one in wanted}) == 4
    raw, cut = in_raw(rows)
    tables = [
        site.ask("POST", "/invocations", {"dataframe_records": rows}, content_type="application/json"),
        site.ask("POST", "/invocations", in_csv(rows), content_type="text/csv"),
    ]
    infers = [
        site.ask("POST", f"{V2}/infer", tensors(rows)),
        site.ask("POST", f"{V2}/infer", raw, inference_header_content_length=str(cut)),
    ]
    heard = [
        [(one["decision"] or "", one["score"], one["version"]) for one in told["predictions"]] for _, told, _ in tables
    ]
    for _, told, _ in infers:
        decision, score = (output["data"] for output in told["outputs"])
        heard.append(list(zip(decision, score, told["parameters"]["shipworthy_version"].split(","), strict=True)))
    for one in heard:  # alone, a row that nobody could answer is a 503 and names no version
        assert [(a, b, c if w else None) for (a, b, c), (_, _, w) in zip(one, wanted, strict=True)] == wanted


def test_a_scope_limit_is_part_of_the_posture() -> None:
    limit = ScopeLimit(name="expert_only", segment="supplier=P01", posture="human_review", decision="D")
    with running(State(), {"1": score_of_amount}, limits=compile_limits([limit], "refuse")) as site:
        assert site.decide(amount=900)[2]["x-shipworthy-posture"] == "candidate/person"


def test_without_a_tenant_key_all_rows_are_the_one_tenants() -> None:
    state = State()
    with running(state, {"1": score_of_amount}, keys=Keys()) as site:
        for protocol in ("decide", "v2", "mlflow"):
            assert asked(site, protocol, ROWS[:1])[0] == 200
        assert {event.tenant for event in state.told.events} == {ONLY_TENANT}


def test_metadata_and_readiness_are_told_of_every_loaded_version(site: Site, state: State) -> None:
    for version in ("1", "2"):
        status, told, _ = site.ask("GET", f"{V2}/versions/{version}")
        assert (status, told["versions"]) == (200, ["1", "2"])
        assert site.ask("GET", f"{V2}/versions/{version}/ready")[:2] == (200, {"name": "claims", "ready": True})
    state.closed = frozenset({"2"})
    status, told, _ = site.ask("GET", f"{V2}/versions/2/ready")
    assert (status, told["ready"]) == (503, False)
    assert told["error"]
    assert site.ask("GET", f"{V2}/ready")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/versions/9", 404),
        ("GET", "/versions/9/ready", 404),
        ("POST", "/versions/9/infer", 404),
        ("POST", "/versions/1/infer", 400),
        ("POST", "/versions/2/infer", 400),
        ("GET", "/versions/1/infer", 405),
        ("POST", "/versions/1", 405),
        ("POST", "/versions/1/ready", 405),
        ("GET", "/versions/1/config", 404),
        ("GET", "/versions/", 404),
        ("GET", "/versions", 404),
        ("GET", "/1/ready", 404),
        ("GET", "/infer", 405),
        ("POST", "/ready", 405),
        ("GET", "x", 404),
        ("GET", "/", 404),
    ],
)
def test_no_caller_chooses_the_version_that_answers(
    site: Site, state: State, method: str, path: str, status: int
) -> None:
    got, told, _ = site.ask(method, f"{V2}{path}", tensors() if method == "POST" else None)
    assert got == status
    assert set(told) == {"error"}
    assert state.told.events == []


def test_another_model_is_named_in_the_refusal(site: Site) -> None:
    status, told, _ = site.ask("POST", "/v2/models/other/infer", tensors())
    assert (status, told) == (404, {"error": "no model 'other' here; there is 'claims'"})


def test_live_and_ready_have_the_members_of_the_specification(site: Site) -> None:
    assert site.ask("GET", "/v2/health/live")[1] == {"live": True}
    assert site.ask("GET", "/v2/health/ready")[1] == {"live": True, "ready": True}
    assert site.ask("GET", f"{V2}/ready")[1] == {"name": "claims", "ready": True}
    assert site.ask("GET", "/v2")[1] == site.ask("GET", "/v2/")[1]


def test_outputs_come_in_the_order_wanted_and_raw_where_asked(site: Site) -> None:
    body = tensors() | {
        "outputs": [{"name": "score", "parameters": {"binary_data": True}}, {"name": "decision"}],
        "parameters": {"binary_data_output": False},
    }
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("POST", f"{V2}/infer", json.dumps(body))
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    cut = int(response.headers["inference-header-content-length"])
    assert response.headers["content-type"] == "application/octet-stream"
    told = json.loads(raw[:cut])
    assert [one["name"] for one in told["outputs"]] == ["score", "decision"]
    assert told["outputs"][0]["parameters"] == {"binary_data_size": 16}
    assert "data" not in told["outputs"][0]
    assert told["outputs"][1]["data"] == ["approve", "approve"]
    assert len(raw) == cut + 16
    for wanted in ([{"name": "score"}, {"name": "score"}], [{"name": "logits"}]):
        assert site.ask("POST", f"{V2}/infer", tensors() | {"outputs": wanted})[0] == 400


@pytest.mark.parametrize("protocol", ["decide", "v2"])
def test_who_prefers_so_hears_a_202_and_where_to_look(site: Site, state: State, protocol: str) -> None:
    state.postures = lambda version, tenant, keys: PERSON
    status, told, headers = asked(site, protocol, ROWS[:1], **LATER)
    assert status == 202
    assert headers["preference-applied"] == "respond-async"
    receipt = told["receipt"] if protocol == "decide" else told["parameters"]["receipts"]
    assert headers["location"] == f"/reviews/{receipt}"
    status, told, headers = site.ask("GET", headers["location"])
    assert (status, told["status"], told["decision"]) == (200, "waiting", None)
    assert told["request"] == state.told.reviews[-1].request
    assert (headers["retry-after"], headers["cache-control"]) == ("5", "no-store")


def test_several_rows_are_looked_for_one_by_one(site: Site, state: State) -> None:
    state.postures = lambda version, tenant, keys: PERSON
    status, told, headers = asked(site, "v2", ROWS, **LATER)
    assert status == 202
    look = told["parameters"]["shipworthy_look"].split(",")
    assert look == [f"/reviews/{one}" for one in told["parameters"]["receipts"].split(",")]
    assert "location" not in headers
    assert len({site.ask("GET", one)[1]["request"] for one in look}) == 2


@pytest.mark.parametrize("protocol", ["decide", "v2"])
def test_without_the_wish_or_with_one_machine_answer_it_is_a_200(site: Site, state: State, protocol: str) -> None:
    def only_birch(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        return PERSON if tenant == "birch" else NORMAL

    state.postures = lambda version, tenant, keys: PERSON
    for prefer in ("return=minimal", "respond-asynchronously", ""):
        assert asked(site, protocol, ROWS, prefer=prefer)[0] == 200
    state.postures = only_birch
    status, _, headers = asked(site, protocol, ROWS, **LATER)
    assert status == 200
    assert not {"location", "preference-applied"} & set(headers)


def test_only_the_receipt_of_a_review_is_a_place_to_look(site: Site, state: State) -> None:
    machine = site.decide(amount=100)[1]["receipt"]
    state.postures = lambda version, tenant, keys: PERSON
    person = site.decide(amount=100)[1]["receipt"]
    assert site.ask("GET", f"/reviews/{person}")[0] == 200
    forged = person[:-2] + ("AA" if person[-2:] != "AA" else "BB")
    for receipt in (machine, forged, "", "x" * 5000):
        status, told, _ = site.ask("GET", f"/reviews/{receipt}")
        assert (status, set(told)) == (404, {"error"})
    assert site.ask("POST", f"/reviews/{person}", {})[0] == 405
    state.told.reviews.clear()
    assert site.ask("GET", f"/reviews/{person}")[0] == 404

    async def any_review(request: str) -> Reviewed:
        return Reviewed(status="answered", decision="deny", deadline="2027-01-04T17:30:00.000000Z")

    site.gateway.wiring.review = any_review
    assert site.ask("GET", f"/reviews/{person}")[1]["decision"] == "deny"
    assert site.ask("GET", f"/reviews/{machine}")[0] == 404
