"""The shared table of arrival times: exact between processes, and never trusted when it was lost, cut or damaged."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.throttle import Gcra, Part, Throttles
from shipworthy.errors import CannotDecide
from shipworthy.store.bucket_map import BucketMap

KEY = bytes(range(32))
LIMIT = Throttle(rate_per_s=4, burst=8)
STEPS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 3), st.sampled_from("abc")), max_size=50)
DAYS = 86_400.0


@pytest.fixture
def table(tmp_path: Path) -> Iterator[BucketMap]:
    one = BucketMap(tmp_path / "throttle.map", KEY, 2.0)
    one.make()
    yield one
    one.close()


def taken(table: BucketMap, name: str, now_s: float = 0.0, add_s: float = 1.0) -> float:
    """Add to the time of a name; return what it was before."""
    seen: list[float] = []

    def step(before: float) -> float:
        seen.append(before)
        return max(before, now_s) + add_s

    assert table.exchange(name, now_s, 2.0, step, False)
    return seen[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@given(steps=STEPS, workers=st.integers(1, 3))
def test_processes_together_admit_what_one_would(folder: Path, steps: list[tuple[int, int, str]], workers: int) -> None:
    path = folder / "throttle.map"
    path.unlink(missing_ok=True)
    tables = [BucketMap(path, KEY, 2.0) for _ in range(workers)]
    tables[0].make()
    shared, alone, now = [Gcra(LIMIT, times=one) for one in tables], Gcra(LIMIT), 1_000.0
    for turn, (wait, cost, tenant) in enumerate(steps):
        now += wait / 64
        assert shared[turn % workers].admit(tenant, now, cost) == alone.admit(tenant, now, cost)
    for one in tables:
        one.close()


def test_a_name_is_not_in_the_file(table: BucketMap) -> None:
    taken(table, "acme-insurance")
    assert b"acme" not in table.path.read_bytes()


def test_another_key_finds_nothing(table: BucketMap) -> None:
    taken(table, "acme")
    other = BucketMap(table.path, bytes(32), 2.0)
    assert taken(other, "acme") == -float("inf")
    assert taken(table, "acme") == 1.0
    other.close()


def test_what_was_counted_survives_a_restart(table: BucketMap) -> None:
    taken(table, "acme")
    table.close()
    again = BucketMap(table.path, KEY, 2.0)
    again.make()  # somebody else's is as good
    assert taken(again, "acme") == 1.0
    again.close()


def test_two_opened_in_one_process_exclude_each_other(table: BucketMap) -> None:
    """As two threads would: a lock that belonged to the process would let both in."""
    other = BucketMap(table.path, KEY, 2.0)
    taken(other, "acme")
    with pytest.raises(CannotDecide, match="stopped process"):
        table.exchange("acme", 0.0, 2.0, lambda before: taken(other, "acme"), False)
    other.close()


def small(path: Path) -> BucketMap:
    one = BucketMap(path, KEY, 2.0, sets=1, ways=4)
    one.make()
    return one


def test_a_full_table_gives_newcomers_one_bucket(tmp_path: Path) -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=1), times=small(tmp_path / "throttle.map"))
    assert sum(gcra.admit(f"t{i}", 0.0).ok for i in range(100)) == 5
    assert gcra.trouble == ""
    assert sum(gcra.admit(f"u{i}", 5.0).ok for i in range(4)) == 4  # those of before are as full as new ones


def test_limits_that_differ_share_no_bucket(tmp_path: Path) -> None:
    table = small(tmp_path / "throttle.map")
    first, second = (Gcra(Throttle(rate_per_s=1, burst=burst), times=table) for burst in (1, 2))
    assert sum(first.admit(f"t{i}", 0.0).ok for i in range(100)) == 5
    assert sum(second.admit(f"u{i}", 0.0).ok for i in range(100)) == 2


def test_a_clock_that_went_back_does_not_fill_the_table_for_days(tmp_path: Path) -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=2), times=small(tmp_path / "throttle.map"))
    assert sum(gcra.admit(f"t{i}", 2 * DAYS).ok for i in range(4)) == 4
    assert sum(gcra.admit(f"u{i}", 0.0).ok for i in range(4)) == 4


@pytest.mark.parametrize("jump", [-2 * DAYS, 2 * DAYS])
def test_a_clock_that_jumps_locks_nobody_out_and_gives_one_burst_at_most(table: BucketMap, jump: float) -> None:
    gcra, now = Gcra(LIMIT, times=table), 10 * DAYS
    assert sum(gcra.admit("acme", now).ok for _ in range(20)) == 8
    now += jump
    assert sum(gcra.admit("acme", now).ok for _ in range(20)) <= 8
    assert gcra.admit("acme", now).retry_after_s <= 2.0
    assert gcra.admit("acme", now + 2.0).ok


def delete(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, 100)


def scribble(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 64)


def replace(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"\x00" * 5_000_000)


@pytest.mark.parametrize("damage", [delete, cut, replace])
@pytest.mark.parametrize("workers", [1, 3, 4, 30])
def test_a_lost_table_never_multiplies_a_limit(tmp_path: Path, damage: object, workers: int) -> None:
    path = tmp_path / "throttle.map"
    tables = [BucketMap(path, KEY, 2.0) for _ in range(workers)]
    tables[0].make()
    every = [Throttles(LIMIT, times=one, part=Part(index, workers)) for index, one in enumerate(tables)]

    def admitted(now: float) -> int:
        answers = [one.admit("acme", now) for one in every for _ in range(20)]
        return sum(answer is not None and answer.ok for answer in answers)

    assert admitted(100.0) == 8
    assert callable(damage)
    damage(path)
    assert admitted(100.0) == 0  # what was used up is not given once more
    assert all(one.trouble for one in every)
    assert admitted(101.0) <= 4
    assert admitted(200.0) <= 8
    if workers < 8:
        assert admitted(300.0) > 0
    tables[0].mend(301.0)
    assert admitted(301.0) == 0
    assert not any(one.trouble for one in every)
    assert admitted(400.0) == 8


@pytest.mark.parametrize("damage", [delete, cut, replace, scribble])
def test_a_damaged_table_is_not_opened_and_can_be_mended(table: BucketMap, damage: object) -> None:
    assert callable(damage)
    damage(table.path)
    fresh = BucketMap(table.path, KEY, 2.0)
    with pytest.raises(CannotDecide):
        taken(fresh, "acme")
    table.mend(50.0)
    assert taken(fresh, "acme") == 52.0  # an empty bucket as of then
    table.mend(60.0)
    assert taken(fresh, "acme") == 53.0  # what is sound is left alone
    fresh.close()


def test_a_time_that_is_no_number_is_an_empty_bucket(table: BucketMap) -> None:
    taken(table, "acme", 5.0)
    body = table.path.read_bytes()
    at = body.index(struct.pack("=d", 6.0))
    with table.path.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("=d", float("nan")))
    assert taken(table, "acme", 5.0) == 7.0


def test_a_link_is_not_followed(table: BucketMap) -> None:
    table.path.rename(table.path.with_name("elsewhere"))
    table.path.symlink_to(table.path.with_name("elsewhere"))
    with pytest.raises(CannotDecide):
        taken(BucketMap(table.path, KEY, 2.0), "acme")


FLOOD = """
import sys, time
from pathlib import Path
from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.throttle import Gcra, Part
from shipworthy.store.bucket_map import BucketMap
table = BucketMap(Path(sys.argv[1]), bytes(range(32)), 0.1)
gcra = Gcra(Throttle(rate_per_s=200, burst=20), times=table, part=Part(0, 4))
print("ready", flush=True)
start = float(sys.stdin.readline())
admitted = 0
while (now := time.time()) < start + 2.0:
    admitted += now >= start and gcra.admit("acme", now).ok
    time.sleep(0.0005)
