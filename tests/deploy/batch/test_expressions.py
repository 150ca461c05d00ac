"""An expression over columns says of every row what it says of that row alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.deploy.batch.expressions import evaluate
from shipworthy.deploy.batch.never import asked
from shipworthy.deploy.batch.table import Numbers, Stored, Table, cells_of, numbers_of
from shipworthy.deploy.neverevents import NeverEvents
from shipworthy.expr import ExprError, compile_expr

NAMES = ("a", "b", "word", "flag", "odd")
BIG = [2**53, 2**53 + 1, -(2**60), 10**400, 1e300, -1e17]
CELL = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from(["", "x", "y", "3", math.nan]),
    st.sampled_from([math.inf, -0.0, 0.5, 3.0, *BIG]),
)  # fmt: skip
FLOAT = st.lists(st.floats(-3, 3) | st.sampled_from([math.nan, math.inf, 1e200, 2.0**53]), min_size=6, max_size=6)


def texts(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(
        [*NAMES, "missing", "true", "false", "1", "2.5", "0", "'x'", "'y'", "9007199254740993", "-1", "1e200"]
    )
    if depth == 0:
        return leaf
    part = texts(depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} {} {})".format, part, st.sampled_from(["+", "-", "*", "/"]), part),
        st.builds("({} {} {})".format, part, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), part),
        st.builds("({} < {} >= {})".format, part, part, part),
        st.builds("({} == {} != {})".format, part, part, part),
        st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part),
        st.builds("(not {})".format, part),
        st.builds("(-{})".format, part),
        st.builds("({} {} {})".format, part, st.sampled_from(["in", "not in"]), st.sampled_from(
            ["('x', 'y')", "('3',)", "(1, 2.5, -1)", "(0, 9007199254740993)"])),
    )  # fmt: skip


@settings(max_examples=500)
@given(texts(3), st.lists(CELL, min_size=6, max_size=6), st.lists(CELL, min_size=6, max_size=6), FLOAT)
def test_columns_say_what_rows_say(text: str, odd: list[Any], word: list[Any], a: list[float]) -> None:
    try:
        one = compile_expr(text)
    except ExprError:
        return
    columns: dict[str, Stored] = {
        "a": Numbers(np.array(a)),
        "b": numbers_of(np.array([-2, 0, 1, 2, 3, 4])),
        "flag": numbers_of(np.array([True, False] * 3)),
        "word": cells_of(word),
        "odd": cells_of(odd),
    }
    table = Table(6, columns)
    told = evaluate(one, 6, lambda name: columns.get(name, cells_of([None] * 6)))
    for row in range(6):
        if not told.doubt[row]:
            assert {0: False, 1: True, 2: None}[int(told.kind[row])] is one(table.row(row)), (text, table.row(row))


@settings(max_examples=100)
@given(texts(2), st.lists(CELL, min_size=6, max_size=6))
def test_rows_in_doubt_are_asked_one_by_one(text: str, odd: list[Any]) -> None:
    try:
        never = NeverEvents((("event", compile_expr(text)),))
    except ExprError:
        return
    table = Table(6, {"odd": cells_of(odd), "a": cells_of(odd[::-1])})
    groups = asked(never, 6, table.words, table.cell)
    for row in range(6):
        first = int(groups.first[groups.of[row]])
        assert never.check(table.row(row)) == never.check(table.row(first))


@pytest.mark.parametrize("cell", [2**53 + 1, -(2**53) - 1, 10**400])
def test_a_whole_number_beyond_floats_is_left_to_the_scalar(cell: int) -> None:
    told = evaluate(compile_expr("a == 9007199254740992"), 1, lambda name: cells_of([cell]))
    assert told.doubt.all()


def test_ordinary_numbers_are_not_left_to_the_scalar() -> None:
    told = evaluate(compile_expr("a * 2 + 1 > 5 and a != 3"), 3, lambda name: Numbers(np.array([1.0, 3.0, 4.0])))
    assert not told.doubt.any()
    assert told.kind.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "text",
    ["a < b", "a >= b", "a == b", "a != b", "a in ('x', 'y')", "a not in ('x', 'y')", "a in (1, 2.5)",
     "a not in (1, 2)",
     "-a < b", "a + b > 1", "a * b <= 2", "a / b > 0.5", "not a", "a and b", "a or b", "not (a < b)"],
)  # fmt: skip
def test_every_pair_of_cells_is_told_as_alone(text: str) -> None:
    cells = [None, True, False, 0, 1, 2.5, -3, "x", "y", "", "1", math.nan, math.inf]
    pairs = [(a, b) for a in cells for b in reversed(cells)]
    table = Table(len(pairs), {"a": cells_of([a for a, _ in pairs]), "b": cells_of([b for _, b in pairs])})
    one = compile_expr(text)
    told = evaluate(one, table.n, table.words)
    assert [
        {0: False, 1: True, 2: None}[kind] for kind, sure in zip(told.kind.tolist(), ~told.doubt, strict=True) if sure
    ] == [one(table.row(row)) for row in np.flatnonzero(~told.doubt).tolist()]
