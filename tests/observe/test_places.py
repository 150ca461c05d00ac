"""What is left of a part without others is what counting the rows themselves would give, or it is not said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import contains
from shipworthy.observe.places import (
    FOREVER,
    NOWHERE,
    Counts,
    Part,
    holds_all,
    is_other,
    outermost,
    parts_of,
    separable,
    shared,
    without,
)

Row = tuple[str, str, str, str, int, bool]  # tenant, three keys, minute, hit
VALUES = ("x", "y")
COUNTED = ((), ("a",), ("b",), ("c",), ("a", "b"))
SEGMENTS = ["*", *(f"{key}={value}" for key in "abc" for value in VALUES)]
SEGMENTS += [f"a={x};b={y}" for x, y in product(VALUES, VALUES)]
rows = st.lists(
    st.tuples(
        st.sampled_from(("t", "u")), *(st.sampled_from(VALUES) for _ in range(3)), st.integers(0, 3), st.booleans()
    ),
    max_size=40,
)
parts = st.builds(Part, st.sampled_from(("*", "t", "u")), st.sampled_from(SEGMENTS), st.sampled_from((1, 2, FOREVER)))


def inside(part: Part, row: Row) -> bool:
    terms = dict(term.split("=") for term in part.segment.split(";")) if part.segment != "*" else {}
    mine = dict(zip("abc", row[1:4], strict=True))
    return part.tenant in ("*", row[0]) and row[4] < part.until and all(mine[key] == terms[key] for key in terms)


def counting(rows: Sequence[Row]) -> Callable[[Part], Counts | None]:
    def count(part: Part) -> Counts | None:
        keys = tuple(term[0] for term in part.segment.split(";")) if part.segment != "*" else ()
        if keys not in COUNTED:
            return None
        mine = [row for row in rows if inside(part, row)]
        return sum(row[5] for row in mine), len(mine)

    return count


@given(rows, parts, st.lists(parts, max_size=4))
def test_what_is_left_is_exact_or_not_said(rows: list[Row], whole: Part, others: list[Part]) -> None:
    count = counting(rows)
    taken = separable(whole, others, count)
    left = without(whole, taken, count)
    mine = [row for row in rows if inside(whole, row) and not any(inside(one, row) for one in taken)]
    assert left == (sum(row[5] for row in mine), len(mine)) or count(whole) is None
    assert all(any(holds_all(other, one) for other in others) for one in taken)  # never more than was named


@given(rows, parts, parts, st.lists(parts, max_size=3))
def test_a_part_and_the_rest_are_the_whole(rows: list[Row], whole: Part, part: Part, others: list[Part]) -> None:
    count = counting(rows)
    taken = separable(whole, others, count)
    mine, all_ = without(part, taken, count), without(whole, taken, count)
    if mine is None or all_ is None or not holds_all(whole, part):
        return
    assert all(0 <= some <= total for some, total in zip(mine, all_, strict=True))
    rest = [row for row in rows if inside(whole, row) and not any(inside(one, row) for one in (part, *taken))]
    assert tuple(a - b for a, b in zip(all_, mine, strict=True)) == (sum(row[5] for row in rest), len(rest))


@given(parts, parts, rows)
def test_what_two_parts_share_is_what_lies_in_both(a: Part, b: Part, rows: list[Row]) -> None:
    common = shared(a, b)
    both = [row for row in rows if inside(a, row) and inside(b, row)]
    if common is NOWHERE:
        assert not both
    elif isinstance(common, Part):
        assert [row for row in rows if inside(common, row)] == both
        assert holds_all(a, common)
        assert holds_all(b, common)


@given(st.lists(parts))
def test_the_outermost_hold_all_and_none_of_them_another(given_: list[Part]) -> None:
    kept = outermost(given_)
    assert all(any(holds_all(one, part) for one in kept) for part in given_)
    assert not any(a != b and holds_all(a, b) for a in kept for b in kept)


def test_two_keys_without_a_declared_pair_are_not_told_apart() -> None:
    count = counting([("t", "x", "x", "y", 0, True), ("t", "y", "x", "x", 0, False)])
    a, c = Part(segment="a=x"), Part(segment="c=y")
    assert separable(Part(), [a, c], count) == (a,)  # the second stays in: it may share requests with the first
    assert without(c, (a,), count) is None
    assert without(Part(segment="b=x"), (a,), count) == (0, 1)  # a and b are a declared pair


def test_what_two_parts_share_is_taken_away_once() -> None:
    count = counting([("t", "x", "x", "y", 0, True), ("t", "x", "y", "y", 0, True), ("t", "y", "y", "y", 0, False)])
    both = (Part(segment="a=x"), Part(segment="b=x"))
    assert separable(Part(), both, count) == both
    assert without(Part(), both, count) == (0, 1)


def test_a_part_that_shares_what_nobody_counted_stays_in() -> None:
    count = counting([("t", "x", "x", "y", 0, True)] * 3)
    pair, third = Part(segment="a=x;b=x"), Part(segment="c=y")
    assert separable(Part(), [pair, third], count) == (third,)  # three keys: no segment names what they share
    two = (Part(segment="a=x"), Part(segment="b=x"))
    assert separable(Part(), [*two, Part("t")], count) == two  # what it shares with both overlaps


def test_values_of_one_key_are_parts_of_their_own() -> None:
    assert parts_of("t", "a=x,y;b=z", 5) == (Part("t", "a=x;b=z", 5), Part("t", "a=y;b=z", 5))
    assert all(contains("a=x,y;b=z", part.segment) for part in parts_of("*", "a=x,y;b=z"))
    assert parts_of("*", "*") == (Part(),)


def test_the_overflow_is_no_place_for_an_order() -> None:
    assert is_other(Part(segment="a=__other__"))
    assert is_other(Part("__other__"))
    assert not is_other(Part("t", "a=__unseen__"))
