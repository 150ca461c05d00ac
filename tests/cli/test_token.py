"""`shipworthy keys token`, and a gate whose environment names a shared ledger, as a shell sees them."""

from __future__ import annotations

import json

import pytest

from shipworthy.runtime.tokens import holder, read_tokens
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, free_port


def test_a_token_is_printed_alone_and_once(shipped: Tiny) -> None:
    left = verb(shipped, "keys", "token", "--scope", "gate", "--expires", "30d")
    assert left.code == 0
    shown = left.out.strip()
    found = holder(shown, read_tokens(shipped.workspace.home), shipped.workspace.now())
    assert found is not None
    assert (found.scope, found.expires) == ("gate", "2027-02-03T09:00:00.000000Z")
    assert "not shown again" in left.err
    assert shown not in left.err
    told = shipped.entries()[-1]
    assert told.kind == "runtime.token_made"
    assert shown not in json.dumps(told.body)
    assert verb(shipped, "keys", "token", "--scope", "read", "--expires", "1h", "--json").json()["scope"] == "read"


@pytest.mark.parametrize(
    "args", [("gate", "rolling"), ("gate", "soon"), ("gate", "401d"), ("gate", "0d"), ("admin", "30d")]
)
def test_a_token_that_cannot_be_meant_is_not_made(shipped: Tiny, args: tuple[str, str]) -> None:
    left = verb(shipped, "keys", "token", "--scope", args[0], "--expires", args[1])
    assert left.code == 2
    assert left.out == ""
    assert read_tokens(shipped.workspace.home) == ()


def test_the_gate_finds_the_ledger_by_its_environment(shipped: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped.release("2", slope=0.51)
    shown = verb(shipped, "keys", "token", "--scope", "gate", "--expires", "1d").out.strip()
    with Served(shipped) as served:
        monkeypatch.setenv("SHIPWORTHY_URL", f"http://127.0.0.1:{served.port}")
        monkeypatch.setenv("SHIPWORTHY_TOKEN", shown)
        left = verb(shipped, "gate")
        assert left.code == 0
        assert "not claimed  shared ledger" not in left.out
        assert shipped.entries()[-1].actor.startswith("gate@")
    monkeypatch.setenv("SHIPWORTHY_URL", f"http://127.0.0.1:{free_port()}")
    gone = verb(shipped, "gate")
    assert gone.code == 0
    assert "warn  127.0.0.1" in gone.out
    assert shown not in gone.out + gone.err


def test_an_address_that_cannot_be_meant_stops_the_gate_and_nothing_else(
    shipped: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWORTHY_URL", "http://ledger.example")
    left = verb(shipped, "gate")
    assert left.code == 2
    assert "in the clear" in left.err
    assert verb(shipped, "kill", "--because", "bad", "--as", "ana").code == 0


def test_the_key_of_the_ledger_is_printed_for_gates_elsewhere(shipped: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped.release("2", slope=0.51)
    key = verb(shipped, "ledger", "key").out.strip()
    assert verb(shipped, "ledger", "key", "--json").json()["key"] == key
    shown = verb(shipped, "keys", "token", "--scope", "gate", "--expires", "1d").out.strip()
    with Served(shipped) as served:
        monkeypatch.setenv("SHIPWORTHY_URL", f"http://127.0.0.1:{served.port}")
        monkeypatch.setenv("SHIPWORTHY_TOKEN", shown)
        monkeypatch.setenv("SHIPWORTHY_LEDGER_KEY", key)
        assert "not claimed  shared ledger" not in verb(shipped, "gate").out
        monkeypatch.setenv("SHIPWORTHY_LEDGER_KEY", key[:-4] + "AAA=")
        left = verb(shipped, "gate")
        assert left.code == 2
        assert "SHIPWORTHY_LEDGER_KEY" in left.err
