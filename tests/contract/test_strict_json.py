from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.strict_json import read_json


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('{"a": 1,\n "b": 2,\n "a": 3}', 3, "written twice"),
        ('{"x": [{"a": 1, "a": 2}]}', 1, "written twice"),
        ('{"a": NaN}', 1, "not a finite number"),
        ('{"a": -Infinity}', 1, "not a finite number"),
        ('{"a": 1e999}', 1, "not a finite number"),
        ('{"a": 1}\n{"b": 2}', 2, "not JSON"),
        ('{"a": 1', 1, "not JSON"),
        ("", 1, "not JSON"),
        ("[" * 100_000, 1, "nested too deeply"),
        ("[" + "1" * 5000 + "]", 1, "not JSON"),
        (" " * 200, 1, "larger than"),
    ],
)
def test_what_is_not_strict_json_is_refused(text: str, line: int, told: str) -> None:
    (problem,) = read_json(text, "f.json", limit=100 if text.isspace() else 1 << 20).problems
    assert told in problem.what
    assert problem.line == line
    assert problem.exit_code == 3


def test_a_good_value_is_read() -> None:
    assert read_json('{"a": [1, 2.5, "x", null, true]}', "f").value == {"a": [1, 2.5, "x", None, True]}


@given(st.text(max_size=100) | st.text(alphabet='{}[]",:0123eE+-.nulltrfasNI \n', max_size=100))
def test_arbitrary_text_never_raises(text: str) -> None:
    reading = read_json(text, "f.json")
    assert reading.whole is not bool(reading.problems)
