"""Keys that tell two pages apart in 255 bytes, and texts that are cut where people would cut them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.respond.pages.page import Phase, clip, clip_bytes, going_on, key_of, line, news, with_tenant
from tests.respond.pages.made import page

TEXT = st.text(max_size=400)


@given(TEXT, TEXT, TEXT)
def test_a_key_is_never_longer_than_pagerduty_takes(model: str, segment: str, slo: str) -> None:
    key = key_of(model, segment, slo)
    assert len(key.encode()) <= 255
    assert key.isprintable()


@given(st.text("ab/=é", min_size=300, max_size=320), st.text("ab/=é", min_size=300, max_size=320))
def test_two_long_names_that_begin_alike_have_two_keys(one: str, other: str) -> None:
    assert (key_of("m", one, "s") == key_of("m", other, "s")) == (line(one) == line(other))


def test_a_long_key_counts_bytes_and_tells_two_names_apart_that_differ_at_their_ends() -> None:
    wide = "é" * 200
    assert len(wide) < 255 < len(wide.encode())
    one, other = key_of("m", wide, "a"), key_of("m", wide, "b")
    assert one != other
    assert max(len(key.encode()) for key in (one, other)) <= 255


@pytest.mark.parametrize("most", range(12))
def test_half_a_character_is_none(most: int) -> None:
    text = "é" * 5
    assert clip_bytes(text, most) == "é" * min(most // 2, 5)


@given(TEXT, st.integers(1, 100))
def test_a_text_is_cut_to_its_limit_and_shows_that_it_was(text: str, most: int) -> None:
    cut = clip(text, most)
    assert len(cut) <= most
    assert cut == text if len(text) <= most else cut.endswith("…") and text.startswith(cut[:-1])


@given(st.text(max_size=200).filter(lambda text: text.isprintable()), st.integers(0, 300))
def test_bytes_are_cut_between_two_characters(text: str, most: int) -> None:
    cut = clip_bytes(text, most)
    assert len(cut.encode()) <= most
    assert text.startswith(cut)


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("cafe\u0301s", 6, "caf…"),  # the accent stays with its letter, or both go
        ("a\u200db\u200dc!", 4, "…"),  # joined signs are one
        ("", 3, ""),
        ("abc", 3, "abc"),
        ("abcd", 1, "…"),
    ],
)
def test_marks_are_not_parted_from_what_they_mark(text: str, most: int, cut: str) -> None:
    found = clip(text, most)
    assert len(found) <= most
    assert found == cut or not unicodedata.combining(text[len(found) - 1])
    if cut:
        assert found == cut or text == "cafe\u0301s"


@given(st.text(st.characters(exclude_categories=[]), max_size=100))
def test_a_line_is_one_line_that_can_be_written(text: str) -> None:
    found = line(text)
    assert found.isprintable()
    found.encode()


@pytest.mark.parametrize(
    ("segment", "tenant", "found"),
    [
        ("*", "*", "*"),
        ("*", "acme", "tenant=acme"),
        ("b=1", "a;c", "b=1;tenant=a%3Bc"),
        ("no segment", "t", "no segment;tenant=t"),
    ],
)
def test_a_tenant_is_a_part_of_the_segment_that_the_key_names(segment: str, tenant: str, found: str) -> None:
    assert with_tenant(segment, tenant) == found


def test_a_page_goes_on_from_when_it_began_and_from_the_epoch_it_was_first_told_in() -> None:
    first, again = page(), page(at="2027-01-04T10:00:00.000000Z", epoch=9, because="other numbers")
    assert going_on(first, again) == page(because="other numbers")
    assert going_on(None, again) == again
    assert going_on(page(phase=Phase.RESOLVED), again) == again


def test_numbers_that_move_are_no_news_and_anything_a_person_acts_on_is() -> None:
    first = page()
    assert news(first) == news(page(because="41 of 62", title="another"))
    for changed in (
        page(phase=Phase.ACKNOWLEDGED), page(step=1), page(call=("ben",)), page(severity="SEV1"),
        page(orders=("ORD-2027-0001", "ORD-2027-0002")), page(at="2027-01-05T00:00:00.000000Z"),
    ):  # fmt: skip
        assert news(changed) != news(first)
    assert news(None) != news(first)
