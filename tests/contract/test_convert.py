from __future__ import annotations

import pytest

from shipworthy.contract.convert import convert
from shipworthy.contract.manifest import Manifest, Throttles
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.facts import Fact
from tests.contract.repository import manifest


class Inner(Fact, frozen=True, kw_only=True):
    """A part."""

    target: float
    words: tuple[str, ...] = ()


class Outer(Fact, frozen=True, kw_only=True, rename="kebab"):
    """A whole."""

    first_name: str
    parts: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    maybe: Inner | None = None
    pair: tuple[str, str] | None = None


def test_all_faults_of_the_shape_come_at_once_each_at_its_line() -> None:
    text = (
        "first-name: 1\n"
        "parts:\n"
        "  - target: '0.9'\n"
        "    wrods: [a]\n"
        "  - words: [a, 2]\n"
        "named:\n"
        "  x: {target: true}\n"
        "maybe:\n"
        "  target: 1\n"
        "  extra: 2\n"
        "pair: [a]\n"
    )
    _, problems = convert(read_yaml(text, "f"), Outer)
    assert [(problem.line, problem.what) for problem in problems] == [
        (1, "first-name: expected text, found a whole number"),
        (3, "parts[0].target: expected a number, found text"),
        (4, "unknown key parts[0].wrods"),
        (5, "missing key parts[1].target"),
        (5, "parts[1].words[1]: expected text, found a whole number"),
        (7, "named.x.target: expected a number, found true or false"),
        (10, "unknown key maybe.extra"),
        (11, "pair: expected a list of length 2, found 1"),
    ]
    assert "did you mean 'words'?" in problems[2].fix


@pytest.mark.parametrize("text", ["", "[]", "1", "text"])
def test_a_file_that_is_no_mapping_is_told_in_words(text: str) -> None:
    _, problems = convert(read_yaml(text, "f"), Outer)
    assert problems[0].what.startswith("the file: expected a mapping, found")


def test_a_value_already_refused_is_not_told_twice() -> None:
    _, problems = convert(read_yaml("first-name: .nan\n", "f"), Outer)
    assert len(problems) == 1
    assert "not a finite number" in problems[0].what


def test_a_good_value_is_converted() -> None:
    value, problems = convert(read_yaml("first-name: a\nparts: [{target: 1}]\n", "f"), Outer)
    assert not problems
    assert value == Outer(first_name="a", parts=(Inner(target=1.0),))


def test_words_of_a_closed_list_are_named() -> None:
    text = manifest().replace("stakes: low", "stakes: standart").replace("type: int", "type: integer")
    _, problems = convert(read_yaml(text, "f"), Manifest)
    assert [(problem.line, problem.fix.split("?")[0]) for problem in problems] == [
        (3, "did you mean 'standard'"),
        (8, "did you mean 'int'"),
    ]


def test_a_mapping_of_parts_names_the_part() -> None:
    _, problems = convert(
        read_yaml("default: {rate_per_s: 1, burst: 1}\ntenants: {a: {rate_per_s: 1}}\n", "f"), Throttles
    )
    assert problems[0].what == "missing key tenants.a.burst"
