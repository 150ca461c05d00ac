"""Flags of a served site, read by the unchanged OpenFeature providers: OFREP over HTTP, and flagd from its file."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shipworthy.facts import Named
from shipworthy.flows import posture, rollout
from shipworthy.flows.keys import make_api_key
from shipworthy.store.epoch_map import STANDS_S
from tests.cli.calls import verb
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served, wait_until

pytestmark = pytest.mark.slow
ROUTE, ALLOWED = f"shipworthy.{MODEL}.route", f"shipworthy.{MODEL}.candidate_allowed"
PATH = "/ofrep/v1/evaluate/flags"


@pytest.fixture
def served(rolling: Tiny) -> Iterator[Served]:
    with Served(rolling) as one:
        yield one


@pytest.fixture(scope="module")
def still(_rolling: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served site whose state no test changes."""
    with Served(_rolling.copy(tmp_path_factory.mktemp("flags") / "site")) as one:
        yield one


def client_of(provider: Any) -> Any:
    api = pytest.importorskip("openfeature.api")
    api.set_provider_and_wait(provider, domain="shipworthy")
    return api.get_client("shipworthy")


def ofrep(port: int, **headers: str) -> Any:
    module = pytest.importorskip("openfeature.contrib.provider.ofrep")
    return client_of(module.OFREPProvider(f"http://127.0.0.1:{port}", headers_factory=lambda: headers))


@pytest.fixture
def flagd() -> Iterator[Callable[[Path], Any]]:
    module = pytest.importorskip("openfeature.contrib.provider.flagd")
    config = pytest.importorskip("openfeature.contrib.provider.flagd.config")
    api = pytest.importorskip("openfeature.api")

    def read(path: Path) -> Any:
        provider = module.FlagdProvider(
            resolver_type=config.ResolverType.FILE, offline_flag_source_path=str(path), retry_backoff_ms=100
        )
        return client_of(provider)

    yield read
    api.shutdown()


def context(unit: str | None = "u-1", **told: Any) -> Any:
    module = pytest.importorskip("openfeature.evaluation_context")
    return module.EvaluationContext(unit, told)


def raw(port: int, key: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", PATH + key, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_the_ofrep_provider_hears_what_the_gateway_does(still: Served) -> None:
    client = ofrep(still.port)
    whole = context(tenant="acme", supplier="S2")
    found = client.get_boolean_details(ALLOWED, False, whole)
    assert (found.value, found.variant, found.error_code) == (True, "allowed", None)
    assert found.flag_metadata["epoch"] == still.status()["state"]["epoch"]
    assert client.get_string_value(ROUTE, "code default", whole) == "candidate"
    assert still.decide(tenant="acme", supplier="S2")["version"] == "2"
    other = context(tenant="birch", supplier="S2")
    assert client.get_boolean_value(ALLOWED, True, other) is False
    assert client.get_string_value(ROUTE, "code default", other) == "baseline"
    for nothing in (None, context(None)):
        assert client.get_boolean_value(ALLOWED, True, nothing) is False
        assert client.get_string_value(ROUTE, "code default", nothing) == "baseline"
    assert client.get_boolean_details(f"shipworthy.{MODEL}.kill", True, whole).error_code.value == "FLAG_NOT_FOUND"


def test_an_order_takes_the_permission_away_at_once_and_in_its_segment_only(served: Served) -> None:
    client = ofrep(served.port)
    scope = served.tiny.scope("2", segment="supplier=S2")
    posture.tighten(served.tiny.workspace, scope, Named.SAFE_MODE, "S2 looks wrong", "ana")
    assert client.get_boolean_value(ALLOWED, True, context(tenant="acme", supplier="S2")) is False
    assert client.get_boolean_value(ALLOWED, False, context(tenant="acme", supplier="S1")) is True
    assert client.get_boolean_value(ALLOWED, True, context(tenant="acme")) is False  # it may be S2
    posture.tighten(served.tiny.workspace, served.tiny.scope("2"), Named.KILLED, "all of it", "ana")
    assert client.get_string_value(ROUTE, "x", context(tenant="acme", supplier="S1")) == "baseline"
    posture.tighten(served.tiny.workspace, served.tiny.scope(), Named.KILLED, "everything", "ana")
    assert client.get_string_value(ROUTE, "x", context(tenant="acme", supplier="S1")) in ("off", "human_review")


def test_a_state_that_cannot_be_read_permits_nothing(served: Served) -> None:
    (served.tiny.workspace.home / "state.json").write_text("{}")
    (served.tiny.workspace.home / "state.map").unlink()
    time.sleep(2 * STANDS_S)  # whether the file is still there is looked up a hundred times a second
    client = ofrep(served.port)
    assert client.get_boolean_value(ALLOWED, True, context(tenant="acme", supplier="S2")) is False
    assert client.get_string_value(ROUTE, "x", context(tenant="acme", supplier="S2")) == "baseline"
    served.keep_up()
    flags = json.loads((served.tiny.workspace.home / "flagd.json").read_text())["flags"]
    assert "targeting" not in flags[ALLOWED]
    assert flags[ALLOWED]["defaultVariant"] == "denied"


def test_bulk_answers_have_a_tag_and_are_not_sent_twice(served: Served) -> None:
    body = json.dumps({"context": {"targetingKey": "u-1", "tenant": "acme", "supplier": "S2"}}).encode()
    status, headers, sent = raw(served.port, "", body)
    assert status == 200
    flags = {one["key"]: one for one in json.loads(sent)["flags"]}
    assert set(flags) == {ROUTE, ALLOWED}
    assert all({"value", "reason", "variant", "metadata"} <= set(one) for one in flags.values())
    for known in (headers["etag"], f'"x", W/{headers["etag"]}'):
        assert raw(served.port, "", body, if_none_match=known)[::2] == (304, b"")
    rollout.abort(served.tiny.workspace, "ana")
    status, after, _ = raw(served.port, "", body, if_none_match=headers["etag"])
    assert status == 200
    assert after["etag"] != headers["etag"]


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        ("/x", b"{}", 404, "FLAG_NOT_FOUND"),
        (f"/{ROUTE}/x", b"{}", 404, "FLAG_NOT_FOUND"),
        (f"/{ROUTE}", b"{", 400, "PARSE_ERROR"),
        (f"/{ROUTE}", b"[]", 400, "PARSE_ERROR"),
        (f"/{ROUTE}", b'{"context": 3}', 400, "PARSE_ERROR"),
        ("", b'{"context": []}', 400, "PARSE_ERROR"),
    ],
)
def test_errors_have_the_shape_that_clients_read(still: Served, key: str, body: bytes, status: int, code: str) -> None:
    told, _, sent = raw(still.port, key, body)
    answer = json.loads(sent)
    assert (told, answer["errorCode"]) == (status, code)
    assert answer["errorDetails"]
    assert answer.get("key", "") == key.removeprefix("/")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"context": {}}', b'{"context": {"more": {"deep": [1]}}, "x": 1}'])