print(admitted, gcra.trouble)
"""


def flooding(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FLOOD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_four_processes_admit_what_one_limit_says(table: BucketMap) -> None:
    processes = [flooding(table.path) for _ in range(4)]
    for one in processes:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    start = time.time() + 0.1
    told = [one.communicate(f"{start}\n", timeout=30)[0].split(" ", 1) for one in processes]
    assert [trouble for _, trouble in told] == ["\n"] * 4
    assert 400 <= sum(int(admitted) for admitted, _ in told) <= 440


HOLD = """
import sys, time
from pathlib import Path
from shipworthy.store.bucket_map import BucketMap
def step(before):
    print("held", flush=True)
    time.sleep(30)
    return before
BucketMap(Path(sys.argv[1]), bytes(range(32)), 2.0).exchange("acme", 0.0, 2.0, step, False)
"""


def test_a_process_that_stops_or_dies_with_the_lock_stops_nobody(table: BucketMap) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(table.path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGSTOP)
    gcra = Gcra(LIMIT, times=table, part=Part(0, 2))
    assert not gcra.admit("acme", 100.0).ok
    assert "stopped process" in gcra.trouble
    assert sum(gcra.admit("acme", 110.0).ok for _ in range(20)) <= 4
    holder.kill()
    holder.communicate()
    deadline = time.monotonic() + 20
    while gcra.trouble and time.monotonic() < deadline:
        gcra.admit("acme", 200.0)
        time.sleep(0.05)
    assert gcra.trouble == ""


def test_a_forked_process_takes_locks_of_its_own(table: BucketMap) -> None:
    """A lock belongs to the opened file, which a fork shares: both would hold it at once."""
    taken(table, "acme")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:

        def inside(before: float) -> float:
            os.write(writing, b"held")
            time.sleep(30)
            return before

        try:
            table.exchange("acme", 0.0, 2.0, inside, False)
        finally:
            os._exit(0)
    try:
        assert os.read(reading, 4) == b"held"
        with pytest.raises(CannotDecide, match="stopped process"):
            taken(table, "acme")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
