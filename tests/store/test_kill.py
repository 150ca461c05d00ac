"""P1: what was acknowledged survives kill -9 at every step of a write. Real processes, killed for real.

A child writes and says so on its standard output after each write returned. It is killed at a named place; then the
files are opened again, and all that was said must be there.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.facts import canonical, digest
from shipworthy.store.posture import StateFiles
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import VARIABLE, failpoint_from
from tests.store.child import child_environ
from tests.store.rows import held, state

KEY = bytes(range(32))
WRITER = """
import os, sys
from pathlib import Path
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import failpoint_from
from tests.store.rows import building
store = SqliteStore(Path(sys.argv[1]) / "store.db", failpoint=failpoint_from(os.environ))
for n in range(10_000):
    first, second = store.append_entries(building({"n": n}, {"n": n}))
    print(second.seq, flush=True)
"""
KILLER = """
import os, sys
from pathlib import Path
from shipworthy.store.posture import StateFiles
from shipworthy.testing.failpoints import failpoint_from
from tests.store.rows import held
files = StateFiles(Path(sys.argv[1]), bytes(range(32)), failpoint=failpoint_from(os.environ))
files.journal_kill(held())
print("killed", flush=True)
"""


def run_until_killed(code: str, folder: Path, failpoint: str) -> list[str]:
    environ = child_environ(**{VARIABLE: failpoint})
    command = [sys.executable, "-c", code, str(folder)]
    child = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    return child.stdout.split()


def check_chain(folder: Path) -> int:
    store = SqliteStore(folder / "store.db")
    prev = digest(b"")
    for seq, body in enumerate(store.entry_bytes()):
        (entry,) = store.entries(seq, seq + 1)
        assert (entry.seq, entry.prev, canonical(entry)) == (seq, prev, body)
        prev = digest(body)
    size = store.size()
    assert store.integrity() == ()
    store.close()
    return size


@pytest.mark.parametrize("place", ["entries", "commit"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("n", [1, 4, 31])
def test_no_acknowledged_entry_is_lost_wherever_the_writer_is_killed(
    tmp_path: Path, place: str, when: str, n: int
) -> None:
    told = run_until_killed(WRITER, tmp_path, f"{place}.{when}:{n}")
    size = check_chain(tmp_path)
    acknowledged = int(told[-1]) + 1 if told else 0
    assert size >= acknowledged
    assert size % 2 == 0  # the two entries of one append are there together or not at all
    assert size - acknowledged == (2 if (place, when) == ("commit", "after") else 0)


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_no_acknowledged_entry_is_lost_when_killed_from_outside(tmp_path: Path, lines: int) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    child = subprocess.Popen(command, env=child_environ(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    told += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    assert check_chain(tmp_path) >= max(int(line) for line in told if line.endswith("\n")) + 1


PLACES = ["map.before:1", "map.after:1", "journal.before:1", "file.write.after:1", "file.fsync.after:1"]
PLACES += ["file.rename.after:1", "journal.after:1", "json.before:1", "file.rename.before:2", "json.after:1"]
PLACES += ["map.before:2", "map.after:2"]


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_cut_off_anywhere_is_in_force_or_never_happened(tmp_path: Path, place: str) -> None:
    """From the first byte it writes until it is whole, no reader is served the looser state."""
    home = tmp_path / "state"
    StateFiles(home, KEY).write(state(1))
    assert run_until_killed(KILLER, home, place) == []
    files = StateFiles(home, KEY)
    try:
        found = files.read()
    except CannotDecide:
        assert files.epoch() == 2  # announced: readers fail safe
    else:
        assert place not in PLACES[1:5]  # the map comes first, before the journal has it
        assert found == (state(1) if place == "map.before:1" else state(2, held()))
    if PLACES.index(place) > PLACES.index("file.fsync.after:1"):
        assert files.unreconciled() == (held(),)
    files.rebuild(state(2))  # what a server does that finds it so; the journalled order holds on
    assert files.read().orders == files.unreconciled()
    again = files.journal_kill(held())
    assert again == (PLACES.index(place) <= PLACES.index("file.fsync.after:1"))
    assert files.read().orders == (held(),)


def test_a_failpoint_must_be_one_that_exists() -> None:
    with pytest.raises(ValueError, match="no such failpoint"):
        failpoint_from({VARIABLE: "entries.during:1"})
    failpoint_from({})("entries.before")
