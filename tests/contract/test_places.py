"""Every SLO, never event and case is found on its own line, whatever stands around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.places import FILES, find_places
from tests.gate import made

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "claims-triage"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("error_rate", "name: error_rate"),
        ("artefact_findings", "name: artefact_findings"),
        ("naïve_rate", 'name: naïve_rate, target: "<= 0.1"}'),
        ("never event never_deny_fast", "name: never_deny_fast, never: \"decision == 'deny'\"}"),
        ("case:tail.fast", "id: tail.fast"),
        ("case:tail.slow", "id: tail.slow"),
    ],
)
def test_a_place_is_the_rest_of_the_line_from_the_key_that_names(name: str, told: str) -> None:
    places = made.places()
    place = places.named[name]
    line = places.texts[place.file].split("\n")[place.line - 1]
    assert line[place.column - 1 : place.end_column - 1] == told


def test_the_example_has_a_place_for_every_name() -> None:
    places = find_places({file: (EXAMPLE / file).read_bytes() for file in FILES})
    for file, key in (("safety-slos.yaml", "- name: "), ("robustness-pack.yaml", "- id: ")):
        lines = places.texts[file].split("\n")
        written = [line.partition(key)[2] for line in lines if line.lstrip().startswith(key)]
        assert written
        for name in written:
            prefix = "case:" if key == "- id: " else "" if name in places.named else "never event "
            place = places.named[prefix + name]
            assert lines[place.line - 1].strip() == f"{key}{name}"


@given(st.dictionaries(st.sampled_from(FILES), st.binary(max_size=200)))
def test_no_bytes_make_it_fail(files: dict[str, bytes]) -> None:
    places = find_places(files)
    for file in FILES:
        whole = places.line(file, 10**6)
        assert (whole.line, whole.column) == (1, 1)
        assert whole.end_column >= 1


def test_what_is_not_there_is_on_the_first_line() -> None:
    place = made.places().of("nobody", "safety-slos.yaml")
    assert (place.file, place.line, place.column, place.end_column) == ("safety-slos.yaml", 1, 1, 13)
    assert find_places({}).of("nobody", "x.yaml").line == 1
