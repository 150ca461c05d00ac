from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.web import markup
from shipworthy.web.markup import clean, figure, table
from tests.web.kit import HOSTILE, svg_of, words_of


def test_the_examples_hold() -> None:
    assert doctest.testmod(markup).failed == 0


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_stays_text(text: str) -> None:
    escaped = clean(text)
    read = svg_of(f'<p title="{escaped}">{escaped}</p>')
    assert len(read) == 0
    escaped.encode()


def test_what_is_ordinary_is_read_back_unchanged() -> None:
    assert svg_of(f"<p>{clean('a < b & „c“ – 5 %')}</p>").text == "a < b & „c“ – 5 %"


def test_a_table_names_itself_its_columns_and_its_rows() -> None:
    made = svg_of(table(HOSTILE, ["case", "n", HOSTILE], [["a", "12", "x"], [HOSTILE, "3.5", "–"]]))
    assert made.find("table/caption") is not None
    assert [th.get("scope") for th in made.iter("th")] == ["col"] * 3 + ["row"] * 2
    assert {element.tag for element in made.iter()} == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}


def test_columns_of_numbers_stand_to_the_right_with_their_header() -> None:
    made = svg_of(table("t", ["case", "n", "says"], [["1", "1,859", "met"], ["2", "–", "0.5"]]))
    assert [th.get("class") for th in made.iter("th")][:3] == [None, "number", None]
    assert [td.get("class") for td in made.iter("td")] == ["number", None] * 2


def test_rows_of_odd_lengths_and_no_rows_are_drawn() -> None:
    svg_of(table("t", [], []))
    svg_of(table("t", ["a"], [[], ["1", "2", "3"]]))


def test_a_figure_says_what_to_see_and_keeps_its_numbers() -> None:
    made = svg_of(figure(HOSTILE, HOSTILE, HOSTILE, "<svg/>", "<table/>"))
    assert [child.tag for child in made] == ["figcaption", "div", "details"]
    assert "alert(1)" in words_of(made)
    assert next(made.iter("details"))[1].tag == "table"
