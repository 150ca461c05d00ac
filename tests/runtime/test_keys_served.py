"""A served site with keys: who has none is nobody, who has one speaks for its tenant, what is refused is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.flows.keys import api_keys, make_api_key, revoke_api_key
from shipworthy.flows.labels import send_labels
from tests.cli.calls import verb
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served, claim, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as one:
        yield one


def ask(served: Served, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=20)
    try:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def decide(served: Served, key: str | None = None, **row: Any) -> int:
    return ask(served, "POST", "/decide", {"row": claim(**row)}, key)[0]


def closed(served: Served) -> None:
    """Wait until the running gateway has seen the keys."""
    wait_until(lambda: decide(served) == 401, 5)


def test_keys_act_on_a_running_gateway_and_revoking_does_within_a_second(served: Served) -> None:
    assert decide(served) == 200
    acme, kept = make_api_key(served.tiny.workspace, "acme", "30d")
    every, _ = make_api_key(served.tiny.workspace, "*", "30d")
    closed(served)
    assert [decide(served, key) for key in (acme, every, "swk_" + "A" * 43)] == [200, 200, 401]
    assert [decide(served, key, tenant="birch") for key in (acme, every)] == [403, 200]
    assert decide(served, acme, tenant="") == 200  # the key says whose it is
    assert decide(served, every, tenant="") == 400
    revoke_api_key(served.tiny.workspace, kept.id)
    wait_until(lambda: decide(served, acme) == 401, 5)
    assert decide(served, every) == 200
    assert served.tiny.kinds()[-3:] == ["runtime.key_made", "runtime.key_made", "runtime.key_revoked"]
    assert acme not in json.dumps([entry.body for entry in served.tiny.entries()])


def test_a_key_ends_by_the_clock(served: Served) -> None:
    shown, _ = make_api_key(served.tiny.workspace, "acme", "1h")
    closed(served)
    assert decide(served, shown) == 200
    served.tiny.clock.advance(3600)
    assert decide(served, shown) == 401


def test_every_path_but_health_asks_for_a_key(served: Served) -> None:
    acme, _ = make_api_key(served.tiny.workspace, "acme", "30d")
    every, _ = make_api_key(served.tiny.workspace, "*", "30d")
    closed(served)
    for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{MODEL}/ready"):
        assert ask(served, "GET", path)[0] == 200
    for path in ("/v2", f"/v2/models/{MODEL}"):
        assert [ask(served, "GET", path, None, key)[0] for key in (None, acme)] == [401, 200]
    for path in ("/status", "/checkpoint"):
        told = [ask(served, "GET", path, None, key) for key in (None, acme, every)]
        assert [status for status, _ in told] == [401, 403, 200]
        assert all(set(body) == {"error"} for status, body in told if status != 200)
    for path in ("/decide", "/labels", f"/v2/models/{MODEL}/infer", "/ofrep/v1/evaluate/flags", "/nowhere"):
        assert ask(served, "POST", path, {})[0] == 401
    assert ask(served, "GET", "/api/facts", None, every)[0] == 401  # gates have tokens of their own


def test_a_row_of_many_is_not_slipped_in_for_another_tenant(served: Served) -> None:
    acme, _ = make_api_key(served.tiny.workspace, "acme", "30d")
    closed(served)
    columns = {"visit": "BYTES", "tenant": "BYTES", "supplier": "BYTES", "speed": "FP64", "age": "FP64"}
    rows = [claim(visit="a"), claim(visit="b", tenant="birch")]
    inputs = [
        {"name": name, "datatype": kind, "shape": [2], "data": [row[name] for row in rows]}
        for name, kind in columns.items()
    ]
    assert ask(served, "POST", f"/v2/models/{MODEL}/infer", {"inputs": inputs}, acme)[0] == 403


def test_labels_are_taken_from_their_tenant_only(served: Served, tmp_path: Any) -> None:
    every, _ = make_api_key(served.tiny.workspace, "*", "30d")
    birch, _ = make_api_key(served.tiny.workspace, "birch", "30d")
    closed(served)
    receipts = [
        ask(served, "POST", "/decide", {"row": claim(tenant=tenant)}, every)[1]["receipt"]
        for tenant in ("acme", "birch")
    ]
    labels = [{"receipt": receipt, "label": 1} for receipt in receipts]
    status, told = ask(served, "POST", "/labels", labels, birch)
    assert (status, ["error" in one for one in told["results"]]) == (200, [True, False])
    assert ask(served, "POST", "/labels", labels[0], birch)[0] == 403
    path = tmp_path / "labels.csv"
    path.write_text(f"receipt,label\n{receipts[0]},1\n")
    url = f"http://127.0.0.1:{served.port}"
    with pytest.raises(PolicySaysNo, match="key"):
        send_labels(path, url)
    assert send_labels(path, url, every).accepted == 1


def test_what_is_refused_for_want_of_a_key_is_counted_and_nobody_is_named(served: Served) -> None:
    acme, _ = make_api_key(served.tiny.workspace, "acme", "30d")
    closed(served)
    for _ in range(6):
        decide(served, acme, tenant="birch")
        decide(served, "swk_" + "A" * 43)
        decide(served)
    events = served.site.status()["abuse"]["events"]
    assert (events["foreign_tenant"], events["bad_token"]) == (6, 6)
    told = served.site.status()
    assert told["keys"] == {"needed": True, "holding": 1, "every_tenant": 0, "trouble": ""}
    assert acme not in json.dumps(told)


def test_the_verbs_show_a_key_once(shipped: Tiny) -> None:
    left = verb(shipped, "keys", "api", "--tenant", "acme", "--expires", "90d")
    assert left.code == 0
    shown = left.out.strip()
    assert shown.startswith("swk_")
    assert shown not in left.err
    (kept,) = api_keys(shipped.workspace)
    listed = verb(shipped, "keys", "list")
    assert (kept.id in listed.out, shown in listed.out) == (True, False)
    assert verb(shipped, "keys", "list", "--json").json()["keys"][0]["state"] == "holds"
    assert verb(shipped, "keys", "revoke", kept.id).code == 0
    assert "revoked" in verb(shipped, "keys", "list").out
    assert verb(shipped, "keys", "revoke", "zz").code == 2


@pytest.mark.parametrize("args", [("acme", "soon"), ("acme", "401d"), ("", "30d"), ("acme", "0d")])
def test_a_key_that_cannot_be_meant_is_not_made(shipped: Tiny, args: tuple[str, str]) -> None:
    assert verb(shipped, "keys", "api", "--tenant", args[0], "--expires", args[1]).code == 2
    assert api_keys(shipped.workspace) == ()


def test_revoking_works_with_the_ledger_dead(shipped: Tiny) -> None:
    _, kept = make_api_key(shipped.workspace, "acme", "30d")
    (shipped.workspace.home / "store.db").unlink()
    (shipped.workspace.home / "store.db").mkdir()
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever a dead store says, after the key has ended
        revoke_api_key(shipped.workspace, kept.id)
    assert api_keys(shipped.workspace)[0].revoked_at


def test_an_unknown_id_changes_nothing(shipped: Tiny) -> None:
    with pytest.raises(UsageError):
        revoke_api_key(shipped.workspace, "00")