def test_a_call_without_context_is_answered(still: Served, body: bytes) -> None:
    status, _, sent = raw(still.port, f"/{ALLOWED}", body)
    assert status == 200
    assert json.loads(sent)["value"] is False


def test_the_throttle_never_mutes_a_client(shipped: Tiny) -> None:
    with Served(shipped) as served:
        served.site.gateway.wiring.throttles = type(served.site.gateway.wiring.throttles)(_Limit())
        assert served.post("/decide", {"row": {"tenant": "acme", "supplier": "S2", "speed": 18, "age": 50}})[0] == 200
        assert served.post("/decide", {"row": {"tenant": "acme", "supplier": "S2", "speed": 18, "age": 50}})[0] == 429
        told = [raw(served.port, f"/{ALLOWED}", b'{"context": {"tenant": "acme"}}')[0] for _ in range(20)]
        assert told == [200] * 20


class _Limit:
    rate_per_s, burst = 0.001, 1


def test_a_key_speaks_for_its_tenant_only(served: Served) -> None:
    shown, _ = make_api_key(served.tiny.workspace, "acme", "30d")
    wait_until(lambda: raw(served.port, f"/{ALLOWED}", b"{}")[0] == 401)
    client = ofrep(served.port, Authorization=f"Bearer {shown}")
    assert client.get_boolean_value(ALLOWED, False, context(supplier="S2")) is True  # the key says whose it is
    refused = client.get_boolean_details(ALLOWED, False, context(tenant="birch", supplier="S2"))
    assert (refused.value, refused.error_code.value) == (False, "GENERAL")
    assert ofrep(served.port, **{"X-API-Key": shown}).get_boolean_value(ALLOWED, False, context(supplier="S2")) is True


def test_the_flagd_provider_reads_the_file_and_sees_it_change(served: Served, flagd: Callable[[Path], Any]) -> None:
    client = flagd(served.tiny.workspace.home / "flagd.json")
    whole = context(tenant="acme", supplier="S2")
    assert client.get_boolean_value(ALLOWED, False, whole) is True
    assert client.get_string_value(ROUTE, "x", context(tenant="birch")) == "baseline"
    posture.tighten(served.tiny.workspace, served.tiny.scope("2"), Named.KILLED, "wrong", "ana")
    served.keep_up()
    wait_until(lambda: client.get_boolean_value(ALLOWED, True, whole) is False)
    assert client.get_string_value(ROUTE, "x", whole) == "baseline"


def test_the_file_can_be_written_without_a_site_running(
    rolling: Tiny, flagd: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = tmp_path / "flags.json"
    assert verb(rolling, "status", "--flagd", str(path)).code == 0
    client = flagd(path)
    assert client.get_boolean_value(ALLOWED, False, context(tenant="acme", supplier="S2")) is True
    time.sleep(0.01)
    posture.tighten(rolling.workspace, rolling.scope("2"), Named.KILLED, "wrong", "ana")
    assert verb(rolling, "status", "--flagd", str(path)).code == 0
    assert json.loads(path.read_text())["flags"][ALLOWED]["defaultVariant"] == "denied"
