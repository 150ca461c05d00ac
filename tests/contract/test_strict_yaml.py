from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract import strict_yaml
from shipworthy.contract.strict_yaml import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_yaml

REFUSED = [
    ("target: 1\nother: 2\ntarget: 3\n", 3, "written twice"),
    ("a:\n  - {b: 1, b: 2}\n", 2, "written twice"),
    ("a: &x 1\n", 1, "an anchor &x"),
    ("a: &x 1\nb: *x\n", 2, "an alias *x"),
    ("a: !!python/object/apply:os.system [ls]\n", 1, "a tag"),
    ("a: !local 1\n", 1, "a tag"),
    ("a: ! 1\n", 1, "a tag !"),
    ("a: 1\n<<: {b: 2}\n", 2, "merge key"),
    ("a: .nan\n", 1, "not a finite number"),
    ("a: 1\nb: -.inf\n", 2, "not a finite number"),
    ("a: 1e999\n", 1, "not a finite number"),
    ("a: 99999999999999999999\n", 1, "beyond 64 bits"),
    ("a: " + "9" * 5000, 1, "beyond 64 bits"),
    ("a: 1\n---\nb: 2\n", 2, "second document"),
    ("%YAML 1.1\n---\na: 1\n", 1, "directive"),
    ("1: a\n", 1, "is not text"),
    ("true: a\n", 1, "is not text"),
    ("a: 1\n? [x]\n: 2\n", 2, "not text"),
    ("a: [1\nb: 2\n", 2, "not YAML"),
    ("a: b: c\n", 1, "not YAML"),
    ("a: 'open\n", 2, "not YAML"),
    ("\x00", 1, "not YAML"),
    ("a: " + "[" * 40, 1, f"deeper than {MAX_DEPTH}"),
    ("[" * 200_000, 1, f"deeper than {MAX_DEPTH}"),
    ("{a: " * 50, 1, f"deeper than {MAX_DEPTH}"),
    ("\n".join("- " * n + "x" for n in (1, 40)), 2, f"deeper than {MAX_DEPTH}"),
    ("[" + "1," * MAX_NODES + "]", 1, f"more than {MAX_NODES}"),
    ("#" * (MAX_BYTES + 1), 1, "larger than"),
]


@pytest.mark.parametrize(("text", "line", "told"), REFUSED, ids=range(len(REFUSED)))
def test_what_two_people_could_read_in_two_ways_is_refused_at_its_line(text: str, line: int, told: str) -> None:
    problems = read_yaml(text, "f.yaml").problems
    assert [problem.line for problem in problems if told in problem.what] == [line], problems
    assert all(problem.fix and problem.exit_code == 3 for problem in problems)


def test_an_alias_bomb_is_refused_without_being_expanded() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    reading = read_yaml("\n".join(levels), "f.yaml")
    assert len(reading.problems) > 16
    assert len(str(reading.value)) < 1000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("-7", -7),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("2026-11-02", "2026-11-02"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("1_000", "1_000"),
        ("NaN", "NaN"),
        ("=", "="),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    reading = read_yaml(f"a: {text}\n", "f.yaml")
    assert not reading.problems
    assert reading.value == {"a": value}
    assert type(reading.value["a"]) is type(value)


def test_every_value_knows_its_line_and_column() -> None:
    marks = read_yaml("a:\n  - b: 1\n    c: |\n      x\n  - 2\n", "f.yaml", first_line=11).marks
    assert marks["a",] == (11, 1)
    assert marks["a", 0, "b"] == (12, 5)
    assert marks["a", 0, "c"] == (13, 5)
    assert marks["a", 1] == (15, 5)


def test_all_faults_come_at_once_and_the_rest_is_still_read() -> None:
    reading = read_yaml("a: 1\na: 2\nb: .nan\nc: &x 3\nd: {e: 1, e: 2}\n", "f.yaml")
    assert [problem.line for problem in reading.problems] == [2, 3, 4, 5]
    assert reading.value == {"a": 1, "b": None, "c": 3, "d": {"e": 1}}


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    assert "not UTF-8" in read_yaml(b"a: \xff", "f").problems[0].what
    assert read_yaml("a: 1".encode("utf-16"), "f").problems
    assert "not UTF-8" in read_yaml("a: \ud800", "f").problems[0].what


@pytest.mark.parametrize(("text", "line", "told"), [row for row in REFUSED if len(row[0]) < 5000], ids=str)
def test_without_the_c_parser_the_same_things_are_refused(
    text: str, line: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_yaml, "_LOADER", yaml.SafeLoader)
    problems = read_yaml(text, "f.yaml").problems
    lines = [problem.line for problem in problems if told in problem.what]
    assert len(lines) == 1, problems
    assert told == "not YAML" or lines == [line]


@given(st.text(max_size=200) | st.text(alphabet="ab:- [{}]&*!|>'\"\n#?,<%.~1", max_size=200))
def test_arbitrary_text_never_raises(text: str) -> None:
    reading = read_yaml(text, "f.yaml")
    assert reading.whole or reading.problems


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(raw: bytes) -> None:
    reading = read_yaml(raw, "f.yaml")
    assert reading.whole or reading.problems


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abcdef", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_what_another_writer_dumps_in_json_style_is_read_back(value: object) -> None:
    text = yaml.safe_dump(_texts(value), default_style='"', default_flow_style=True, width=10**6, allow_unicode=True)
    reading = read_yaml(text, "f.yaml")
    assert not reading.problems
    assert reading.value == _texts(value)


def _texts(value: object) -> object:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else str(value)
