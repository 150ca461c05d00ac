"""The state files: a newer epoch wins, damage is never green, and a kill works when nothing else does (P5, P7, P8)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Named, RuntimeState, canonical
from shipworthy.store.epoch_map import STANDS_S
from shipworthy.store.posture import StateFiles
from shipworthy.testing.clock import HandClock
from tests.store.child import child_environ
from tests.store.rows import NOON, ONE, held, state

KEY = bytes(range(32))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state"


def files_in(home: Path) -> StateFiles:
    return StateFiles(home, KEY, clock=HandClock())


def test_what_was_written_is_read_by_whoever_opens_the_directory(home: Path) -> None:
    assert files_in(home).write(state(3, held()))
    other = files_in(home)
    assert other.read() == state(3, held())
    assert other.epoch() == 3


def test_a_reader_that_has_the_map_open_sees_the_next_epoch(home: Path) -> None:
    reader, writer = files_in(home), files_in(home)
    writer.write(state(1))
    assert reader.epoch() == 1
    writer.write(state(2))
    assert reader.epoch() == 2
    (home / "state.map").unlink()
    time.sleep(2 * STANDS_S)
    with pytest.raises(CannotDecide):
        reader.epoch()
    writer.rebuild(state(3))
    assert reader.epoch() == 3


@pytest.mark.parametrize("raw", [b"", b"SHIPMAP1", b"\xff" * 64, b"\x00" * 200])
def test_a_map_that_is_damaged_in_place_is_noticed_at_the_next_question(home: Path, raw: bytes) -> None:
    reader = files_in(home)
    reader.write(state(1))
    assert reader.epoch() == 1
    (home / "state.map").write_bytes(raw)
    with pytest.raises(CannotDecide):
        reader.epoch()


def test_nothing_there_is_not_normal(home: Path) -> None:
    files = files_in(home)
    with pytest.raises(CannotDecide, match="missing"):
        files.epoch()
    with pytest.raises(CannotDecide, match="missing"):
        files.read()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 6))
def test_stale_doubled_and_reordered_states_change_nothing(data: st.DataObject, top: int) -> None:
    """P8: the model is max(epoch), whatever comes in whatever order, and however the clock jumps."""
    sent = data.draw(st.lists(st.integers(1, top), min_size=1, max_size=12))
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder:
        files, largest = StateFiles(Path(folder) / "state", KEY, clock=clock), 0
        for epoch in sent:
            clock.advance(data.draw(st.sampled_from([-172_800, 0, 172_800])))
            assert files.write(state(epoch, baseline=f"1.{epoch}")) == (epoch > largest)
            largest = max(largest, epoch)
            assert files.read() == state(largest, baseline=f"1.{largest}")
            assert files.epoch() == largest


def test_the_same_epoch_with_other_content_is_corrupt(home: Path) -> None:
    files = files_in(home)
    files.write(state(2))
    with pytest.raises(CannotDecide, match="other content"):
        files.write(state(2, held()))
    assert files.read() == state(2)


def _damage(body: bytes, kind: str) -> bytes:
    if kind == "cut":
        return body[: len(body) // 2]
    if kind == "empty":
        return b""
    if kind == "space":
        return body + b"\n"
    if kind == "duplicate":
        return body.replace(b'"epoch":2', b'"epoch":2,"epoch":2', 1)
    if kind == "epoch":
        return body.replace(b'"epoch":2', b'"epoch":9', 1)
    if kind == "no mac":
        return canonical({"state": msgspec.json.decode(body)["state"]})
    return b"\xff\xfe" + body


@pytest.mark.parametrize("kind", ["cut", "empty", "space", "duplicate", "epoch", "no mac", "not text"])
def test_a_damaged_twin_is_never_read(home: Path, kind: str) -> None:
    files = files_in(home)
    files.write(state(2, held()))
    twin = home / "state.json"
    twin.write_bytes(_damage(twin.read_bytes(), kind))
    with pytest.raises(CannotDecide):
        files.read()
    with pytest.raises(CannotDecide):
        files.write(state(3))
    files.rebuild(state(2, held()))
    assert files.read() == state(2, held())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_byte_of_map_or_twin_is_noticed_or_harmless(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "state"
        files_in(home).write(state(2, held()))
        path = home / data.draw(st.sampled_from(["state.map", "state.json"]))
        body = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(bytes(body))
        try:
            found = files_in(home).read()
        except CannotDecide:
            return
        assert path.name == "state.map"
        assert at >= 60  # the map's four bytes of padding mean nothing
        assert found == state(2, held())


def test_a_twin_of_another_host_or_key_is_refused(home: Path, tmp_path: Path) -> None:
    files_in(home).write(state(2))
    with pytest.raises(CannotDecide, match="MAC"):
        StateFiles(home, bytes(32)).read()
    with pytest.raises(UsageError):
        StateFiles(home, b"short")


def test_an_older_twin_put_back_is_noticed(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    old = (home / "state.json").read_bytes()
    files.write(state(2, held()))
    (home / "state.json").write_bytes(old)
    with pytest.raises(CannotDecide, match="epoch 2"):
        files.read()


def test_a_twin_with_the_maps_epoch_and_other_content_is_corrupt(home: Path, tmp_path: Path) -> None:
    files_in(home).write(state(2, held()))
    other = StateFiles(tmp_path / "other", KEY)
    other.write(state(2))
    (home / "state.json").write_bytes((tmp_path / "other" / "state.json").read_bytes())
    with pytest.raises(CannotDecide, match="other content"):
        files_in(home).read()


def test_the_directory_is_private_and_links_are_not_followed(home: Path, tmp_path: Path) -> None:
    home.mkdir(mode=0o755)
    files = files_in(home)
    files.write(state(1))
    files.journal_kill(held())
    assert home.stat().st_mode & 0o777 == (home / "journal").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in home.rglob("*") if path.is_file()} == {0o600}
    for name in ("state.json", "state.map", "state.lock"):
        body = (home / name).read_bytes()
        (home / name).unlink()
        (tmp_path / name).write_bytes(body)
        (home / name).symlink_to(tmp_path / name)
        for write in (files_in(home).write, files_in(home).rebuild):
            with pytest.raises(CannotDecide):
                write(state(9))
        assert (tmp_path / name).read_bytes() == body
        (home / name).unlink()
        (home / name).write_bytes(body)
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(CannotDecide, match="link"):
        files_in(tmp_path / "link")


def test_a_pipe_in_place_of_the_twin_does_not_hold_us(home: Path) -> None:
    files_in(home).write(state(1))
    (home / "state.json").unlink()
    os.mkfifo(home / "state.json")
    with pytest.raises(CannotDecide, match="plain file"):
        files_in(home).read()


def test_a_local_kill_holds_at_once_and_waits_for_the_ledger(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    assert files.journal_kill(held())
    assert files.read() == state(2, held())
    assert files.epoch() == 2
    assert files_in(home).unreconciled() == (held(),)
    assert not files.journal_kill(held())
    assert files.read() == state(2, held())


def test_a_local_kill_that_the_ledger_ordered_already_is_no_new_state(home: Path) -> None:
    files = files_in(home)
    files.write(state(4, held()))
    files.journal_kill(held())
    assert files.read() == state(4, held())
    assert files.epoch() == 4


def test_a_local_kill_is_reconciled_exactly_once(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    files.journal_kill(held("ORD-B", at=NOON))
    files.journal_kill(held("ORD-A", at=ONE))
    assert [one.order.id for one in files.unreconciled()] == ["ORD-B", "ORD-A"]
    assert files.reconcile("ORD-B")
    assert not files.reconcile("ORD-B")
    assert [one.order.id for one in files_in(home).unreconciled()] == ["ORD-A"]
    assert not files.journal_kill(held("ORD-B"))
    assert [one.order.id for one in files.unreconciled()] == ["ORD-A"]
    for unknown in ("ORD-C", "../state"):
        with pytest.raises(UsageError):
            files.reconcile(unknown)


def test_a_kill_is_kept_even_when_the_state_is_damaged(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    (home / "state.json").write_bytes(b"{}")
    assert files.journal_kill(held())
    with pytest.raises(CannotDecide):
        files.read()
    assert files.unreconciled() == (held(),)
    files.rebuild(state(1))
    assert files.read().orders == (held(),)


def test_a_newer_state_that_does_not_know_a_local_kill_does_not_undo_it(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    files.journal_kill(held())
    files.write(state(7, held("ORD-X", Named.SAFE_MODE)))
    assert [one.order.id for one in files.read().orders] == ["ORD-2027-0001", "ORD-X"]
    files.reconcile(held().order.id)
    assert files.read() == state(7, held("ORD-X", Named.SAFE_MODE))


def test_a_damaged_journal_is_not_an_empty_one(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    files.journal_kill(held())
    path = home / "journal" / f"{held().order.id}.json"
    body = path.read_bytes()
    path.write_bytes(body.replace(b"killed", b"normal"))
    with pytest.raises(CannotDecide):
        files.unreconciled()
    with pytest.raises(CannotDecide):
        files.read()
    path.write_bytes(body)
    path.rename(path.with_name("ORD-9.json"))
    with pytest.raises(CannotDecide, match="another order"):
        files.unreconciled()


def test_an_id_is_never_two_orders(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    files.journal_kill(held())
    with pytest.raises(CannotDecide, match="another order"):
        files.journal_kill(held(posture=Named.HUMAN_REVIEW))
    assert files.read() == state(2, held())


def test_between_announcing_and_arriving_readers_fail_safe(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    files.announce(2)
    assert files.epoch() == 2
    with pytest.raises(CannotDecide, match="announced"):
        files.read()
    assert not files.write(state(1))
    with pytest.raises(CannotDecide):
        files.announce(2)
    assert files.write(state(2, held()))
    assert files.read() == state(2, held())


def test_a_loosening_cut_off_before_the_map_is_finished_by_the_next_write(home: Path) -> None:
    class Cut(RuntimeError):
        pass

    def cut(name: str) -> None:
        if name == "map.before":
            raise Cut

    files_in(home).write(state(1, held()))
    with pytest.raises(Cut):
        StateFiles(home, KEY, failpoint=cut).write(state(2))
    files = files_in(home)
    assert files.epoch() == 1  # running readers stay tighter
    assert files.read() == state(2)  # the ledger has it: the larger epoch wins
    assert not files.write(state(2))
    assert files.epoch() == 2


def test_rebuilding_never_goes_behind_a_sound_twin(home: Path) -> None:
    files = files_in(home)
    files.write(state(5, held()))
    (home / "state.map").write_bytes(b"damaged")
    with pytest.raises(CannotDecide, match="ledger is at epoch 4"):
        files.rebuild(state(4))
    files.rebuild(state(5, held()))
    assert files.read() == state(5, held())


def test_a_map_cut_short_under_a_reader_does_not_end_it(home: Path) -> None:
    files = files_in(home)
    files.write(state(1))
    assert files.epoch() == 1
    os.truncate(home / "state.map", 0)
    with pytest.raises(CannotDecide, match="wrong size"):
        files.epoch()


def test_only_one_writer_holds_the_directory(home: Path) -> None:
    files = files_in(home)
    with files.locked(), files.locked(), (home / "state.lock").open("rb+") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (home / "state.lock").open("rb+") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_threads_and_processes_take_turns(home: Path) -> None:
    files_in(home).write(RuntimeState())
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.store.rows import held; from tests.store.test_posture import files_in\n"
        "[files_in(Path(sys.argv[1])).journal_kill(held(f'ORD-{sys.argv[2]}-{n}')) for n in range(10)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(home), str(n)], env=child_environ()) for n in range(2)]
    files = files_in(home)
    threads = [threading.Thread(target=lambda n=n: files.journal_kill(held(f"ORD-T-{n}"))) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.wait() for one in running] == [0, 0]
    assert files.read().epoch == files.epoch() == 30
    assert len(files.read().orders) == len(files.unreconciled()) == 30
