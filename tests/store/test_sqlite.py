"""What only the SQLite store can promise: it lasts, it is private, it waits for others, and it says what is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.schema import STEPS, migrate
from shipworthy.store.sqlite import SqliteStore
from tests.store.child import child_environ
from tests.store.rows import building, incident, item, labels, window

WRITER = """
import sys
from pathlib import Path
from shipworthy.store.sqlite import SqliteStore
from tests.store.rows import building
store = SqliteStore(Path(sys.argv[1]))
for n in range(15):
    store.append_entries(building({"n": n}))
"""


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state" / "store.db")
    store.append_entries(building({"n": 1}))
    store.put("key", b"value")
    store.next_id("ORD", 2027)
    store.add_windows([window()], "s", 0)
    store.add_label("r", labels())
    store.enqueue(item())
    store.put_incident(incident())
    store.close()
    store = SqliteStore(tmp_path / "state" / "store.db")
    assert (store.size(), store.get("key"), store.next_id("ORD", 2027)) == (1, b"value", "ORD-2027-0002")
    assert not store.add_windows([window()], "s", 0)
    assert not store.add_label("r", labels())
    assert (len(store.items()), len(store.incidents()), store.integrity()) == (1, 1, ())
    store.close()


def test_the_files_are_private_and_a_link_is_not_followed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "state" / "store.db")
    store.put("key", b"value")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "state").iterdir()} == {0}
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    store.close()
    (tmp_path / "link.db").symlink_to(tmp_path / "state" / "store.db")
    with pytest.raises(Unreachable):
        SqliteStore(tmp_path / "link.db")


def test_every_commit_is_synced_to_disk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    writer = store._db._writer
    assert writer.pragma("synchronous") == 2
    assert writer.pragma("journal_mode") == "wal"
    store.close()


def test_several_processes_make_one_chain(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "store.db")]
    running = [subprocess.Popen(command, env=child_environ()) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    store = SqliteStore(tmp_path / "store.db")
    assert [entry.seq for entry in store.entries()] == list(range(45))
    store.close()


def test_a_store_that_another_process_holds_is_unreachable_not_silent(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", busy_s=0.01)
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="did not answer"):
        store.put("key", b"value")
    other.execute("ROLLBACK")
    store.put("key", b"value")
    other.close()
    store.close()


def test_a_block_holds_the_write_lock_from_its_start(tmp_path: Path) -> None:
    """Else two processes could both read the last entry and only then find that one of them must give up."""
    store, other = SqliteStore(tmp_path / "store.db"), SqliteStore(tmp_path / "store.db", busy_s=0.01)
    with store.transaction(), pytest.raises(Unreachable):
        other.put("key", b"value")
    other.put("key", b"value")
    store.close()
    other.close()


def test_readers_do_not_see_what_is_not_committed(tmp_path: Path) -> None:
    store, other = SqliteStore(tmp_path / "store.db"), SqliteStore(tmp_path / "store.db")
    with store.transaction():
        store.put("key", b"value")
        assert store.get("key") == b"value"
        assert other.get("key") is None
    assert other.get("key") == b"value"
    store.close()
    other.close()


def test_entries_can_be_neither_changed_nor_deleted_through_sql(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.append_entries(building({"n": 1}))
    other = apsw.Connection(str(tmp_path / "store.db"))
    for statement in ("UPDATE entries SET body = x'00'", "DELETE FROM entries"):
        with pytest.raises(apsw.ConstraintError):
            other.execute(statement)
    other.close()
    store.close()


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(CannotDecide, match="damaged"):
        SqliteStore(tmp_path / "store.db")


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "store.db").close()
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("INSERT INTO schema_steps VALUES (99)")
    other.close()
    with pytest.raises(CannotDecide, match="newer Shipworthy"):
        SqliteStore(tmp_path / "store.db")


def test_a_step_that_fails_leaves_the_store_at_the_step_before(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.put("key", b"value")
    other = apsw.Connection(str(tmp_path / "store.db"))
    broken = (*STEPS, ("CREATE TABLE half (a TEXT)", "CREATE TABLE kv (a TEXT)"))
    with pytest.raises(apsw.SQLError):
        migrate(other, "here", broken)
    assert other.execute("SELECT max(step) FROM schema_steps").get == len(STEPS)
    assert other.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
    migrate(other, "here", (*STEPS, ("CREATE TABLE whole (a TEXT)",)))
    assert other.execute("SELECT max(step) FROM schema_steps").get == len(STEPS) + 1
    other.close()
    assert store.get("key") == b"value"
    store.close()


def test_an_unreadable_entry_is_named(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.append_entries(building({"n": 1}, {"n": 2}))
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("DROP TRIGGER entries_stay")
    other.execute("UPDATE entries SET body = x'7b' WHERE seq = 1")
    other.close()
    with pytest.raises(CannotDecide, match="entry 1 is unreadable"):
        list(store.entries())
    store.close()
