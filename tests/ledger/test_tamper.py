"""P3: given one earlier checkpoint, no edit, swap, deletion, cut tail, replayed copy or re-chained fork goes unseen."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import Entry, canonical, digest
from shipworthy.ledger.files.log import CHECKPOINT_KEY, Ledger
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.ledger.test_log import KEY, ORIGIN, PUBLIC

SIZE, COVERED = 12, 9


def written() -> tuple[list[bytes], str, str]:
    """Return the entries of a ledger, a checkpoint over the first nine, and one over all."""
    store = MemoryStore()
    ledger = Ledger(store, KEY, ORIGIN, HandClock())
    for n in range(COVERED):
        ledger.append("ci", "gate.decided", {"n": n, "decision": "ship"})
    early = ledger.checkpoint()
    for n in range(COVERED, SIZE):
        ledger.append("ci", "gate.decided", {"n": n, "decision": "ship"})
    return list(store.entry_bytes()), early, ledger.checkpoint()


BODIES, EARLY, LATE = written()


def problems(bodies: list[bytes], checkpoint: str | None, kept: str | None = None) -> tuple[str, ...]:
    store = MemoryStore(bodies)
    if kept is not None:
        store.put(CHECKPOINT_KEY, kept.encode())
    report = Ledger(store, KEY, ORIGIN, HandClock()).verify(checkpoint, PUBLIC)
    assert report.ok == (not report.problems)
    return report.problems


def rechained(bodies: list[bytes], start: int) -> list[bytes]:
    """Return the entries with every seq and prev from `start` on made to fit again: all that needs no key."""
    done = list(bodies[:start])
    for body in bodies[start:]:
        entry = msgspec.json.decode(body, type=Entry)
        prev = digest(done[-1]) if done else digest(b"")
        done.append(canonical(msgspec.structs.replace(entry, seq=len(done), prev=prev)))
    return done


def test_an_untouched_ledger_verifies() -> None:
    for checkpoint in (None, EARLY, LATE):
        assert problems(BODIES, checkpoint, LATE) == ()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_changed_byte_is_seen_and_its_entry_named(data: st.DataObject) -> None:
    seq = data.draw(st.integers(0, SIZE - 1))
    body = bytearray(BODIES[seq])
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    found = problems([*BODIES[:seq], bytes(body), *BODIES[seq + 1 :]], LATE)
    assert found
    assert any(f"entry {seq}" in line or f"0 to {SIZE - 1}" in line for line in found)
    if seq < SIZE - 1:
        assert any(f"entry {seq}" in line for line in found)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_swap_deletion_and_insertion_is_seen_even_without_a_checkpoint(data: st.DataObject) -> None:
    left, right = sorted(data.draw(st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(BODIES)
    swapped[left], swapped[right] = swapped[right], swapped[left]
    assert f"entry {left}: says it is entry {right}" in problems(swapped, None)
    assert any(f"entry {left}:" in line for line in problems([*BODIES[:left], *BODIES[left + 1 :]], None))
    assert any(f"entry {left + 1}:" in line for line in problems([*BODIES[: left + 1], *BODIES[left:]], None))


@pytest.mark.parametrize("size", range(SIZE))
def test_a_cut_tail_is_seen_by_a_checkpoint_over_it(size: int) -> None:
    assert problems(BODIES[:size], LATE) == (
        f"the given checkpoint: covers {SIZE} entries, the ledger ends before entry {size}",
    )
    assert bool(problems(BODIES[:size], EARLY)) == (size < COVERED)
    assert problems(BODIES[:size], None, LATE)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, COVERED - 1), st.integers(0, 3), st.sampled_from(["edit", "delete", "insert"]))
def test_a_fork_with_every_hash_made_anew_is_seen_by_an_earlier_checkpoint(at: int, more: int, kind: str) -> None:
    entry = msgspec.json.decode(BODIES[at], type=Entry)
    forged = canonical(msgspec.structs.replace(entry, body={"n": at, "decision": "blocked"}))
    middle = {"edit": [forged], "delete": [], "insert": [forged, BODIES[at]]}[kind]
    fork = rechained([*BODIES[:at], *middle, *BODIES[at + 1 :], *BODIES[: 1 + more]], at)
    assert problems(fork, None) == ()  # the chain alone is blind to it
    assert problems(fork, EARLY) == (f"the given checkpoint: entries 0 to {COVERED - 1} are not those it signed",)
    assert problems(fork, None, EARLY)


def test_an_older_copy_put_back_is_seen_with_its_own_checkpoint() -> None:
    older = BODIES[:COVERED]
    assert problems(older, None, EARLY) == ()
    assert problems(older, LATE, EARLY)


def test_an_entry_written_another_way_is_not_the_same_entry() -> None:
    spaced = BODIES[-1].replace(b'":', b'": ', 1)
    assert problems([*BODIES[:-1], spaced], None) == (f"entry {SIZE - 1}: its bytes are not canonical",)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'ship', 'skip') AS BLOB) WHERE seq = 4",
            "entry 4",
        ),
        ("DELETE FROM entries WHERE seq = 4", "entry 4"),
        ("DELETE FROM entries WHERE seq > 6", "covers 9 entries"),
        ("UPDATE entries SET seq = seq + 100 WHERE seq > 6", "numbers entries up to"),
        ("UPDATE entries SET body = x''  WHERE seq = 0", "entry 0: unreadable"),
    ],
)
def test_whoever_writes_to_the_database_file_is_seen(tmp_path: Path, statement: str, told: str) -> None:
    store = SqliteStore(tmp_path / "store.db")
    ledger = Ledger(store, KEY, ORIGIN, HandClock())
    ledger.append_many([("ci", "gate.decided", {"n": n, "decision": "ship"}) for n in range(COVERED)])
    note = ledger.checkpoint()
    assert ledger.verify(note, PUBLIC).ok
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("DROP TRIGGER entries_stay; DROP TRIGGER entries_remain")
    other.execute(statement)
    other.close()
    report = ledger.verify(note, PUBLIC)
    assert not report.ok
    assert any(told in line for line in report.problems), report.problems
    store.close()
