"""The expression language: closed, three-valued, and impossible to fool with missing values."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.expr import ExprError, compile_expr

NEVER = "decision == 'auto_deny' and uncertainty > 0.30"
values = st.one_of(st.none(), st.floats(), st.integers(-9, 9), st.sampled_from(["a", "auto_deny"]), st.lists(st.none()))


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        (NEVER, {"decision": "auto_deny", "uncertainty": 0.31}, True),
        (NEVER, {"decision": "auto_deny", "uncertainty": 0.30}, False),
        (NEVER, {"decision": "auto_deny", "uncertainty": None}, None),
        (NEVER, {"decision": "auto_deny", "uncertainty": math.nan}, None),
        (NEVER, {"decision": "auto_deny", "uncertainty": "0.9"}, None),
        (NEVER, {"decision": "review"}, False),
        (NEVER, {}, None),
        ("1 < a <= 3", {"a": 3}, True),
        ("1 < a <= 3", {"a": 1}, False),
        ("1 < a <= 3", {"a": 4}, False),
        ("b < a <= 3", {"a": 4}, False),
        ("b < a <= 3", {"a": 3}, None),
        ("a * b > 1", {"a": 1e308, "b": 1e308}, None),
        ("a + b > 1", {"a": 1e308, "b": 1e308}, None),
        ("a in ('x', 'y')", {"a": "y"}, True),
        ("a not in ('x', 'y')", {"a": "z"}, True),
        ("a not in ('x', 'y')", {}, None),
        ("a in (1, 2)", {"a": True}, None),
        ("not a > 1", {"a": math.nan}, None),
        ("not (a < 0.9)", {"a": math.nan}, None),
        ("a / b > 1", {"a": 1, "b": 0}, None),
        ("a * b >= -6", {"a": 2, "b": -3}, True),
        ("a - b + 1 == 0", {"a": 1, "b": 2}, True),
        ("true", {}, True),
        ("false or a == 1", {"a": 1}, True),
        ("flag == true", {"flag": True}, True),
        ("flag == true", {"flag": 1}, None),
        ("flag != false", {"flag": False}, False),
        ("flag > false", {"flag": True}, None),
        ("a > 1 or b > 1", {"b": 2}, True),
        ("a > 1 or b > 1", {"b": 0}, None),
    ],
)
def test_what_it_says(text: str, fields: dict[str, Any], expected: bool | None) -> None:
    assert compile_expr(text)(fields) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "1 +", "__import__('os')", "a.b", "a[0]", "lambda: 1", "f'{a}'", "[x for x in y]", "a if b else c",
        "a := 1", "a ** 9999", "a << 3", "a in b", "a in (1, 'x')", "a in ()", "1 + 1", "'text'", "-'x'", "~a > 1",
        "a is None", "1e999 > a", "a > 1 in (1, 2)", "(" * 300 + "a" + ")" * 300, "a > " + "1 + " * 200 + "1",
        "a\x00 > 1", "{1: 2}", "print(a)", "a > b'x'", "a == 1 and 2",
        "a ** 2 > 1", "a % 2 == 1", "a // 2 == 1", "not " * 30 + "a > 1", " or ".join(["a > 1"] * 60),
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ExprError):
        compile_expr(text)


def test_a_typo_in_a_name_is_refused_when_the_names_are_known() -> None:
    with pytest.raises(ExprError, match="unknown name 'uncertainity'; known: decision, uncertainty"):
        compile_expr("uncertainity > 0.3", frozenset({"decision", "uncertainty"}))


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused_in_its_own_words(text: str) -> None:
    with contextlib.suppress(ExprError):
        assert compile_expr(text).text == text


@given(a=values, b=values)
def test_negation_never_turns_unknown_into_known(a: Any, b: Any) -> None:
    fields = {"a": a, "b": b}
    plain = compile_expr("a > b or a == 'a'")(fields)
    negated = compile_expr("not (a > b or a == 'a')")(fields)
    assert negated is (None if plain is None else not plain)


@given(a=values, b=values)
def test_losing_a_field_never_decides(a: Any, b: Any) -> None:
    """Dropping a field may make the answer unknown; it never flips it."""
    text = "a > 1 and b > 1 or a == 'auto_deny'"
    whole = compile_expr(text)({"a": a, "b": b})
    without = compile_expr(text)({"a": a})
    assert without is None or without is whole
