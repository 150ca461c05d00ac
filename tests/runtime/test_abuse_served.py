"""A site under abuse, over HTTP: an SLO on it is judged, the status counts it, and what was sent is nowhere on disk."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shipworthy import Guard
from shipworthy.flows import abuse
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import Served, claim

pytestmark = pytest.mark.slow
SECRET = "4711-SECRET-VALUE"
FROM = "203.0.113.77"
SLO = """  - name: abuse_rate_24h
    objective: "Callers use the service as it is meant."
    target: "<= 0.05"
    window: "24h"
    action_on_breach: "route_to_human_review"
never_events:
"""
THROTTLED = """throttles: {default: {rate_per_s: 1000, burst: 1000}, tenants: {flooder: {rate_per_s: 0.001, burst: 1}}}
retention: {abuse_log: 2d}
kill_fallback:"""


@pytest.fixture(scope="module")
def _guarded(_written: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = _written.copy(tmp_path_factory.mktemp("abuse") / "site")
    tiny.edit("safety-slos.yaml", "never_events:\n", SLO)
    tiny.edit("shipworthy.yaml", "kill_fallback:", THROTTLED)
    tiny.prepare()
    tiny.ship()
    return tiny


@pytest.fixture
def served(_guarded: Tiny, tmp_path: Any) -> Iterator[Served]:
    with Served(_guarded.copy(tmp_path / "site")) as one:
        yield one


def send(served: Served, path: str, body: bytes, peer: str = FROM, **headers: str) -> int:
    """Send one request through a proxy that names the caller; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        connection.request("POST", path, body, {"x-forwarded-for": peer, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def ask(served: Served, peer: str = FROM, **row: Any) -> int:
    return send(served, "/decide", json.dumps({"row": claim(**row)}).encode(), peer)


def judged(served: Served) -> dict[str, Any]:
    """Return the judgement of the SLO, once the minute is over."""
    served.keep_up(minutes=1)
    served.keep_up()
    (one,) = [each for each in served.status()["judgements"]["1"] if each["slo"] == "abuse_rate_24h"]
    return dict(one)


def test_honest_traffic_meets_it_and_too_little_traffic_is_no_data(served: Served) -> None:
    for _ in range(60):
        assert ask(served) == 200
    assert judged(served)["outcome"] == "no_data"
    for _ in range(60):
        assert ask(served) == 200
    told = judged(served)
    assert (told["outcome"], "n=120" in told["because"]) == ("met", True)
    assert served.status()["abuse"]["events"] == {}


def test_a_flood_breaches_it_and_people_are_asked(served: Served) -> None:
    """One request in three of 150 is refused; the throttled tenant's requests are the abuse."""
    for i in range(150):
        assert ask(served, tenant="flooder" if i % 3 == 0 else "acme") == (429 if i % 3 == 0 and i else 200)
    told = judged(served)
    assert (told["outcome"], "n=150" in told["because"]) == ("breached", True)
    (order,) = served.orders()
    assert (order["posture"], order["by"]) == ("human_review", "machine")
    assert served.status()["abuse"]["events"] == {"flood": 49}
    (row,) = abuse.read(served.tiny.workspace, "ana", "who floods").rows
    assert (row.kind, row.tenant, row.n) == ("flood", "flooder", 49)
    assert abuse.read(served.tiny.workspace, "ana", "is it they", address=FROM).rows == (row,)


def test_of_all_that_was_sent_and_of_who_sent_it_nothing_is_on_disk(served: Served) -> None:
    told = json.dumps({"row": claim(remark=f"<script>{SECRET}")}).encode()
    receipts = json.dumps([{"receipt": SECRET * 4, "label": 1}] * 6).encode()
    for i in range(8):
        send(served, "/decide", f'{{"row": {{"{SECRET}"'.encode())
        send(served, "/decide", told)
        send(served, "/labels", receipts)
        send(served, "/decide", json.dumps({"row": claim(tenant="flooder", remark=SECRET)}).encode())
        send(served, "/api/facts", b"", authorization=f"Bearer {SECRET}")
        ask(served, supplier=SECRET, visit=f"v-{i}")
        ask(served, age=FAULTY_AGE, speed=15)
    served.keep_up(minutes=1)
    served.keep_up()
    events = served.status()["abuse"]["events"]
    assert events == {"bad_token": 8, "flood": 7, "forged_receipt": 48, "malformed": 8}
    rows = abuse.read(served.tiny.workspace, "ana", "what is in it").rows
    assert {(row.kind.value, row.tenant, row.n) for row in rows} == {
        ("bad_token", "__missing__", 8),
        ("flood", "flooder", 7),
        ("forged_receipt", "__missing__", 48),
        ("malformed", "__missing__", 8),
    }
    log = b"".join(path.read_bytes() for path in served.tiny.workspace.home.rglob("*") if path.is_file())
    assert SECRET.encode() not in log
    assert FROM.encode() not in log


def test_a_restart_keeps_the_counts_and_goes_on_under_the_same_pseudonyms(served: Served) -> None:
    for _ in range(5):
        send(served, "/decide", b"{")
    served.keep_up(minutes=1)
    with Served(served.tiny) as again:
        for _ in range(5):
            send(again, "/decide", b"{")
        assert again.status()["abuse"]["events"] == {"malformed": 5}
    assert [row.n for row in abuse.read(served.tiny.workspace, "ana", "after the restart").rows] == [10]


def test_counts_are_kept_as_long_as_the_contract_says_and_no_longer(served: Served) -> None:
    for _ in range(5):
        send(served, "/decide", b"{")
    store = served.site.store
    for minutes, kept in ((1, 1), (47 * 60, 1), (60, 0)):
        served.keep_up(minutes=minutes)
        served.keep_up()
        served.site.commits.submit(lambda _: None).result(10)
        assert len(store.abuse(0, 10**6)) == kept


def test_a_never_event_and_a_guard_in_a_process_are_counted_too(rolling: Tiny) -> None:
    with Guard(rolling.root, rolling.workspace.home, clock=rolling.clock, observe_only=True) as one:
        for i in range(5):
            one.decide(claim(age=FAULTY_AGE, speed=15 + i % 3, visit=f"v-{i}"))
        told = one.status()["abuse"]
    assert told["events"] == {"never_attempt": 5}
    assert set(told["probing"]) == {"1", "2"}
    (row,) = abuse.read(rolling.workspace, "ben", "what was tried").rows
    assert (row.kind, row.segment, row.n) == ("never_attempt", "supplier=S2", 5)
