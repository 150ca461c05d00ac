"""Words, single edits, changes of every day and how they are shown."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.generators.text import ATTACKS
from shipworthy.contract.generators.text import CHANGES as NAMES_OF_CHANGES
from shipworthy.evaluate.text import shown
from shipworthy.evaluate.text.edits import edited
from shipworthy.evaluate.text.everyday import CHANGES, changed
from shipworthy.evaluate.text.shown import differing, spelled, text_example
from shipworthy.evaluate.text.tables import CONTRACTIONS, HOMOGLYPHS, KEYBOARD, NAMES
from shipworthy.evaluate.text.words import Kept, pieces_of
from shipworthy.facts.texts import as_text

NOTHING = Kept((), "here")
POLICY = Kept((r"P-\d+",), "here")
SENTENCE = "Hello Anna, I do not have 40 euro for policy P-1234 today."
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(TEXTS)
def test_the_pieces_put_together_are_the_text(text: str) -> None:
    pieces = pieces_of(text, NOTHING)
    assert "".join(pieces.parts) == pieces.with_words({}) == text
    assert pieces.words == pieces.free


def test_words_that_touch_what_must_stay_are_not_free() -> None:
    pieces = pieces_of(SENTENCE, POLICY)
    assert [pieces.parts[at] for at in pieces.words if at not in pieces.free] == ["P", "1234"]
    assert pieces.with_words({pieces.words[0]: "Bye"}).startswith("Bye Anna, ")
    beside = pieces_of("P-12 x", Kept((r"-\d+",), "here"))
    assert [beside.parts[at] for at in beside.free] == ["P", "x"]


def test_what_stays_must_stay_in_number_and_order() -> None:
    kept = Kept((r"\d+",), "here")
    assert kept.holds("a 1 b 2", "c 1 d 2")
    assert not kept.holds("a 1 b 2", "a 2 b 1")
    assert not kept.holds("a 1", "a 1 1")
    assert not kept.holds("a 1", "a")


@settings(max_examples=150)
@given(st.sampled_from(ATTACKS), TEXTS.filter(bool), st.integers(0, 5))
def test_an_edit_is_another_word_or_none(kind: str, word: str, seed: int) -> None:
    made = edited(kind, word, rng(seed))
    assert made is None or made != word
    assert made == edited(kind, word, rng(seed))


@pytest.mark.parametrize(
    ("kind", "word", "possible"),
    [
        ("swap", "ab", {"ba"}),
        ("swap", "aa", {None}),
        ("swap", "a1", {None}),
        ("delete", "abc", {"bc", "ac", "ab"}),
        ("delete", "ab", {None}),
        ("keyboard", "p", {"o", "l"}),
        ("keyboard", "P", {"O", "L"}),
        ("keyboard", "12", {None}),
        ("homoglyph", "o", {"\u043e"}),
        ("homoglyph", "\u00f1", {None}),
        ("zero_width", "ab", {"a\u200bb", "a\u200cb", "a\u2060b"}),
        ("zero_width", "a", {None}),
        ("whitespace", "ab", {"a b"}),
        ("whitespace", "12", {None}),
        ("case", "ab", {"AB", "aB"}),
        ("case", "12", {None}),
        ("number", "1", set("23456789")),
        ("number", "a", {None}),
        ("name", "hugo", {None}),
    ],
)
def test_what_an_edit_makes_is_one_of_what_it_can(kind: str, word: str, possible: set[str | None]) -> None:
    assert {edited(kind, word, rng(seed)) for seed in range(80)} == possible


def test_inserted_and_substituted_letters_are_as_large_as_their_neighbour() -> None:
    for seed in range(40):
        assert str(edited("insert", "ABC", rng(seed))).isupper()
        made = str(edited("substitute", "abc", rng(seed)))
        assert made.islower()
        assert len(made) == 3
        assert sum(one != other for one, other in zip("abc", made, strict=True)) == 1


def test_a_name_stays_written_as_names_are() -> None:
    for word, shape in (("anna", str.islower), ("ANNA", str.isupper), ("Anna", str.istitle)):
        made = {str(edited("name", word, rng(seed))) for seed in range(60)}
        assert all(shape(one) for one in made)
        assert word not in made
        assert len(made) > 10


def test_a_later_digit_may_become_nought_and_the_first_may_not() -> None:
    made = {str(edited("number", "11", rng(seed))) for seed in range(200)}
    assert "10" in made
    assert "01" not in made


def test_the_tables_are_facts() -> None:
    assert KEYBOARD["g"] == "tyfhvb"
    assert all(one in KEYBOARD[other] for one, near in KEYBOARD.items() for other in near)
    assert all(one != other and not other.isascii() for one, other in HOMOGLYPHS.items())
    assert len(set(NAMES)) == len(NAMES)
    assert all(long != short for long, short in CONTRACTIONS.items())


def test_the_names_of_changes_are_those_that_can_be_made() -> None:
    assert set(NAMES_OF_CHANGES) == set(CHANGES)


@settings(max_examples=200)
@given(st.sampled_from(NAMES_OF_CHANGES), TEXTS, st.integers(0, 5))
def test_a_change_of_every_day_leaves_a_text_and_what_must_stay(kind: str, text: str, seed: int) -> None:
    kept = Kept(("[0-9]+",), "here")
    made = changed(kind, text, rng(seed), kept)
    if made is not None:
        assert made != text
        assert as_text(made) == made
        assert kept.holds(text, made)


@pytest.mark.parametrize("kind", NAMES_OF_CHANGES)
def test_every_change_can_be_made_of_a_common_sentence(kind: str) -> None:
    assert all(changed(kind, SENTENCE, rng(seed), NOTHING) is not None for seed in range(20))


@pytest.mark.parametrize(
    ("kind", "text", "possible"),
    [
        ("typo", "a bc def", {None}),
        ("number", "no digits", {None}),
        ("number", "P-1", {None}),
        ("name", "hello you", {None}),
        ("contraction", "I do not know", {"I don't know"}),
        ("contraction", "Don't", {"Do not"}),
        ("contraction", "undo nothing", {None}),
        ("contraction", "it is late", {None}),
        ("punctuation", "yes!", {"yes", "yes.", "yes..."}),
        ("case", "Ab cd", {"AB CD", "ab cd", "Ab Cd"}),
        ("case", "P-1", {None}),
        ("case", "P-1 ab", {"P-1 AB", "P-1 Ab"}),
        ("case", "it is ab", {"it is AB", "it is Ab"}),
        ("whitespace", "a b", {"a  b", "a\tb", "a\nb", "a\u00a0b"}),
        ("whitespace", "a", {"a  ", "a\t", "a\n", "a\u00a0"}),
    ],
)
def test_what_a_change_makes_is_one_of_what_it_can(kind: str, text: str, possible: set[str | None]) -> None:
    kept = Kept((r"P-\d+", "it is"), "here")
    assert {changed(kind, text, rng(seed), kept) for seed in range(60)} == possible


def test_strange_characters_are_spelled_out_and_long_texts_cut() -> None:
    assert doctest.testmod(shown).failed == 0
    assert spelled("\u202eabc\x00\x1b[2J") == "\\u202eabc\\x00\\x1b[2J"
    assert spelled("a" * 20_000) == "a" * 120 + "…"
    assert len(spelled("\u202e" * 20_000)) <= 121


def test_a_difference_is_grown_to_whole_words() -> None:
    assert differing("my free prize", "my fr3e prize") == [("free", "fr3e")]
    assert differing("same", "same more") == [("", "more")] or differing("same", "same more") == [("same", "same more")]
    assert differing("", "new") == [("", "new")]


def test_an_example_shows_words_and_not_the_text() -> None:
    row: dict[str, str | int] = {"text": "please call Anna about the free prize", "y": 1}
    one = text_example("score .1 -> .9", 3, row, "text", [("free", "fr\u0435e")])
    assert one.told == "row 3: score .1 -> .9: free -> fr\\u0435e"
    assert (one.before, one.after) == ({"text": "free"}, {"text": "fr\\u0435e"})
    assert one.input is not None
    assert "Anna" not in str(one)
