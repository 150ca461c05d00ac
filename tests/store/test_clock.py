"""The hand-turned clocks of `shipworthy.testing`."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipworthy.errors import UsageError
from shipworthy.store.instants import instant, rfc3339, utc_now
from shipworthy.testing.clock import START, HandClock, SharedClock


def test_a_hand_clock_stands_still_until_turned() -> None:
    clock = HandClock()
    assert clock() == clock() == START
    clock.advance(90.5)
    assert clock() == START + timedelta(seconds=90.5)
    clock.advance(-90.5)
    clock.set(datetime(2027, 2, 1, tzinfo=UTC))
    assert rfc3339(clock()) == "2027-02-01T00:00:00.000000Z"


def test_all_processes_see_a_shared_clock_turn(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock", START)
    code = "import sys; from pathlib import Path; from shipworthy.testing.clock import SharedClock\n"
    code += "clock = SharedClock(Path(sys.argv[1])); print(clock().isoformat()); clock.advance(60)"
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "clock")], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == START.isoformat()
    assert clock() == START + timedelta(seconds=60)
    clock.close()


def test_a_shared_clock_is_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SharedClock(tmp_path / "clock")


def test_instants_without_a_zone_are_refused() -> None:
    naive = datetime(2027, 1, 4)
    with pytest.raises(ValueError, match="zone"):
        HandClock(naive)
    with pytest.raises(UsageError):
        rfc3339(naive)


def test_instants_of_other_zones_are_written_in_utc_and_sort_as_text() -> None:
    later = rfc3339(utc_now())
    assert instant(later) == later > rfc3339(datetime.fromisoformat("2026-01-01T23:59:59+09:00"))
    assert rfc3339(datetime.fromisoformat("2027-01-04T10:00:00+01:00")) == "2027-01-04T09:00:00.000000Z"
