"""The ledger on real stores: append, checkpoint, verify, replay, and local kills taken up once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Held, RuntimeState
from shipworthy.ledger.checkpoint import open_checkpoint
from shipworthy.ledger.files.log import CHECKPOINT_KEY, Ledger
from shipworthy.ledger.files.reconcile import reconcile_journal
from shipworthy.ledger.merkle import leaf_hash, root
from shipworthy.ledger.note import parse_verifier_key
from shipworthy.store.posture import StateFiles
from shipworthy.store.protocol import Store
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.store.rows import held, state

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEW_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key()
ORIGIN = "acme.example/ledger"


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


def ledger_on(store: Store) -> Ledger:
    return Ledger(store, KEY, ORIGIN, HandClock())


def test_an_entry_reads_back_as_it_was_returned(store: Store) -> None:
    ledger = ledger_on(store)
    entry = ledger.append("dana", "respond.ordered", {"held": held()})
    assert list(ledger.entries()) == [entry]
    assert entry.at == "2027-01-04T09:00:00.000000Z"
    assert entry.read(Held, "held") == held()
    many = ledger.append_many([("machine", "gate.decided", {"n": n, "t": (1, 2)}) for n in range(3)])
    assert list(ledger.entries(1)) == list(many)
    assert ledger.size() == 4


def test_replaying_gives_what_holds(store: Store) -> None:
    ledger = ledger_on(store)
    ledger.append("dana", "respond.ordered", {"held": held()})
    ledger.append("ci", "gate.decided", {"decision": "ship"})
    assert ledger.replay() == state(1, held(), baseline="")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("attic.ordered", {}),
        ("nothing", {}),
        ("respond.ordered", {"held": {}}),
        ("gate.decided", {"value": float("nan")}),
        ("gate.decided", {"value": object()}),
    ],
)
def test_what_a_replay_would_stumble_over_is_refused_and_nothing_is_written(
    store: Store, kind: str, body: dict[str, object]
) -> None:
    ledger = ledger_on(store)
    with pytest.raises(UsageError):
        ledger.append_many([("ci", "gate.decided", {}), ("ci", kind, body)])
    assert store.size() == 0


def test_what_may_be_told_twice_is_written_once(store: Store) -> None:
    ledger = ledger_on(store)
    assert ledger.append_once("key", "ci", "gate.decided", {}) is not None
    assert ledger.append_once("key", "ci", "gate.decided", {}) is None
    with pytest.raises(UsageError):
        ledger.append_once("other", "ci", "attic.ordered", {})
    assert ledger.append_once("other", "ci", "gate.decided", {}) is not None
    assert store.size() == 2


def test_a_checkpoint_pins_all_entries_and_an_untouched_ledger_verifies(store: Store) -> None:
    ledger = ledger_on(store)
    notes = [ledger.checkpoint()]
    for n in range(9):
        ledger.append("ci", "gate.decided", {"n": n})
        notes.append(ledger.checkpoint() if n % 2 else ledger_on(store).checkpoint())
    leaves = [leaf_hash(body) for body in store.entry_bytes()]
    for size, note in enumerate(notes):
        opened = open_checkpoint(note, ORIGIN, [PUBLIC])
        assert (opened.size, opened.root) == (size, root(leaves[:size]))
        report = ledger.verify(note, PUBLIC)
        assert (report.ok, report.size, report.problems) == (True, 9, ())
    assert ledger.verify(None, PUBLIC).ok
    assert parse_verifier_key(ledger.verifier_key)[0] == ORIGIN


def test_entries_of_many_threads_verify(store: Store) -> None:
    ledger = ledger_on(store)

    def work() -> None:
        for n in range(10):
            ledger.append("ci", "gate.decided", {"n": n})
            ledger.checkpoint()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = ledger.verify(ledger.checkpoint(), PUBLIC)
    assert (report.ok, report.size) == (True, 40)


def test_a_checkpoint_of_another_key_or_log_proves_nothing(store: Store) -> None:
    ledger = ledger_on(store)
    ledger.append("ci", "gate.decided", {})
    note = ledger.checkpoint()
    assert ledger.verify(note, NEW_KEY.public_key()).problems == (
        "the given checkpoint: no signature of a known key",
        "the kept checkpoint: no signature of a known key",
    )
    assert not Ledger(store, KEY, "another.example/ledger", HandClock()).verify(note, PUBLIC).ok
    assert not ledger.verify(note.replace("\n1\n", "\n0\n"), PUBLIC).ok
    assert not ledger.verify("", PUBLIC).ok


def test_a_new_key_takes_over_when_the_old_one_is_still_trusted(store: Store) -> None:
    ledger_on(store).append("ci", "gate.decided", {})
    old = ledger_on(store).checkpoint()
    with pytest.raises(CannotDecide):
        Ledger(store, NEW_KEY, ORIGIN, HandClock()).checkpoint()
    rotated = Ledger(store, NEW_KEY, ORIGIN, HandClock(), older_keys=[PUBLIC])
    note = rotated.checkpoint()
    assert rotated.verify(note, NEW_KEY.public_key()).ok
    assert rotated.verify(old, NEW_KEY.public_key(), PUBLIC).ok
    assert not rotated.verify(old, NEW_KEY.public_key()).ok


def test_two_histories_are_never_signed() -> None:
    store, other = MemoryStore(), MemoryStore()
    for n in range(3):
        ledger_on(store).append("ci", "gate.decided", {"n": n})
        ledger_on(other).append("ci", "gate.decided", {"n": n + 1})
    note = ledger_on(store).checkpoint().encode()
    fork = MemoryStore(other.entry_bytes())
    fork.put(CHECKPOINT_KEY, note)
    with pytest.raises(CannotDecide, match="not what was signed"):
        ledger_on(fork).checkpoint()
    cut = MemoryStore(store.entry_bytes(0, 2))
    cut.put(CHECKPOINT_KEY, note)
    with pytest.raises(CannotDecide, match="shorter"):
        ledger_on(cut).checkpoint()


def test_a_process_that_signed_does_not_sign_less_when_the_kept_checkpoint_is_taken_away(store: Store) -> None:
    ledger = ledger_on(store)
    empty = ledger.checkpoint()
    ledger.append("ci", "gate.decided", {})
    ledger.checkpoint()
    store.put(CHECKPOINT_KEY, empty.encode())
    with pytest.raises(CannotDecide):
        ledger.checkpoint()


def test_local_kills_are_taken_up_exactly_once_and_the_state_is_the_fold(store: Store, tmp_path: Path) -> None:
    ledger, files = ledger_on(store), StateFiles(tmp_path / "state", bytes(32))
    files.write(RuntimeState())
    files.journal_kill(held("ORD-B"))
    files.journal_kill(held("ORD-A"))
    before = files.read()
    written = reconcile_journal(ledger, files)
    assert [entry.read(Held, "held").order.id for entry in written] == ["ORD-A", "ORD-B"]
    assert files.read() == ledger.replay() == before
    assert files.unreconciled() == ()
    assert reconcile_journal(ledger, files) == ()
    assert store.size() == 2


@pytest.mark.parametrize("place", ["file.rename.before", "map.before", "journal.before", "journal.after"])
def test_a_reconciliation_cut_off_anywhere_is_finished_by_the_next(store: Store, tmp_path: Path, place: str) -> None:
    class Cut(RuntimeError):
        pass

    def cut(name: str) -> None:
        if name == place:
            raise Cut

    home, ledger = tmp_path / "state", ledger_on(store)
    files = StateFiles(home, bytes(32))
    files.write(RuntimeState())
    files.journal_kill(held())
    ledger.append("ci", "deploy.baselined", {"version": "1.0"})
    with pytest.raises(Cut):
        reconcile_journal(ledger, StateFiles(home, bytes(32), failpoint=cut))
    assert files.read().orders == (held(),)
    assert reconcile_journal(ledger, files) == ()
    assert files.read() == ledger.replay() == state(2, held())
    assert (files.unreconciled(), store.size()) == ((), 2)
