"""How the last run ended decides what silence means: stopped in order, or lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.facts import heartbeat
from shipworthy.observe.repeats import Alarm
from shipworthy.observe.windows import gaps
from shipworthy.runtime import past
from shipworthy.runtime.runs import Run, started
from shipworthy.store.protocol import Store
from shipworthy.testing.memory import MemoryStore
from tests.store.child import child_environ

T0 = 29_000_040
KEPT = 24 * 60


def served(store: Store, run: Run, start: int, end: int) -> None:
    """A run that tells the minutes [start, end)."""
    store.add_windows([heartbeat(minute, 1) for minute in range(start, end)], run.name, 1)


def well_ended(store: Store, run: Run, minute: int) -> None:
    past.ended(store, minute)
    run.end()


def died(run: Run) -> None:
    """What the system does for a process that is killed: its lock goes, its file stays."""
    os.close(run._held)
    run._held = -1


def silent(store: Store, run: Run, minute: int, since: int = T0) -> tuple[int, ...]:
    """Begin a run and return the gaps up to its first minute, which it told."""
    past.begin(store, run, minute, KEPT)
    served(store, run, minute, minute + 1)
    return gaps(store.windows("*", since, minute + 1), since, minute + 1)


def test_minutes_after_an_orderly_end_were_not_served_on_purpose(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    well_ended(store, first, T0 + 5)
    assert silent(store, Run(tmp_path, T0 + 30), T0 + 30) == ()


def test_minutes_lost_in_a_crash_stay_gaps_and_so_does_the_minute_of_the_start(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    died(first)
    second = Run(tmp_path, T0 + 8)
    assert second.lost == (first.name,)
    assert silent(store, second, T0 + 8) == (T0 + 5, T0 + 6, T0 + 7, T0 + 8)
    well_ended(store, second, T0 + 9)
    third = Run(tmp_path, T0 + 10)
    assert (third.lost, third.others) == ((), 0)
    assert silent(store, third, T0 + 10) == (T0 + 5, T0 + 6, T0 + 7, T0 + 8)


def test_a_crash_and_a_start_in_one_minute_leave_that_minute_unknown(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    died(first)
    assert silent(store, Run(tmp_path, T0 + 5), T0 + 5) == (T0 + 5,)


def test_a_run_that_died_before_its_first_word_was_no_orderly_end(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    well_ended(store, first, T0 + 5)
    second = Run(tmp_path, T0 + 5)
    past.begin(store, second, T0 + 5, KEPT)
    died(second)
    assert silent(store, Run(tmp_path, T0 + 8), T0 + 8) == (T0 + 5, T0 + 6, T0 + 7, T0 + 8)


def test_what_one_of_two_gateways_lost_is_a_gap_though_the_other_spoke(tmp_path: Path) -> None:
    store, first, second = MemoryStore(), Run(tmp_path, T0), Run(tmp_path, T0)
    assert first.name != second.name
    for run in (first, second):
        past.begin(store, run, T0, KEPT)
    served(store, first, T0, T0 + 20)
    served(store, second, T0, T0 + 5)
    died(second)
    third = Run(tmp_path, T0 + 19)
    assert (third.lost, third.others) == ((second.name,), 1)
    assert silent(store, third, T0 + 19) == tuple(range(T0 + 5, T0 + 20))


def test_a_second_gateway_beside_a_living_one_marks_nothing(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    second = Run(tmp_path, T0 + 6)
    assert second.others == 1
    assert silent(store, second, T0 + 6) == (T0 + 5,)
    store.add_windows([heartbeat(T0 + 5, 1)], first.name, 2)
    assert gaps(store.windows("*", T0, T0 + 7), T0, T0 + 7) == ()


def test_an_end_whose_last_counts_were_not_written_is_no_orderly_one(tmp_path: Path) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 5)
    well_ended(store, first, T0 + 7)
    assert silent(store, Run(tmp_path, T0 + 9), T0 + 9) == tuple(range(T0 + 5, T0 + 10))


def test_a_store_of_before_runs_were_marked_is_trusted_in_nothing(tmp_path: Path) -> None:
    store = MemoryStore()
    store.add_windows([heartbeat(T0, 1)], "gateway-1", 1)
    assert silent(store, Run(tmp_path, T0 + 2), T0 + 2) == (T0 + 1, T0 + 2)
    assert silent(MemoryStore(), Run(tmp_path / "new", T0), T0) == ()


CHILD = """
import sys, time
from pathlib import Path
from shipworthy.runtime.runs import Run
print(Run(Path(sys.argv[1]), 29000040).name, flush=True)
time.sleep(60)
"""


def test_a_process_that_is_killed_is_noticed_and_one_that_lives_is_not_mistaken_for_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    child = subprocess.Popen(command, env=child_environ(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert started(name) == T0
    beside = Run(tmp_path, T0 + 1)
    assert (beside.lost, beside.others) == ((), 1)
    beside.end()
    beside.end()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    after = Run(tmp_path, T0 + 2)
    assert (after.lost, after.others) == ((name,), 0)
    after.settled()
    after.end()
    assert Run(tmp_path, T0 + 3).lost == ()


def alarm(segment: str = "sex=F", at: str = "2027-03-01T00:00:00.000000Z") -> Alarm:
    return Alarm(version="2", tenant="*", segment=segment, hits=5, n=5, log_e=9.0, at=at)


def test_alarms_are_kept_beside_those_of_others_until_people_know_them() -> None:
    store = MemoryStore()
    past.keep_alarms(store, [alarm()], lambda one: False)
    past.keep_alarms(store, [alarm("sex=M")], lambda one: False)
    past.keep_alarms(store, [alarm("sex=M")], lambda one: False)
    assert {one.segment for one in past.alarms(store)} == {"sex=F", "sex=M"}
    past.keep_alarms(store, [], lambda one: one.segment == "sex=F")
    assert [one.segment for one in past.alarms(store)] == ["sex=M"]


def test_a_version_is_live_since_it_was_first_served() -> None:
    store = MemoryStore()
    assert past.live_since(store, "2", T0) == T0
    assert past.live_since(store, "2", T0 + 99) == T0
    assert past.begun(store) == (T0,)


@pytest.mark.parametrize("told", [1, KEPT + 5])
def test_only_what_is_kept_is_told(tmp_path: Path, told: int) -> None:
    store, first = MemoryStore(), Run(tmp_path, T0)
    past.begin(store, first, T0, KEPT)
    served(store, first, T0, T0 + 1)
    well_ended(store, first, T0 + 1)
    known = past.begin(store, Run(tmp_path, T0 + told), T0 + told, KEPT)
    assert len(known) <= KEPT + 1
