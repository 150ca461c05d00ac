"""Who answers by which epoch: every process is named, and none is assumed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.replicas import FOLDER, KEPT, ReplicaSlot, acknowledged
from tests.store.child import child_environ

NOW = datetime(2027, 3, 1, tzinfo=UTC)
CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from shipworthy.store.replicas import ReplicaSlot
slot = ReplicaSlot(Path(sys.argv[1]), sys.argv[2])
for line in sys.stdin:
    if line.strip() == "end":
        slot.end()
        break
    slot.saw(int(line), datetime(2027, 3, 1, tzinfo=UTC))
    print("seen", flush=True)
"""


@contextmanager
def another(home: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """A replica in a process of its own: a line is an epoch, or `end`."""
    command = [sys.executable, "-c", CHILD, str(home), name]
    with subprocess.Popen(
        command, env=child_environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def tell(child: subprocess.Popen[str], epoch: int) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{epoch}\n")
    child.stdin.flush()
    assert child.stdout.readline() == "seen\n"


def test_no_gateway_is_no_replica(tmp_path: Path) -> None:
    assert acknowledged(tmp_path, 1, time.monotonic_ns()) == ()


def test_the_first_answer_by_an_epoch_is_what_counts(tmp_path: Path) -> None:
    slot = ReplicaSlot(tmp_path, "worker-0")
    slot.saw(3, NOW)
    since = time.monotonic_ns()
    (before,) = acknowledged(tmp_path, 4, since)
    assert (before.state, before.epoch, before.seen_at, before.took_ms) == ("behind", 3, None, None)
    slot.saw(4, NOW)
    slot.saw(4, NOW.replace(hour=1))  # the same again is no first answer
    slot.saw(6, NOW.replace(hour=2))
    (after,) = acknowledged(tmp_path, 4, since)
    assert (after.name, after.pid, after.alive, after.state) == ("worker-0", os.getpid(), True, "answers")
    assert (after.epoch, after.seen_at) == (6, "2027-03-01T00:00:00.000000Z")
    assert after.took_ms is not None
    assert 0 <= after.took_ms <= (time.monotonic_ns() - since) / 1e6
    (skipped,) = acknowledged(tmp_path, 5, since)  # it never answered by 5, and never will by less
    assert (skipped.state, skipped.seen_at) == ("answers", "2027-03-01T02:00:00.000000Z")
    assert skipped.took_ms is not None
    assert after.took_ms < skipped.took_ms
    for _ in range(KEPT):
        slot.saw(6, NOW.replace(hour=3))
    assert acknowledged(tmp_path, 4, since)[0].seen_at == after.seen_at  # nothing older is pushed out by the same
    slot.end()
    assert acknowledged(tmp_path, 4, since) == ()


@given(epochs=st.lists(st.integers(0, 200), min_size=1, max_size=80, unique=True), asked=st.integers(1, 210))
@settings(max_examples=60)
def test_it_answers_by_an_epoch_when_it_took_up_that_or_a_newer_one(
    epochs: list[int], asked: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("replicas")
    slot, since = ReplicaSlot(home, "gateway"), time.monotonic_ns()
    taken = sorted(epochs)
    for epoch in taken:
        slot.saw(epoch, datetime.fromtimestamp(epoch, UTC))
    (found,) = acknowledged(home, asked, since)
    slot.end()
    later = [epoch for epoch in taken if epoch >= asked]
    assert found.epoch == taken[-1]
    assert found.state == ("answers" if later else "behind")
    kept = taken[-KEPT:]
    if later and (len(taken) < KEPT or kept[0] < asked):
        assert found.seen_at == datetime.fromtimestamp(later[0], UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert found.took_ms is not None
    else:  # never, or so long ago that it is not kept: no moment is made up
        assert found.seen_at is None
        assert found.took_ms is None


def test_a_process_that_began_after_the_order_is_not_timed(tmp_path: Path) -> None:
    since = time.monotonic_ns()
    slot = ReplicaSlot(tmp_path, "worker-0")
    slot.saw(9, NOW)
    (found,) = acknowledged(tmp_path, 9, since)
    slot.end()
    assert (found.state, found.took_ms) == ("answers", None)
    assert found.seen_at is not None


def test_each_process_is_named_stopped_behind_or_gone(tmp_path: Path) -> None:
    with another(tmp_path, "worker-0") as first, another(tmp_path, "worker-1") as second:
        tell(first, 1)
        tell(second, 1)
        since = time.monotonic_ns()
        tell(first, 2)
        second.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, second.pid, os.WSTOPPED | os.WNOWAIT)
        found = {one.name: one for one in acknowledged(tmp_path, 2, since, within_s=0.05)}
        assert {name: one.state for name, one in found.items()} == {"worker-0": "answers", "worker-1": "stopped"}
        assert found["worker-1"].silent
        assert found["worker-1"].alive
        second.send_signal(signal.SIGCONT)
        second.kill()
        second.wait()
        found = {one.name: one for one in acknowledged(tmp_path, 2, since)}
        assert (found["worker-1"].state, found["worker-1"].alive) == ("ended", False)
        assert not found["worker-1"].silent  # it answers nobody
        third = ReplicaSlot(tmp_path, "worker-1")  # who begins takes away what a killed one left
        assert [one.pid for one in acknowledged(tmp_path, 2, since)] == [first.pid, os.getpid()]
        third.end()
        assert first.stdin is not None
        first.stdin.write("end\n")
        first.stdin.flush()
        first.wait()
    assert acknowledged(tmp_path, 2, since) == ()


def test_it_waits_until_nobody_is_silent_and_no_longer(tmp_path: Path) -> None:
    slot, since = ReplicaSlot(tmp_path, "gateway"), time.monotonic_ns()
    slot.saw(1, NOW)
    looks: list[float] = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            slot.saw(2, NOW)

    (found,) = acknowledged(tmp_path, 2, since, within_s=60.0, pause=pause)
    assert found.state == "answers"
    assert len(looks) == 3
    slot.end()


@pytest.mark.parametrize("body", [b"", b"x", b"SHIPREP1", bytes(4096), os.urandom(4096)])
def test_a_file_that_no_replica_wrote_is_named_and_never_answers(tmp_path: Path, body: bytes) -> None:
    slot, since = ReplicaSlot(tmp_path, "gateway"), time.monotonic_ns()
    slot.saw(1, NOW)
    slot.path.write_bytes(body)  # cut or scribbled over while its process lives
    (found,) = acknowledged(tmp_path, 1, since)
    assert (found.name, found.state) == (slot.path.name, "behind")
    slot.end()
    (tmp_path / FOLDER / "odd.slot").write_bytes(body)  # and with nobody behind it
    assert [one.state for one in acknowledged(tmp_path, 1, since)] == ["ended"]


def test_a_link_or_a_pipe_is_no_replica_and_holds_nobody_up(tmp_path: Path) -> None:
    slot = ReplicaSlot(tmp_path, "gateway")
    (tmp_path / FOLDER / "link.slot").symlink_to(slot.path)
    os.mkfifo(tmp_path / FOLDER / "pipe.slot")
    slot.saw(1, NOW)
    states = {one.name: one.state for one in acknowledged(tmp_path, 1, time.monotonic_ns())}
    assert states == {"gateway": "answers", "link.slot": "behind", "pipe.slot": "behind"}
    again = ReplicaSlot(tmp_path, "another")  # and does not keep another from beginning
    again.end()
    slot.end()


def test_an_entry_that_is_half_written_is_not_one(tmp_path: Path) -> None:
    slot, since = ReplicaSlot(tmp_path, "gateway"), time.monotonic_ns()
    slot.saw(1, NOW)
    slot.saw(2, NOW)
    whole = bytearray(slot.path.read_bytes())
    at = whole.rindex((2).to_bytes(8, "little"))
    whole[at] = 3
    slot.path.write_bytes(whole)
    (found,) = acknowledged(tmp_path, 2, since)
    slot.end()
    assert (found.state, found.epoch) == ("behind", 1)


def test_the_file_is_private_and_comes_back_when_it_is_taken_away(tmp_path: Path) -> None:
    slot, since = ReplicaSlot(tmp_path, "gateway"), time.monotonic_ns()
    for epoch in range(1, KEPT + 3):
        slot.saw(epoch, NOW)
    assert stat.S_IMODE(slot.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(slot.path.parent.stat().st_mode) == 0o700
    before = acknowledged(tmp_path, KEPT, since)
    slot.keep()
    assert acknowledged(tmp_path, KEPT, since) == before
    slot.path.unlink()
    assert acknowledged(tmp_path, KEPT, since) == ()
    slot.keep()
    assert acknowledged(tmp_path, KEPT, since) == before
    slot.saw(99, NOW)
    assert acknowledged(tmp_path, 99, since)[0].state == "answers"
    assert acknowledged(tmp_path, 1, since)[0].seen_at is None
    slot.end()
    slot.end()


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotDecide):
        ReplicaSlot(tmp_path, "gateway")


def test_an_epoch_that_could_not_be_written_is_told_again(tmp_path: Path) -> None:
    slot = ReplicaSlot(tmp_path, "gateway")
    slot.saw(1, NOW)
    kept = os.dup(slot._file)
    os.dup2(os.open(slot.path, os.O_RDONLY), slot._file)  # a file that takes no more
    with pytest.raises(Unreachable, match="cannot tell"):
        slot.saw(2, NOW)
    (found,) = acknowledged(tmp_path, 2, time.monotonic_ns())
    assert found.state == "behind"
    os.dup2(kept, slot._file)
    os.close(kept)
    slot.saw(2, NOW)
    (found,) = acknowledged(tmp_path, 2, time.monotonic_ns())
    assert found.state == "answers"
    slot.end()
