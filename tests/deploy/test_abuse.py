"""What the gateway tells of abuse: what was refused as what, whose it was, and what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.http.peer import caller_of, peer_of
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import MISSING, AbuseKind
from tests.deploy.kit import NOW, Site, State, eventually, running, score_of_amount

MINUTE = int(NOW // 60)


@dataclass
class Heard:
    """A sink that keeps everything refused."""

    no: list[tuple[AbuseKind, str, str, int, bytes, int]] = field(default_factory=list)

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        self.no.append((kind, tenant, peer, minute, raw, n))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def site(heard: Heard) -> Iterator[Site]:
    throttles = Throttles(Throttle(rate_per_s=0.001, burst=3))
    with running(State(), {"1": score_of_amount}, on_abuse=heard, throttles=throttles) as one:
        yield one


@pytest.mark.parametrize(
    ("path", "body", "tenant"),
    [
        ("/decide", b"{", MISSING),
        ("/decide", b'{"row": {"tenant": "acme", "a": 1, "a": 2}}', MISSING),
        ("/decide", b'{"row": {"amount": "x"}, "more": 1}', MISSING),
        ("/decide", b'{"row": {"amount": 1}}', MISSING),
        ("/labels", b"[", MISSING),
        ("/v2/models/claims/infer", b"{}", MISSING),
    ],
)
def test_a_body_that_is_refused_is_malformed(site: Site, heard: Heard, path: str, body: bytes, tenant: str) -> None:
    assert site.ask("POST", path, body)[0] == 400
    assert eventually(lambda: bool(heard.no))
    assert heard.no == [(AbuseKind.MALFORMED, tenant, "127.0.0.1", MINUTE, body, 1)]
    assert site.state.told.callers == []


UNREAD = [(b" " * ((1 << 20) + 1), {}, 413), (b"x", {"content_encoding": "gzip"}, 415)]


@pytest.mark.parametrize(("body", "headers", "status"), UNREAD)
def test_a_body_that_is_not_read_is_malformed_too(
    site: Site, heard: Heard, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert site.ask("POST", "/decide", body, **headers)[0] == status
    assert eventually(lambda: bool(heard.no))
    assert [(one[0], one[4]) for one in heard.no] == [(AbuseKind.MALFORMED, b"")]


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("GET", "/decide"), ("GET", "/v2/health/live")])
def test_a_wrong_path_and_a_look_at_health_are_no_abuse(site: Site, heard: Heard, method: str, path: str) -> None:
    site.ask(method, path)
    site.ask("POST", "/decide", b"{")  # what comes after is heard after
    assert eventually(lambda: bool(heard.no))
    assert len(heard.no) == 1


def test_what_the_throttle_refuses_is_a_flood_of_that_tenant(site: Site, heard: Heard) -> None:
    assert [site.decide(amount=100)[0] for _ in range(5)] == [200] * 3 + [429] * 2
    assert eventually(lambda: len(heard.no) == 2)
    assert {one[:4] for one in heard.no} == {(AbuseKind.FLOOD, "acme", "127.0.0.1", MINUTE)}
    assert json.loads(heard.no[0][4])["row"]["tenant"] == "acme"
    assert len(site.state.told.callers) == 3


def test_more_rows_at_once_than_a_tenant_may_ever_send_are_malformed(site: Site, heard: Heard) -> None:
    rows = {"tenant": ["acme"] * 4, "supplier": ["P01"] * 4}
    inputs = [{"name": name, "shape": [4], "datatype": "BYTES", "data": data} for name, data in rows.items()]
    inputs.append({"name": "amount", "shape": [4], "datatype": "FP64", "data": [1.0] * 4})
    assert site.ask("POST", "/v2/models/claims/infer", {"inputs": inputs})[0] == 400
    assert eventually(lambda: bool(heard.no))
    assert heard.no[0][:2] == (AbuseKind.MALFORMED, "acme")


def test_every_answered_row_is_told_with_its_event_and_its_caller(site: Site, heard: Heard) -> None:
    rows = {"tenant": ["acme", "birch"], "supplier": ["P01", "P99"]}
    inputs = [{"name": name, "shape": [2], "datatype": "BYTES", "data": data} for name, data in rows.items()]
    inputs.append({"name": "amount", "shape": [2], "datatype": "FP64", "data": [100.0, 900.0]})
    assert site.ask("POST", "/v2/models/claims/infer", {"inputs": inputs})[0] == 200
    assert eventually(lambda: len(site.state.told.callers) == 2)
    told = [(event.tenant, event.unseen, row["amount"], peer) for event, row, peer in site.state.told.callers]
    assert told == [("acme", (), 100.0, "127.0.0.1"), ("birch", ("supplier",), 900.0, "127.0.0.1")]
    assert heard.no == []


def test_forged_receipts_are_counted_and_good_ones_are_not(site: Site, heard: Heard) -> None:
    receipt = site.decide(amount=100)[1]["receipt"]
    labels = [{"receipt": one, "label": 1} for one in (receipt, "A" * 80, "", receipt)]
    status, told, _ = site.ask("POST", "/labels", labels)
    assert status == 200
    assert ["error" in one for one in told["results"]] == [False, True, True, False]
    assert eventually(lambda: bool(heard.no))
    assert [(one[0], one[1], one[5]) for one in heard.no] == [(AbuseKind.FORGED_RECEIPT, MISSING, 2)]
    assert site.ask("POST", "/labels", {"receipt": "x", "label": 0})[0] == 400
    assert eventually(lambda: len(heard.no) == 2)
    assert heard.no[1][5] == 1


def test_behind_a_proxy_on_this_machine_the_caller_is_whom_it_names(site: Site, heard: Heard) -> None:
    row = {"row": {"tenant": "acme", "supplier": "P01", "amount": 1}}
    for named in ("192.0.2.7", "198.51.100.1, 192.0.2.8"):
        site.ask("POST", "/decide", row, x_forwarded_for=named)
    assert eventually(lambda: len(site.state.told.callers) == 2)
    assert [peer for _, _, peer in site.state.told.callers] == ["192.0.2.7", "192.0.2.8"]


@pytest.mark.parametrize(
    ("host", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a name", "?"),
        ("9" * 500, "?"),
        ("", "?"),
    ],
)
def test_one_caller_has_one_name(host: str, caller: str) -> None:
    assert caller_of(host) == caller
    assert peer_of({"client": (host, 1234)}) == caller


@pytest.mark.parametrize("scope", [{}, {"client": None}])
def test_a_server_that_does_not_know_the_caller_says_nothing(scope: dict[str, Any]) -> None:
    assert peer_of(scope) == ""
