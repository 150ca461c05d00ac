"""`drills:` of the manifest: what is refused, and what counts as a loosening."""

from __future__ import annotations

import pytest

from shipworthy.contract.drills import Drills, drill_rows
from shipworthy.contract.manifest_reader import read_manifest
from tests.contract.repository import standard


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{every: soon}", "no interval"),
        ("{every: rolling}", "no interval"),
        ("{kill_within_ms: 0}", "must be above 0"),
        ("{kill_within_ms: -5}", "must be above 0"),
        ("{at: '24:00'}", "no time of day"),
        ("{at: 'noon'}", "no time of day"),
        ("{run: sometimes}", "run"),
        ("{ever: 30d}", "ever"),
    ],
)
def test_what_makes_no_sense_is_refused(written: str, told: str) -> None:
    manifest, _, problems = read_manifest(standard() + f"drills: {written}\n")
    assert manifest is None
    assert any(told in f"{one.what} {one.fix}" for one in problems), problems


def test_a_section_that_makes_sense_is_read_and_has_defaults() -> None:
    manifest, _, problems = read_manifest(
        standard() + 'drills: {every: 7d, kill_within_ms: 250, run: auto, at: "04:30"}\n'
    )
    assert (manifest is not None, problems) == (True, ())
    assert manifest is not None
    assert manifest.drills == Drills(every="7d", kill_within_ms=250, run="auto", at="04:30")
    plain = read_manifest(standard())[0]
    assert plain is not None
    assert (plain.drills.every_s, plain.drills.kill_within_ms, plain.drills.run) == (30 * 86_400, 1000, "by_hand")


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        (Drills(), Drills(), []),
        (Drills(every="7d"), Drills(), ["drills: every 7d → 30d"]),
        (Drills(), Drills(every="7d"), []),
        (Drills(), Drills(kill_within_ms=1001), ["drills: kill_within_ms 1000 → 1001"]),
        (Drills(), Drills(kill_within_ms=10), []),
        (Drills(run="auto"), Drills(), ["drills: run auto → by_hand"]),
        (Drills(), Drills(run="auto", at="05:00"), []),
    ],
)
def test_longer_slower_and_by_hand_are_loosenings(old: Drills, new: Drills, rows: list[str]) -> None:
    assert list(drill_rows(old, new)) == rows


def test_text_that_is_no_duration_counts_for_nothing() -> None:
    assert Drills(every="soon").every_s == 0
