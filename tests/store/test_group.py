"""Group commit: many writes, one transaction, and nobody is told before it is on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from shipworthy.errors import Unreachable
from shipworthy.facts import Entry
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import Recorder
from shipworthy.testing.memory import MemoryStore
from tests.store.rows import building


def putting(n: int) -> Callable[[Store], None]:
    return lambda store: store.put(f"key-{n}", b"1")


def appending(body: dict[str, object]) -> Callable[[Store], Entry]:
    return lambda store: store.append_entries(building(body))[0]


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


def test_writes_of_many_threads_are_all_there_once_their_futures_are_done(store: Store) -> None:
    group = GroupCommit(store)
    told: list[Entry] = []

    def work(name: int) -> None:
        for n in range(20):
            entry = group.submit(appending({"thread": name, "n": n})).result(30)
            assert next(store.entries(entry.seq)) == entry
            told.append(entry)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    group.close()
    assert sorted(entry.seq for entry in told) == list(range(160))
    assert list(store.entries()) == sorted(told, key=lambda entry: entry.seq)


def test_writes_that_come_together_share_a_commit(tmp_path: Path) -> None:
    recorder = Recorder()
    store = SqliteStore(tmp_path / "store.db", failpoint=recorder)
    group = GroupCommit(store, wait_s=5.0, most=32)
    futures = [group.submit(putting(n)) for n in range(64)]
    for future in futures:
        future.result(30)
    group.close()
    assert recorder.passed["commit.after"] == 2
    assert len(store.keys()) == 64
    store.close()


def test_a_write_that_fails_fails_alone(store: Store) -> None:
    group = GroupCommit(store, wait_s=5.0, most=3)

    def half(store: Store) -> None:
        store.put("half", b"1")
        raise ZeroDivisionError

    before = group.submit(lambda store: store.put("before", b"1"))
    failing = group.submit(half)
    after = group.submit(lambda store: store.next_id("ORD", 2027))
    assert before.result(30) is None
    assert after.result(30) == "ORD-2027-0001"
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    group.close()
    assert store.keys() == ("before",)


def test_when_the_commit_fails_everyone_hears_of_it(tmp_path: Path) -> None:
    class Cut(RuntimeError):
        pass

    def cut(name: str) -> None:
        if name == "commit.before":
            raise Cut

    store = SqliteStore(tmp_path / "store.db", failpoint=cut)
    group = GroupCommit(store, wait_s=5.0, most=2)
    futures = [group.submit(putting(n)) for n in range(2)]
    for future in futures:
        with pytest.raises(Cut):
            future.result(30)
    group.close()
    assert store.keys() == ()
    store.close()


def test_closing_commits_what_was_submitted_and_takes_no_more(store: Store) -> None:
    group = GroupCommit(store, wait_s=5.0)
    futures: list[Future[None]] = [group.submit(putting(n)) for n in range(100)]
    group.close()
    group.close()
    assert all(future.done() for future in futures)
    assert len(store.keys()) == 100
    with pytest.raises(Unreachable):
        group.submit(lambda store: None)


def test_a_write_that_was_cancelled_does_not_happen(store: Store) -> None:
    group = GroupCommit(store)
    started, go = threading.Event(), threading.Event()

    def slow(store: Store) -> None:
        started.set()
        go.wait(30)

    first = group.submit(slow)
    started.wait(30)
    second = group.submit(lambda store: store.put("key", b"1"))
    assert second.cancel()
    go.set()
    first.result(30)
    group.close()
    assert store.keys() == ()
