"""The door of drills: who is let in as the synthetic tenant, for how long, and what its marks may do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.drills import (
    CANDIDATE_500,
    CANDIDATE_HANG,
    HEADER,
    MARK,
    NEVER_EVENT,
    DrillCaller,
    Mark,
    check_tenant,
    decided_as_marked,
    drill_of,
    drill_token,
    fail_as_marked,
    mark_of,
    with_drills,
)
from shipworthy.deploy.http.keys import Caller, KeyRefusal
from shipworthy.deploy.http.upstream import Scored, UpstreamFailed
from shipworthy.deploy.routing import BASELINE, CANDIDATE, Routes, arm
from shipworthy.facts import DRILL_TENANT, AbuseKind

KEY = bytes(range(32))
ID = "DRL-2027-0001"


def scope(*headers: tuple[bytes, bytes]) -> Any:
    return {"type": "http", "path": "/decide", "method": "POST", "headers": list(headers)}


def test_a_token_holds_until_its_end_and_under_its_key_only() -> None:
    token = drill_token(KEY, ID, 100).encode()
    assert drill_of(KEY, token, 99.9) == ID
    assert drill_of(KEY, token, 100) is None
    assert drill_of(bytes(32), token, 0) is None


@given(st.binary(max_size=60))
def test_what_is_no_token_is_nobody(shown: bytes) -> None:
    assert drill_of(KEY, shown, 0) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_altered_token_is_a_token(at: int, by: int) -> None:
    token = bytearray(drill_token(KEY, ID, 1 << 40).encode())
    token[at % len(token)] ^= by
    assert drill_of(KEY, bytes(token), 0) is None


def test_a_drill_is_a_caller_for_its_tenant_and_others_are_asked_as_ever() -> None:
    other = Caller("acme", "acme")
    callers = with_drills(lambda _: other, KEY, lambda: 50.0)
    assert callers(scope()) == other
    caller = callers(scope((HEADER, drill_token(KEY, ID, 60).encode())))
    assert caller is not None
    assert (caller.id, caller.tenant, caller.may(DRILL_TENANT), caller.may("acme")) == (
        f"drill/{ID}", DRILL_TENANT, True, False,
    )  # fmt: skip
    for shown in (drill_token(KEY, ID, 50), drill_token(bytes(32), ID, 60), "", ID):
        with pytest.raises(KeyRefusal) as refused:
            callers(scope((HEADER, shown.encode())))
        assert (refused.value.status, refused.value.abuse) == (401, AbuseKind.BAD_TOKEN)


@pytest.mark.parametrize(
    "caller",
    [None, Caller("k", "*"), Caller("k", "acme"), Caller("drill/x", DRILL_TENANT)],
    ids=["nobody", "for all", "acme", "a key in its name"],
)
def test_nobody_else_is_the_synthetic_tenant(caller: Caller | None) -> None:
    assert check_tenant("acme", caller) == "acme"
    with pytest.raises(KeyRefusal) as refused:
        check_tenant(DRILL_TENANT, caller)
    assert (refused.value.status, refused.value.abuse) == (403, AbuseKind.FOREIGN_TENANT)
    assert check_tenant(DRILL_TENANT, DrillCaller("drill/x", DRILL_TENANT)) == DRILL_TENANT


def test_a_mark_is_read_in_rows_of_the_synthetic_tenant_only() -> None:
    mark = Mark(NEVER_EVENT, ID, 12, "deny/all")
    row = {MARK: mark.text()}
    assert mark_of(DRILL_TENANT, row) == mark
    assert mark_of("acme", row) is None
    for odd in ("", "a/b", "a/b/c/d", 5, None):
        assert mark_of(DRILL_TENANT, {MARK: odd}) is None
    scored = Scored(0.25)
    assert decided_as_marked(DRILL_TENANT, row, scored) == Scored(0.25, "deny/all")
    assert decided_as_marked("acme", row, scored) is scored
    assert decided_as_marked(DRILL_TENANT, row, None) is None
    assert decided_as_marked(DRILL_TENANT, {MARK: Mark("unseen", ID, 12).text()}, scored) is scored


def test_a_candidate_fails_for_marked_rows_alone_and_no_later_than_it_may() -> None:
    async def failed(tenant: str, fault: str) -> str:
        loop = asyncio.get_running_loop()
        try:
            await fail_as_marked(tenant, {MARK: Mark(fault, ID, 12).text()}, loop.time() + 0.01)
        except UpstreamFailed as problem:
            return str(problem).partition(":")[0]
        return ""

    async def each() -> list[str]:
        asked = [(DRILL_TENANT, CANDIDATE_500), (DRILL_TENANT, CANDIDATE_HANG), (DRILL_TENANT, "unseen")]
        return [await failed(*one) for one in [*asked, ("acme", CANDIDATE_500), ("acme", CANDIDATE_HANG)]]

    assert asyncio.run(each()) == ["500", "timeout", "", "", ""]


def test_a_drill_meets_the_candidate_whoever_the_stage_is_for() -> None:
    routes = Routes(baseline="1", candidate="2", share_bp=1, tenants=("acme",))
    assert arm(routes, DRILL_TENANT, "u") == CANDIDATE
    assert arm(Routes(baseline="1", candidate="2", share_bp=0, tenants=("*",)), DRILL_TENANT, "u") == BASELINE
    assert arm(Routes(baseline="1"), DRILL_TENANT, "u") == BASELINE
