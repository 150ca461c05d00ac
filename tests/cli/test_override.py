"""`shipworthy override` and `ship --override`, as a shell sees them."""

from __future__ import annotations

import pytest

from tests.cli.calls import Left, verb
from tests.flows.overriding import DAY
from tests.flows.tiny import Tiny

REQUEST = (
    "override", "request", "--as", "ana", "--reason", "the old version cannot read the new forms",
    "--control", "ben reads every denial", "--tenants", "acme, birch", "--share", "10",
)  # fmt: skip


def asked(tiny: Tiny, *more: str) -> Left:
    """Ask for two days."""
    return verb(tiny, *REQUEST, *(more or ("--for", "2d")))


def test_from_the_request_to_the_release(blocked: Tiny) -> None:
    assert verb(blocked, "ship").code == 1
    left = asked(blocked)
    assert left.code == 0
    assert left.out.endswith("OVR-2027-0001 asked for; another person approves it\n")
    assert "acme, birch, at most 10 % of units" in left.out
    assert verb(blocked, "ship", "--override", "OVR-2027-0001").code == 1
    assert verb(blocked, "override", "approve", "OVR-2027-0001", "--as", "ana").code == 1
    assert verb(blocked, "override", "approve", "OVR-2027-0001", "--as", "ben").code == 0
    assert verb(blocked, "ship").code == 1
    released = verb(blocked, "ship", "--override", "OVR-2027-0001")
    assert released.code == 0
    assert "DO NOT DEPLOY: blocked" in released.out
    assert "OVERRIDE  OVR-2027-0001" in released.out
    assert "let through under OVR-2027-0001" in released.err
    assert verb(blocked, "gate").code == 1
    assert verb(blocked, "override", "list").out.startswith("holds ")
    blocked.clock.advance(2 * DAY)
    assert verb(blocked, "override", "list").out.startswith("over ")


def test_as_json(blocked: Tiny) -> None:
    assert verb(blocked, "override", "list", "--json").json() == {"version": 1, "overrides": []}
    assert verb(blocked, "override", "list").out == "no overrides\n"
    told = asked(blocked, "--for", "36h", "--json").json()
    assert told["granted"]["override"]["share_bp"] == 1000
    assert told["digest"].startswith("sha256:")
    approved = verb(blocked, "override", "approve", "OVR-2027-0001", "--as", "dana", "--json").json()
    assert approved["status"] == "holds"
    assert verb(blocked, "gate", "--json").json()["verdict"]["overrides"][0].startswith("OVR-2027-0001")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--for", "15d"), 1),
        (("--for", "rolling"), 2),
        (("--for", "soon"), 2),
        ((), 2),
        (("--for", "1d", "--share", "0"), 2),
        (("--for", "1d", "--tenants", "acme,,birch"), 1),
        (("--for", "1d", "--reason", " "), 1),
        (("--for", "1d", "--as", "eve"), 2),
        (("--for", "1d", "--as", "ben"), 1),
    ],
)
def test_a_request_that_does_not_say_all_is_refused(blocked: Tiny, more: tuple[str, ...], code: int) -> None:
    left = verb(blocked, *REQUEST, *more)
    assert left.code == code
    assert "Traceback" not in left.err
    assert "govern.override_requested" not in blocked.kinds()


def test_nobody_approves_what_nobody_asked_for(shipped: Tiny) -> None:
    left = verb(shipped, "override", "approve", "OVR-2027-0001", "--as", "ben")
    assert left.code == 2
    assert "was asked for here" in left.err
