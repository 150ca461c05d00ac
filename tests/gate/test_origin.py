"""Where an artefact came from: other files, no provenance and a late threat model are told, each by its stakes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shipworthy.artifact.digests import digest
from shipworthy.artifact.provenance import TRAIN, Provenance
from shipworthy.gate.origin import Origin, origin, threats_late
from tests.artifact.test_attestations import ARTEFACT, MAKING

NOW = dict(MAKING.materials)  # train.py and data/rows.csv, built at 2026-01-02T03:04:05.000006Z
MADE = Provenance(subjects=(("credit", ARTEFACT),), making=MAKING)


def ask(**changes: Any) -> Origin:
    given: dict[str, Any] = {
        "made": MADE,
        "materials": NOW,
        "settled": (),
        "threats_created": None,
        "stakes": "standard",
    }
    return origin(**{**given, **changes})


def test_an_artefact_of_these_files_with_an_earlier_threat_model_has_nothing_against_it() -> None:
    assert ask() == Origin()
    assert ask(threats_created="2026-01-02T03:04:05Z") == Origin()
    assert ask(threats_created="2026-01-02", stakes="high") == Origin()


@pytest.mark.parametrize(
    ("materials", "told"),
    [
        ({**NOW, "train.py": digest(b"x")}, "train.py was changed"),
        ({**NOW, "more.py": digest(b"x")}, "more.py was added"),
        ({"train.py": NOW["train.py"]}, "data/rows.csv was removed"),
        ({}, "train.py was removed"),
    ],
)
@pytest.mark.parametrize("stakes", ["low", "standard", "high"])
def test_an_artefact_of_other_files_cannot_be_decided(materials: dict[str, str], told: str, stakes: str) -> None:
    (block,) = ask(materials=materials, stakes=stakes).blocks
    assert (block.name, block.exit_code) == ("provenance", 4)
    assert told in block.because


def test_a_settled_file_may_change_without_a_rebuild() -> None:
    other = {**NOW, "train.py": digest(b"x")}
    assert ask(materials=other, settled={"train.py"}) == Origin()
    assert ask(materials=other, settled={"data/rows.csv"}).blocks


@pytest.mark.parametrize("created", ["2026-01-02T03:04:06Z", "2026-01-03", "2027-01-01T00:00:00.000001Z"])
def test_a_threat_model_made_after_the_build_began_is_a_no(created: str) -> None:
    (block,) = ask(threats_created=created).blocks
    assert (block.name, block.exit_code) == ("threat model", 1)
    assert created in block.because
    assert MAKING.started in block.because


@pytest.mark.parametrize("created", ["2026-13-45", "soon", ""])
def test_a_date_that_is_none_is_no_date_before_the_build(created: str) -> None:
    assert threats_late(created, MAKING.started)
    assert ask(threats_created=created).blocks


def test_a_later_build_of_the_same_comes_after_the_threat_model() -> None:
    later = msgspec.structs.replace(MAKING, started="2026-02-01T00:00:00Z")
    assert ask(made=Provenance(subjects=MADE.subjects, making=later), threats_created="2026-01-31") == Origin()


def test_what_was_trained_in_place_is_trained_again_where_there_is_no_build() -> None:
    trained = msgspec.structs.replace(MAKING, build_type=TRAIN, command=("python", "fit.py"))
    made = Provenance(subjects=MADE.subjects, making=trained)
    (block,) = ask(made=made, materials={}, builds=False).blocks
    assert block.fix.startswith("run `shipworthy train -- python fit.py`, then build")
    (block,) = ask(made=made, materials={}, builds=True).blocks
    assert block.fix.startswith("run `shipworthy build`")


def test_without_a_build_command_building_alone_shows_nothing() -> None:
    (warning,) = ask(made=None, builds=False).warnings
    assert "`build:`" in warning
    assert "shipworthy train --" in warning
    (block,) = ask(made=None, builds=False, stakes="high").blocks
    assert block.fix.startswith("give the manifest a `build:` command")


def test_no_provenance_is_told_and_stops_high_stakes() -> None:
    assert ask(made=None, stakes="low").blocks == ()
    (warning,) = ask(made=None, threats_created="2020-01-01").warnings
    assert "nor that the threat model came first" in warning
    (block,) = ask(made=None, stakes="high").blocks
    assert (block.name, block.exit_code) == ("provenance", 4)
