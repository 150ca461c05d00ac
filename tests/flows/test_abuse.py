"""Reading the abuse log: by name, by role, for a reason, and on record or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw
import pytest

from shipworthy.errors import PolicySaysNo, ShipworthyError, Unreachable, UsageError
from shipworthy.facts import AbuseCount, AbuseKind
from shipworthy.flows import abuse
from shipworthy.observe.minutes import minute_of
from shipworthy.observe.pseudonyms import period_end
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.abuse_keys import opened
from shipworthy.store.group import GroupCommit
from tests.flows.tiny import Tiny

HOUR = 60
FLOODER, OTHER_PEER = "192.0.2.7", "198.51.100.9"


def logged(tiny: Tiny, peer: str, n: int, tenant: str = "acme", hours_ago: int = 0) -> None:
    """Let the gateway's log count a flood, and save it."""
    store = tiny.workspace.store()
    commits = GroupCommit(store)
    minute = minute_of(tiny.clock()) - HOUR * hours_ago
    log = AbuseLog(store, commits, tiny.workspace.site_key(), minute, lambda: 10**9)
    if n:
        log.refused(AbuseKind.FLOOD, tenant, peer, minute, b"what was sent", n)
    log.roll(minute + 1, lambda one: one)
    commits.close()
    store.close()


def kept(tiny: Tiny) -> list[AbuseCount]:
    store = tiny.workspace.store()
    try:
        return store.abuse(0, 10**9)
    finally:
        store.close()


def read(tiny: Tiny, person: str = "ana", because: str = "INC-2027-0001", **asked: Any) -> abuse.AbuseRead:
    return abuse.read(tiny.workspace, person, because, **asked)


def test_one_flooding_caller_is_seen_and_the_rare_ones_are_not(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 120)
    for i in range(4):
        logged(shipped, f"203.0.113.{i}", 1)
    told = read(shipped)
    assert [(row.caller[:2], row.n) for row in told.rows] == [("p-", 120), ("*", None)]
    assert (told.since, told.until, told.tenant) == ("2026-12-28T09Z", "2027-01-04T10Z", None)


@pytest.mark.parametrize("person", ["ana", "ben", "dana"])
def test_operators_and_reviewers_may_read(shipped: Tiny, person: str) -> None:
    read(shipped, person)
    entry = shipped.entries()[-1]
    assert (entry.actor, entry.kind) == (person, "observe.abuse_read")


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"person": "chidi"}, PolicySaysNo, "does not have the role"),
        ({"person": "mallory"}, UsageError, "not one of the people"),
        ({"because": ""}, UsageError, "no reason"),
        ({"because": " \n "}, UsageError, "no reason"),
        ({"because": "a\x1bb"}, UsageError, "not plain text"),
        ({"since": "rolling"}, UsageError, "length of time"),
        ({"since": "0d"}, UsageError, "length of time"),
        ({"since": "yesterday"}, UsageError, "length of time"),
    ],
)
def test_a_read_that_may_not_be_leaves_no_entry(
    shipped: Tiny, asked: dict[str, str], error: type[ShipworthyError], says: str
) -> None:
    before = len(shipped.entries())
    with pytest.raises(error, match=says):
        read(shipped, **asked)
    assert len(shipped.entries()) == before


def test_the_entry_says_who_what_range_and_why_and_nothing_that_was_found(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 120)
    read(shipped, "ben", "a caller\n complained", since="1d", tenant="acme", address=FLOODER)
    entry = shipped.entries()[-1]
    assert entry.body == {
        "since": "2027-01-03T09Z",
        "until": "2027-01-04T10Z",
        "tenant": "acme",
        "because": "a caller complained",
        "address": True,
    }
    read(shipped)
    assert (shipped.entries()[-1].body["tenant"], shipped.entries()[-1].body["address"]) == ("*", False)
    assert FLOODER.encode() not in (shipped.workspace.home / "store.db").read_bytes()


def refusing(tiny: Tiny) -> None:
    """Make the ledger refuse every entry, as a full disk would."""
    other = apsw.Connection(str(tiny.workspace.home / "store.db"))
    other.execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    other.close()


def test_with_the_ledger_dead_nothing_is_read(shipped: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from shipworthy.store.sqlite import SqliteStore

    logged(shipped, FLOODER, 120)
    refusing(shipped)
    asked: list[str] = []
    look = SqliteStore.abuse

    def looked(self: SqliteStore, *words: Any) -> list[AbuseCount]:
        asked.append("looked")
        return look(self, *words)

    monkeypatch.setattr(SqliteStore, "abuse", looked)
    with pytest.raises(Unreachable, match="disk is full"):
        read(shipped)
    assert asked == []


def test_a_tenant_and_a_range_are_what_is_shown(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 10, hours_ago=30)
    logged(shipped, FLOODER, 20)
    logged(shipped, FLOODER, 30, tenant="birch")
    asked: list[Callable[[], abuse.AbuseRead]] = [
        lambda: read(shipped),
        lambda: read(shipped, since="29h"),
        lambda: read(shipped, since="30h"),
        lambda: read(shipped, tenant="birch"),
        lambda: read(shipped, tenant="nobody"),
    ]
    assert [[row.n for row in one().rows] for one in asked] == [[30, 20, 10], [30, 20], [30, 20, 10], [30], []]


def test_an_address_finds_its_own_rows_in_every_period_whose_key_still_lives(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 10)
    logged(shipped, FLOODER, 20, tenant="birch")
    logged(shipped, OTHER_PEER, 30)
    shipped.clock.advance(29 * 86400)
    logged(shipped, FLOODER, 40)
    assert [row.n for row in read(shipped, since="60d", address=FLOODER).rows] == [40, 20, 10]
    assert [row.n for row in read(shipped, since="60d", address="::ffff:192.0.2.7").rows] == [40, 20, 10]
    assert read(shipped, since="60d", address="203.0.113.1").rows == ()
    shipped.clock.advance(2 * 86400)
    assert [row.n for row in read(shipped, since="60d", address=FLOODER).rows] == [40]


def test_what_has_expired_is_deleted_before_it_could_be_read(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 10)
    shipped.clock.advance(31 * 86400)
    assert [one.n for one in kept(shipped)] == [10]
    assert read(shipped, since="90d").rows == ()
    assert kept(shipped) == []


def test_when_its_key_is_gone_a_pseudonym_says_nothing_of_anybody(shipped: Tiny) -> None:
    logged(shipped, FLOODER, 10)
    (one,) = kept(shipped)
    end = period_end(one.hour)
    store = shipped.workspace.store()
    assert end in opened(store.abuse_keys(), shipped.workspace.site_key())
    store.close()
    shipped.clock.advance((end - one.hour) * 3600 + 31 * 86400)
    read(shipped)
    logged(shipped, FLOODER, 10)
    store = shipped.workspace.store()
    assert end not in store.abuse_keys()
    store.close()
    assert {found.caller for found in kept(shipped)} & {one.caller} == set()
