from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.implied import still_forbidden
from shipworthy.expr import compile_expr

_NUMBERS = st.integers(0, 4)
_ATOMS = (
    st.builds("{} {} {}".format, st.sampled_from("ab"), st.sampled_from([">", ">=", "<", "<=", "==", "!="]), _NUMBERS)
    | st.builds("{} {} {}".format, _NUMBERS, st.sampled_from([">", ">=", "<", "<="]), st.sampled_from("ab"))
    | st.builds(
        "c {} ({},)".format,
        st.sampled_from(["in", "not in"]),
        st.lists(st.sampled_from(["'x'", "'y'", "'z'"]), min_size=1, max_size=3).map(", ".join),
    )
    | st.builds("c == '{}'".format, st.sampled_from("xyz"))
)
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("(not {})".format, inner)
    ),
    max_leaves=4,
)
_NUMBER_OR_NOT = st.sampled_from([0, 1, 2, 3, 4, 0.5, 2.5, None, float("nan"), "text"])
_ROWS = st.fixed_dictionaries(
    {"a": _NUMBER_OR_NOT, "b": _NUMBER_OR_NOT, "c": st.sampled_from(["x", "y", "w", None, 1])}
)


@settings(max_examples=400)
@given(_EXPRESSIONS, _EXPRESSIONS, st.lists(_ROWS, min_size=1, max_size=12))
def test_what_is_said_to_stay_forbidden_does(old: str, new: str, rows: list[dict[str, Any]]) -> None:
    if still_forbidden(old, new):
        before, after = compile_expr(old), compile_expr(new)
        for row in rows:
            assert before(row) is not True or after(row) is True
            assert before(row) is not None or after(row) is not False


@given(_EXPRESSIONS, _EXPRESSIONS)
def test_one_more_thing_forbidden_is_never_looser(old: str, more: str) -> None:
    assert still_forbidden(old, old)
    assert still_forbidden(old, f"{old} or {more}")
    assert still_forbidden(f"{old} and {more}", old)


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ("d == 'deny' and u > 0.30", "d == 'deny' and u > 0.20", True),
        ("d == 'deny' and u > 0.30", "d == 'deny' and u > 0.40", False),
        ("d == 'deny' and u > 0.30", "u > 0.30", True),
        ("u > 0.30", "u > 0.30 and d == 'deny'", False),
        ("u > 0.3", "u >= 0.3", True),
        ("u >= 0.3", "u > 0.3", False),
        ("u < 5", "u < 6", True),
        ("u <= 5", "u < 5", False),
        ("u <= 5", "5 >= u", True),
        ("0.3 < u", "u > 0.2", True),
        ("d == 'deny'", "d in ('deny', 'close')", True),
        ("d in ('deny', 'close')", "d == 'deny'", False),
        ("u  >  0.3", "(u > 0.3)", True),
        ("d in ('deny', 'close')", "d in ('close', 'deny')", True),
        ("d not in ('deny',)", "d not in ('deny', 'close')", False),
        ("u >= 3", "u >= 3.0", True),
        ("u > 3", "u > 3.0", True),
        ("u < 3", "u < 3.0", True),
        ("u < 1", "u > 5", False),
        ("u > 5", "u < 1", False),
        ("u <= 1", "u >= 5", False),
        ("u > 5", "u < 6", False),
        ("u > 0.3", "v > 0.3", False),
        ("u > 0.3", "not (u <= 0.3)", False),
        ("u > 0.3", "u >", False),
        ("u > 0.3", "u > 'a'", False),
    ],
)
def test_the_cases_people_write(old: str, new: str, stays: bool) -> None:
    assert still_forbidden(old, new) is stays


@given(st.text(max_size=40), st.text(max_size=40))
def test_arbitrary_text_never_raises(old: str, new: str) -> None:
    assert still_forbidden(old, new) in (True, False)
