"""A rebuild shows something about exactly one artefact from exactly these files, and about nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.artifact.digests import digest
from shipworthy.artifact.rebuilt import Difference, Rebuilt, is_of, materials_digest, rebuild_match, shows_same_bits

ARTEFACT, OTHER = digest(b"artefact"), digest(b"other")
MATERIALS = {"train.py": digest(b"code"), "rows.csv": digest(b"rows")}
DIFFERENT = (Difference(file="weights.json", why="a random seed is not fixed"),)


def rebuilt(**changes: Any) -> Rebuilt:
    given: dict[str, Any] = {
        "artefact": ARTEFACT,
        "again": ARTEFACT,
        "materials": materials_digest(MATERIALS),
        "outcome": "bits",
    }
    return Rebuilt(**{**given, **changes})


def test_the_same_bits_of_this_artefact_from_these_files_are_shown() -> None:
    assert shows_same_bits(rebuilt(), ARTEFACT, MATERIALS)
    assert shows_same_bits(rebuilt(), ARTEFACT, dict(reversed(MATERIALS.items())))


@pytest.mark.parametrize(
    "changes",
    [
        {"artefact": OTHER, "again": OTHER},
        {"materials": digest(b"x")},
        {"outcome": "behaviour", "again": OTHER, "differences": DIFFERENT},
        {"outcome": "differs", "again": OTHER, "differences": DIFFERENT},
        {"again": OTHER},
        {"differences": DIFFERENT},
    ],
)
def test_anything_else_does_not_show_the_same_bits(changes: dict[str, Any]) -> None:
    assert not shows_same_bits(rebuilt(**changes), ARTEFACT, MATERIALS)


def test_no_rebuild_and_other_files_show_nothing() -> None:
    assert not shows_same_bits(None, ARTEFACT, MATERIALS)
    assert not shows_same_bits(rebuilt(), ARTEFACT, {**MATERIALS, "train.py": OTHER})
    assert not shows_same_bits(rebuilt(), ARTEFACT, {"train.py": MATERIALS["train.py"]})
    assert not shows_same_bits(rebuilt(), OTHER, MATERIALS)


def test_a_record_that_contradicts_itself_is_of_nothing() -> None:
    assert is_of(rebuilt(outcome="behaviour", again=OTHER, differences=DIFFERENT), ARTEFACT, MATERIALS)
    assert not is_of(rebuilt(outcome="behaviour"), ARTEFACT, MATERIALS)
    assert not is_of(rebuilt(differences=DIFFERENT), ARTEFACT, MATERIALS)


@pytest.mark.parametrize(("outcome", "value"), [("bits", 1.0), ("behaviour", 0.0), ("differs", 0.0)])
def test_only_the_same_bits_measure_one(outcome: str, value: float) -> None:
    seen = rebuild_match(rebuilt(outcome=outcome))
    assert (seen.indicator, seen.n, seen.value, seen.lo, seen.hi) == ("rebuild_match", 1, value, value, value)
