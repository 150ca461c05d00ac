"""A gate elsewhere may say that it decided or shipped, of this model, in exactly these words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipworthy.runtime.posted import MAX_BYTES, Decided, Shipped, Unfit, read_posted

D = "sha256:" + "0" * 64
SUBJECT = {
    "model": "m", "version": "2", "artefact": D, "change": D, "policy": D, "pack": D, "data": D, "profile": D,
}  # fmt: skip
DECIDED = {"subject": SUBJECT, "decision": "blocked", "verdict": D}
SHIPPED = {"subject": SUBJECT, "first": True}


def raw(kind: str = "gate.decided", body: Any = DECIDED, **more: Any) -> bytes:
    """Return the bytes of an entry."""
    return json.dumps({"kind": kind, "body": body, **more}).encode()


def test_both_kinds_are_read() -> None:
    kind, body, key = read_posted(raw(), "m")
    assert (kind, type(body)) == ("gate.decided", Decided)
    assert key.startswith("api/sha256:")
    assert isinstance(read_posted(raw("gate.shipped", SHIPPED), "m")[1], Shipped)


def test_the_key_is_of_the_content_whatever_the_spelling() -> None:
    spaced = json.dumps({"body": DECIDED, "kind": "gate.decided"}, indent=4).encode()
    assert read_posted(spaced, "m")[2] == read_posted(raw(), "m")[2]
    other = read_posted(raw(body=DECIDED | {"decision": "ship"}), "m")[2]
    assert other != read_posted(raw(), "m")[2]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{" * 5000,
        b'{"kind": "gate.decided", "kind": "gate.decided", "body": {}}',
        raw("deploy.baselined", {"version": "2"}),
        raw("respond.restored", {}),
        raw("gate.overridden", DECIDED),
        raw("gate.decided", SHIPPED),
        raw("gate.shipped", DECIDED),
        raw(more=1),
        raw(body=DECIDED | {"more": 1}),
        raw(body=DECIDED | {"decision": "perhaps"}),
        raw(body=DECIDED | {"verdict": "sha256:00"}),
        raw(body=DECIDED | {"verdict": 1}),
        raw("gate.shipped", SHIPPED | {"first": "yes"}),
        raw(body=DECIDED | {"subject": SUBJECT | {"model": "other"}}),
        raw(body=DECIDED | {"subject": SUBJECT | {"version": ""}}),
        raw(body=DECIDED | {"subject": SUBJECT | {"version": "v" * 201}}),
        raw(body=DECIDED | {"subject": SUBJECT | {"version": "\ud800"}}),
        raw(body=DECIDED | {"subject": SUBJECT | {"version": "2\n3"}}),
        raw(body=DECIDED | {"subject": SUBJECT | {"version": "../2"}}),
        *(raw(body=DECIDED | {"subject": SUBJECT | {name: "x"}}) for name in list(SUBJECT)[2:]),
        raw() + b" " * MAX_BYTES,
    ],
)  # fmt: skip
def test_everything_else_is_unfit(sent: bytes) -> None:
    with pytest.raises(Unfit):
        read_posted(sent, "m")
