"""The state as the request path reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shipworthy.facts import Decider, Held, Named, Order, Posture, RuntimeState, Scope, Source
from shipworthy.runtime.live import Live
from shipworthy.store.posture import StateFiles

KEY = bytes(32)
NOW = datetime(2027, 3, 1, tzinfo=UTC)


def safe_mode(version: str) -> Held:
    order = Order(
        id="ORD-2027-0001",
        scope=Scope(model="m", version=version),
        posture=Named.SAFE_MODE,
        cause="sha256:" + "0" * 64,
        confirm_by="2027-03-01T01:00:00.000000Z",
        by="machine",
    )
    return Held(order=order, at="2027-03-01T00:00:00.000000Z", because="b")


def live(tmp_path: Path, version: str) -> Live:
    files = StateFiles(tmp_path / "state", KEY, lambda: NOW)
    files.write(RuntimeState(epoch=1, baseline="1", orders=(safe_mode(version),)))
    return Live(files, "m", "baseline", "nobody", lambda before, after: None)


def test_safe_mode_sends_a_candidate_to_the_baseline(tmp_path: Path) -> None:
    assert live(tmp_path, "2").posture("2", "t", {}) == Posture(source=Source.BASELINE, decider=Decider.MACHINE)


def test_safe_mode_of_the_baseline_itself_sends_it_to_people(tmp_path: Path) -> None:
    assert live(tmp_path, "1").posture("1", "t", {}) == Posture(source=Source.NONE, decider=Decider.PERSON)


def test_a_state_that_can_no_longer_be_read_closes_every_candidate(tmp_path: Path) -> None:
    seen = live(tmp_path, "2")
    (tmp_path / "state" / "state.map").write_bytes(b"x" * 64)
    seen.epoch()
    assert seen.broken
    assert seen.closed("3")
    assert not seen.closed("1")
    assert seen.posture("2", "t", {}).source is Source.BASELINE
