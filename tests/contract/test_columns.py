"""A fault is told with file, line and column, wherever the column is known."""

from __future__ import annotations

import pytest

from shipworthy.contract.problems import Problem
from shipworthy.contract.slos import read_slos
from shipworthy.contract.strict_json import read_json
from shipworthy.contract.strict_yaml import read_yaml
from tests.contract.repository import MISSION_SLOS


def test_a_problem_reads_file_line_column_what_and_fix() -> None:
    assert str(Problem("a.yaml", 3, 7, "wrong", "mend it")) == "a.yaml:3:7: wrong — mend it"
    assert str(Problem("a.yaml", 3, 7, "wrong", "")) == "a.yaml:3:7: wrong"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", 2, 11),
        ("a: &x 1\n", 1, 4),
        ("a: 1\nb: [1, *x]\n", 2, 8),
        ("a: [1, .nan]\n", 1, 8),
        ("a:\n  - !local 1\n", 2, 5),
        ("a: {1: b}\n", 1, 5),
        ("a: b: c\n", 1, 5),
        ("a: 1\n--- \nb: 2\n", 2, 1),
        ("a: " + "[" * 40, 1, 35),
    ],
)
def test_the_strict_reader_knows_the_column(text: str, line: int, column: int) -> None:
    assert (line, column) in [(problem.line, problem.column) for problem in read_yaml(text, "f.yaml").problems]


@pytest.mark.parametrize(
    ("text", "line", "column"), [('{\n "a": 1,\n  "a": 2}', 3, 3), ('{"a": 1,}', 1, 9), ('{"a":\n  x}', 2, 3)]
)
def test_so_does_the_reader_of_the_lock(text: str, line: int, column: int) -> None:
    (problem,) = read_json(text, "f.lock").problems
    assert (problem.line, problem.column) == (line, column)


def test_a_key_of_an_slo_is_told_where_it_stands() -> None:
    text = MISSION_SLOS.decode().replace('target: ">= 0.90"', 'target: "0.90"')
    (problem,) = read_slos(text)[1]
    assert str(problem).startswith("safety-slos.yaml:5:5: not a target: '0.90' — write >=")
