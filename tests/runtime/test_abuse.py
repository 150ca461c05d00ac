"""The abuse log of a gateway, without HTTP: what it counts, what it keeps, and what it can never be made to tell."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import MISSING, OTHER, AbuseCount, AbuseKind, Event, Scope
from shipworthy.observe.probing import Probing, Watch
from shipworthy.observe.pseudonyms import HOURS, period_end
from shipworthy.runtime.abuse import MOST_NAMES, AbuseLog
from shipworthy.runtime.abuse_keys import AbuseKeys, opened
from shipworthy.runtime.probed import Salt, hashed
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.memory import MemoryStore

SITE_KEY = bytes(range(32))
HOUR = 499_970  # an hour in which neither a period ends nor the key of the next is made
MINUTE = HOUR * 60
COLUMNS = (("speed", "int"), ("supplier", "category"), ("remark", "text"))
SECRET = "4711-SECRET-VALUE"


class Fixed:
    """A log over a store, kept for 30 days unless told otherwise."""

    def __init__(self, store: Store, minute: int = MINUTE, kept: int = 30 * 24 * 60) -> None:
        self.store = store
        self.commits = GroupCommit(store)
        self.kept = kept
        self.log = AbuseLog(store, self.commits, SITE_KEY, minute, lambda: self.kept)
        self.log.watch("1", COLUMNS, Probing(Watch(8, 0.01, (False, False, False))))

    def roll(self, minute: int = MINUTE + 1) -> None:
        """Close minutes, and wait until all that was submitted is written and known to be."""
        for _ in range(2):
            self.log.roll(minute, lambda one: one - one % 60)
            self.commits.submit(lambda _: None).result(10)

    def counts(self) -> list[AbuseCount]:
        self.roll()
        return self.store.abuse(0, 10**6)


@pytest.fixture
def here() -> Iterator[Fixed]:
    one = Fixed(MemoryStore())
    yield one
    one.commits.close()


def event(**given: Any) -> Event:
    told: dict[str, Any] = {
        "request": "r", "at": "", "minute": MINUTE, "version": "1", "arm": "baseline", "tenant": "acme",
        "segments": ("supplier=S1", "supplier=S1;state=x"), "score": 0.5, "decision": "approve", "route": "machine",
        "ood_p": 0.5, "ood_view": "marginal", "ood_flag": False,
    }  # fmt: skip
    return Event(**(told | given))


def row(**given: Any) -> Mapping[str, Any]:
    return {"speed": 3, "supplier": "S1", "remark": "fine", **given}


def flooded(one: Fixed, n: int = 1, peer: str = "192.0.2.7", tenant: str = "acme", minute: int = MINUTE) -> None:
    for _ in range(n):
        one.log.refused(AbuseKind.FLOOD, tenant, peer, minute, SECRET.encode())


def test_what_is_refused_is_counted_under_a_pseudonym(here: Fixed) -> None:
    flooded(here, 7)
    here.log.refused(AbuseKind.FORGED_RECEIPT, MISSING, "192.0.2.7", MINUTE, b"x", n=3)
    forged, flood = sorted(here.counts(), key=lambda one: one.n)
    assert (flood.hour, flood.tenant, flood.kind, flood.segment, flood.n) == (HOUR, "acme", AbuseKind.FLOOD, "*", 7)
    assert (forged.tenant, forged.kind, forged.n) == (MISSING, AbuseKind.FORGED_RECEIPT, 3)
    assert flood.caller.startswith("p-")
    assert flood.caller != forged.caller  # the same address, under another tenant's key
    assert rate(here) == (10, 10)


def test_an_ordinary_request_is_no_abuse_and_is_counted_in_the_rate_alone(here: Fixed) -> None:
    for _ in range(100):
        here.log.answered(event(), row(), "192.0.2.7")
    assert here.counts() == []
    assert rate(here) == (100, 0)


def rate(one: Fixed, segment: str = "*") -> tuple[int, int | None]:
    one.roll()
    found = one.log.measured(Scope(model="m", segment=segment), MINUTE - MINUTE % 60, MINUTE + 1, 0.95, ())
    return found.n, found.hits


def test_a_never_event_and_a_payload_are_told_with_the_first_segment_and_one_request_is_one_hit(here: Fixed) -> None:
    here.log.answered(event(never=("n",)), row(remark="<script>x()"), "192.0.2.7")
    here.log.answered(event(), row(), "192.0.2.7")
    told = {one.kind: (one.segment, one.n) for one in here.counts()}
    assert told == {AbuseKind.NEVER_ATTEMPT: ("supplier=S1", 1), AbuseKind.PAYLOAD: ("supplier=S1", 1)}
    assert rate(here) == (2, 1)
    assert rate(here, "supplier=S1") == (2, 1)


def test_a_mark_in_a_category_is_a_payload_only_where_the_version_has_not_seen_it(here: Fixed) -> None:
    here.log.answered(event(), row(supplier="{{x}}"), "192.0.2.7")
    assert here.counts() == []
    here.log.answered(event(unseen=("supplier",), segments=()), row(supplier="{{x}}"), "192.0.2.7")
    assert [(one.kind, one.segment) for one in here.counts()] == [(AbuseKind.PAYLOAD, "*")]


def test_one_caller_who_varies_one_feature_is_probing_and_an_alarm_counts_what_it_rests_on(here: Fixed) -> None:
    for speed in range(6):
        here.log.answered(event(), row(speed=speed), "192.0.2.7")
        here.log.answered(event(), row(speed=9), "198.51.100.9")  # another caller's row is none of his
    assert [(one.kind, one.n) for one in here.counts()] == [(AbuseKind.PROBING, 5)]
    assert rate(here) == (12, 1)


def test_repeated_unfamiliar_inputs_of_one_caller_among_others_are_told(here: Fixed) -> None:
    for i in range(20):
        here.log.answered(event(), row(), f"198.51.100.{i % 3}")
    for i in range(5):
        here.log.answered(event(ood_flag=True), row(speed=100 + i, supplier=f"S{i}"), "192.0.2.7")
    assert [(one.kind, one.n) for one in here.counts()] == [(AbuseKind.REPEATED_OOD, 5)]


def test_requests_of_a_version_that_is_not_watched_are_counted_all_the_same(here: Fixed) -> None:
    for speed in range(9):
        here.log.answered(event(version="2"), row(speed=speed), "192.0.2.7")
    assert here.counts() == []
    assert rate(here) == (9, 0)
    here.log.watch("3", COLUMNS, None)
    here.log.answered(event(version="3"), row(remark="\x00"), "192.0.2.7")
    assert [one.kind for one in here.counts()] == [AbuseKind.PAYLOAD]


def test_rows_that_no_json_can_hold_are_told_too(here: Fixed) -> None:
    here.log.answered(event(never=("n",)), row(speed=float("nan"), odd=object()), "")  # from the guard in a process
    assert [one.kind for one in here.counts()] == [AbuseKind.NEVER_ATTEMPT]


def test_equal_numbers_have_equal_hashes_and_other_rows_have_others() -> None:
    salt = Salt.new()

    def of(speed: Any, supplier: Any = "1", salt: Salt = salt) -> list[int]:
        return list(hashed({"speed": speed, "supplier": supplier, "remark": "fine"}, COLUMNS, salt).tolist())

    assert of(1) == of(1.0) == of(True)
    assert of(0.0) == of(-0.0)
    many = [*range(-1000, 1000), 0.5, 1e300, 10**400, None, "1", ""]
    assert len({of(speed)[0] for speed in many}) == len(many) - 1  # an empty cell is a missing one
    assert len({of(1, f"S{i}")[1] for i in range(2000)}) == 2000
    assert of(1, "\udcff")[1] != of(1, "\udcfe")[1]
    assert not set(of(1)) & set(of(1, salt=Salt.new()))


@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::/64", ""])
def test_no_raw_value_and_no_address_is_anywhere_in_the_store(tmp_path: Path, peer: str) -> None:
    store = SqliteStore(tmp_path / "store.db")
    one = Fixed(store)
    for kind in AbuseKind:
        one.log.refused(kind, "acme", peer, MINUTE, SECRET.encode())
    for i in range(12):
        told = row(speed=i, supplier=SECRET, remark=f"<script>{SECRET}")
        one.log.answered(event(never=("n",), ood_flag=True, unseen=("supplier",)), told, peer)
    one.log.refused(AbuseKind.FLOOD, f"\x00{SECRET}", peer, MINUTE, b"")  # in place of a tenant
    one.log.refused(AbuseKind.FLOOD, SECRET * 20, peer, MINUTE, b"")
    one.roll()
    assert {count.kind for count in store.abuse(0, 10**6)} == set(AbuseKind)
    secret = opened(store.abuse_keys(), SITE_KEY)[period_end(HOUR)]
    one.commits.close()
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for planted in (SECRET.encode(), peer.encode() or SECRET.encode(), secret, secret.hex().encode(), SITE_KEY):
        assert planted not in kept


def test_across_a_rotation_nothing_links_a_caller_with_itself() -> None:
    store = MemoryStore()
    one = Fixed(store)
    later = (period_end(HOUR) + 1) * 60
    flooded(one, 5)
    one.roll(later - 24 * 60)  # the key of the next period is made a day ahead
    flooded(one, 5, minute=later)
    one.roll(later + 1)
    first, second = store.abuse(0, 10**6)
    assert (first.tenant, second.tenant) == ("acme", "acme")
    assert first.caller != second.caller
    assert first.evidence != second.evidence
    old, new = (opened(store.abuse_keys(), SITE_KEY)[period_end(hour)] for hour in (HOUR, later // 60))
    assert old != new
    one.commits.close()


def test_the_key_of_a_period_dies_with_its_last_count_and_not_before() -> None:
    store = MemoryStore()
    one = Fixed(store, kept=24 * 60)
    end = period_end(HOUR)
    flooded(one, 5, minute=(end - 1) * 60)
    one.roll((end + 23) * 60)
    assert [count.hour for count in store.abuse(0, 10**6)] == [end - 1]
    assert end in store.abuse_keys()
    one.roll((end + 24) * 60)
    assert store.abuse(0, 10**6) == []
    assert list(store.abuse_keys()) == [end + HOURS]
    one.commits.close()


def test_two_processes_of_one_site_name_a_caller_alike() -> None:
    store = MemoryStore()
    one, two = Fixed(store), Fixed(store)
    for each in (one, two):
        flooded(each, 3)
        each.roll()
    assert [count.n for count in store.abuse(0, 10**6)] == [6]
    one.commits.close()
    two.commits.close()


def test_a_key_that_this_site_did_not_seal_is_refused() -> None:
    store = MemoryStore()
    Fixed(store).commits.close()
    with pytest.raises(CannotDecide):
        AbuseLog(store, GroupCommit(store), bytes(32), MINUTE, lambda: 60)
    with pytest.raises(CannotDecide):  # moved to another period
        opened({end + HOURS: sealed for end, sealed in store.abuse_keys().items()}, SITE_KEY)


def test_without_the_key_of_its_period_nobody_is_named_and_all_is_counted(here: Fixed) -> None:
    flooded(here, 5, minute=MINUTE + 60 * 24 * 365)
    for speed in range(9):  # of many callers, for all that is known: no alarm
        here.log.answered(event(minute=MINUTE + 60 * 24 * 365, never=("n",)), row(speed=speed), "192.0.2.7")
    here.roll(MINUTE + 60 * 24 * 20)
    told = {(one.kind, one.caller, one.n, one.evidence) for one in here.store.abuse(0, 10**6)}
    assert told == {(AbuseKind.FLOOD, OTHER, 5, ""), (AbuseKind.NEVER_ATTEMPT, OTHER, 9, "")}


def test_when_the_key_comes_callers_are_named_again() -> None:
    store = MemoryStore()
    one = Fixed(store)
    later = (period_end(HOUR) + 50) * 60
    flooded(one, 5, minute=later)  # no roll for weeks: the key is not there yet
    one.roll(later)
    flooded(one, 5, minute=later)
    one.roll(later + 1)
    assert [count.caller.startswith("p-") for count in store.abuse(0, 10**6)] == [False, True]
    one.commits.close()


def test_keys_are_made_a_day_ahead_and_forgotten_after_their_period() -> None:
    store = MemoryStore()
    commits = GroupCommit(store)
    end = period_end(HOUR)
    keys = AbuseKeys(store, commits, SITE_KEY, HOUR)
    for hour, ends in ((end - 25, [end]), (end - 24, [end, end + HOURS])):
        keys.keep_up(hour)
        commits.submit(lambda _: None).result(10)
        keys.keep_up(hour)
        assert sorted(store.abuse_keys()) == ends
    assert keys.secret(end - 1) is not None
    assert keys.secret(end) is not None
    keys.keep_up(end + 1)
    assert keys.secret(end - 1) is None
    assert keys.secret(end) is not None
    commits.close()


class Failing(MemoryStore):
    """A store that refuses some calls while it is told to."""

    broken = False

    def add_abuse(self, counts: Any, shard: str) -> None:
        if self.broken:
            raise Unreachable("the disk is full", "store")
        super().add_abuse(counts, shard)

    def expire_abuse(self, before_hour: int) -> int:
        if self.broken:
            raise Unreachable("the disk is full", "store")
        return super().expire_abuse(before_hour)


def test_what_the_store_did_not_take_is_told_and_sent_again() -> None:
    store = Failing()
    one = Fixed(store)
    store.broken = True
    flooded(one, 4)
    one.roll()
    assert "disk is full" in one.log.told()["trouble"]
    assert one.log.told()["unsaved"] == 1
    flooded(one, 3)
    store.broken = False
    one.roll(MINUTE + 600)
    assert [count.n for count in store.abuse(0, 10**6)] == [7]
    one.roll(MINUTE + 601)
    assert (one.log.told()["trouble"], one.log.told()["unsaved"]) == ("", 0)
    one.commits.close()


def test_a_store_that_hangs_does_not_pile_up_writes(here: Fixed) -> None:
    held = threading.Event()
    here.commits.submit(lambda _: held.wait(20))
    for i in range(50):
        flooded(here)
        here.log.roll(MINUTE + i, lambda one: one)
    assert len(here.log._pending) == 3
    held.set()
    assert [one.n for one in here.counts()] == [50]


def test_what_is_saved_stays_in_memory_for_five_minutes_after_its_hour_and_rates_for_31_days(here: Fixed) -> None:
    flooded(here, 5)
    for minute, held in ((MINUTE + 64, 1), (MINUTE + 65, 0)):
        here.roll(minute)
        assert len(here.log._tally) == held
    assert rate(here) == (5, 5)
    here.roll(MINUTE + 31 * 24 * 60)
    assert rate(here) == (5, 5)
    here.roll(MINUTE + 32 * 24 * 60 + 1)
    assert rate(here) == (0, 0)


def test_what_has_expired_goes_within_the_hour(here: Fixed) -> None:
    here.kept = 120
    flooded(here, 5, minute=MINUTE)
    here.roll(MINUTE + 120)
    assert [one.hour for one in here.store.abuse(0, 10**6)] == [HOUR]
    here.roll(MINUTE + 180)
    assert here.store.abuse(0, 10**6) == []


def test_an_expiry_that_failed_is_tried_again() -> None:
    store = Failing()
    one = Fixed(store, kept=60)
    flooded(one, 5)
    one.roll()
    store.broken = True
    one.roll(MINUTE + 240)
    assert "disk is full" in one.log.told()["trouble"]
    store.broken = False
    one.roll(MINUTE + 241)
    assert store.abuse(0, 10**6) == []
    one.commits.close()


def test_a_flood_from_everywhere_takes_bounded_memory(here: Fixed) -> None:
    for i in range(3 * MOST_NAMES):
        flooded(here, peer=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", tenant=f"tenant-{i}")
    assert len(here.log._names) <= MOST_NAMES
    assert sum(one.n for one in here.counts()) == 3 * MOST_NAMES
    assert len(here.store.abuse(0, 10**6)) <= 1001
    assert here.log.told()["spilled"] == 3 * MOST_NAMES - 1000


def test_the_status_tells_kinds_and_nothing_of_one_caller(here: Fixed) -> None:
    flooded(here, 7)
    here.log.refused(AbuseKind.MALFORMED, "acme", "192.0.2.7", MINUTE, b"{")
    told = here.log.told()
    assert told["events"] == {"flood": 7, "malformed": None}
    assert told["probing"] == {"1": {"memory": 8, "null_rate": 0.01}}
    here.log.watch("2", COLUMNS, None)
    assert here.log.told()["probing"]["2"].startswith("off")
    assert "p-" not in str(told)
    assert "acme" not in str(told)
