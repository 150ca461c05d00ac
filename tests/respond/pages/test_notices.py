"""Ledger entries that page: what happened once is told for a while, and ends by itself or by the next one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.facts import Entry, Severity, digest
from shipworthy.respond.moments import later, told
from shipworthy.respond.pages.notices import LASTS_S, ended, is_over, notice
from shipworthy.respond.pages.page import Phase
from shipworthy.runtime.paging.outbox import Kept, Outbox
from tests.respond.pages.made import AT, TOLD
from tests.respond.pages.test_owed import ON_CALL


def entry(kind: str, actor: str = "machine", /, **body: Any) -> Entry:
    return Entry(seq=3, at=TOLD, actor=actor, kind=kind, body=body, prev=digest(b""))


@pytest.mark.parametrize(
    ("one", "kind", "severity", "key"),
    [
        (entry("respond.drill_due", drill="kill", every="30d"), "drill.due", Severity.SEV3, "m/*/drill_due:kill"),
        (entry("respond.review_expired", n=3), "review.expired", Severity.SEV3, "m/*/review_queue"),
        (entry("respond.drilled", kind="kill", passed=False), "drill.completed", Severity.SEV2, "m/*/drill:kill"),
        (entry("respond.drilled", drill={"kind": "rollback", "passed": False}), "drill.completed", Severity.SEV2,
         "m/*/drill:rollback"),
        (entry("respond.drilled"), "drill.completed", Severity.SEV2, "m/*/drill:drill"),
        (entry("gate.overridden", "gate", override={"override": {"id": "OVR-2027-0001"}}), "bypass.used",
         Severity.SEV3, "m/*/override:OVR-2027-0001"),
        (entry("deploy.aborted", rollout={"version": "2"}), "rollout.rolled_back", Severity.SEV3, "m/*/rollout:2"),
        (entry("deploy.advanced", rollout={"version": "2"}), "rollout.advanced", Severity.SEV4, "m/*/stage:2"),
    ],
)  # fmt: skip
def test_what_happened_pages(one: Entry, kind: str, severity: Severity, key: str) -> None:
    page = notice(one, "m", ON_CALL)
    assert page is not None
    assert (page.kind, page.severity, page.key, page.phase) == (kind, severity, key, Phase.FIRING)
    assert page.at == TOLD
    assert page.runbook == ON_CALL.runbook
    assert page.confirm
    assert page.command.startswith("shipworthy ")


def test_a_notice_says_how_many_and_why_and_names_no_tenant() -> None:
    late = notice(entry("respond.review_expired", n=3, by_tenant={"acme": 3}), "m")
    failed = notice(entry("respond.drilled", drill={"kind": "kill", "verdict": "failed", "because": "w2 silent"}), "m")
    assert late is not None
    assert failed is not None
    assert "3 reviews" in late.title
    assert "acme" not in str(late)
    assert failed.because == "w2 silent"


@pytest.mark.parametrize(
    "one",
    [
        entry("deploy.aborted", "ana", rollout={"version": "2"}),
        entry("respond.ordered"),
        entry("observe.recalibrated"),
    ],
)
def test_other_entries_page_nobody(one: Entry) -> None:
    assert notice(one, "m") is None


@pytest.mark.parametrize(
    ("body", "passed"),
    [
        ({"kind": "kill", "passed": True}, True),
        ({"drill": {"kind": "kill", "verdict": "passed"}}, True),
        ({"kind": "kill", "passed": True, "verdict": "failed"}, False),
        ({"kind": "kill", "passed": "yes"}, False),
        ({"kind": "kill", "passed": 2}, False),
        ({"kind": "kill"}, False),
    ],
)
def test_a_drill_ends_the_page_of_the_one_that_failed_only_when_it_surely_passed(
    body: dict[str, Any], passed: bool
) -> None:
    page = notice(entry("respond.drilled", **body), "m")
    assert page is not None
    assert page.key == "m/*/drill:kill"
    assert (page.phase is Phase.RESOLVED) == passed


def test_a_notice_ends_after_four_hours() -> None:
    page = notice(entry("respond.review_expired"), "m")
    assert page is not None
    assert not is_over(page, later(AT, LASTS_S - 1))
    assert is_over(page, later(AT, LASTS_S))
    over = ended(page, later(AT, 60))
    assert (over.phase, over.ended) == (Phase.RESOLVED, told(later(AT, 60)))
    assert ended(over, later(AT, 99)) == over
    assert is_over(over, AT)


def rolled(name: str, version: str) -> dict[str, Any]:
    return {"rollout": {"id": name, "version": version}}


@pytest.mark.parametrize(
    ("kind", "first", "second", "pages"),
    [
        ("deploy.aborted", rolled("ROL-1", "2"), rolled("ROL-2", "3"), 2),
        ("deploy.aborted", rolled("ROL-1", "2"), rolled("ROL-2", "2"), 2),
        ("deploy.aborted", {"rollout": {"version": "2"}}, {"rollout": {"version": "3"}}, 2),
        ("gate.overridden", {"override": {"id": "OVR-1"}}, {"override": {"id": "OVR-2"}}, 2),
        ("respond.drill_due", {"drill": "kill"}, {"drill": "rollback"}, 2),
        ("deploy.advanced", rolled("ROL-1", "2"), rolled("ROL-1", "2"), 1),
        ("respond.drilled", {"kind": "kill", "passed": False}, {"kind": "kill", "passed": False}, 1),
    ],
)
def test_a_second_event_of_one_kind_is_told_while_the_first_still_fires(
    kind: str, first: dict[str, Any], second: dict[str, Any], pages: int
) -> None:
    outbox = Outbox(Kept(), {"a": tuple(Severity)})
    heard: list[tuple[str, str]] = []
    for at, body in enumerate((first, second, second)):
        one = replace(entry(kind, **body), seq=3 + min(at, 1), at=told(later(AT, 600 * at)))
        page = notice(one, "m")
        assert page is not None
        outbox.read([one], [page], [])
        outbox.take([], later(AT, 600 * at))
        for each in outbox.owed("a"):
            heard.append((each.key, each.title))
            outbox.taken("a", each)
        outbox.take([], later(AT, 600 * at + 60))
        assert outbox.owed("a") == ()
    assert len(heard) >= 2
    assert len({key for key, _ in heard}) == pages


def test_a_flood_of_reviews_that_nobody_answered_is_one_page() -> None:
    outbox = Outbox(Kept(), {"a": tuple(Severity)})
    heard = 0
    for at in range(20):
        one = replace(entry("respond.review_expired", n=at + 1), seq=at, at=told(later(AT, 60 * at)))
        page = notice(one, "m")
        assert page is not None
        outbox.read([one], [page], [])
        outbox.take([], later(AT, 60 * at))
        for each in outbox.owed("a"):
            heard += 1
            outbox.taken("a", each)
    assert heard == 1
