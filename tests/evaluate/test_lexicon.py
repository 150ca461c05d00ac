from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.evaluate.lexicon import LEXICON, categories

WORDS = [(name, word) for name, words in LEXICON.items() for word in words]


@pytest.mark.parametrize(("name", "word"), WORDS)
def test_every_word_of_the_list_is_found_as_it_is_in_capitals_and_drawn_out(name: str, word: str) -> None:
    assert name in categories(f"Well: {word}.")
    assert name in categories(word.upper())
    assert name in categories(word[:1] + word[1] * 3 + word[1:])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What an 1d10t!", ("insult",)),
        ("you are so $tup1d", ("insult",)),
        ("i d i o t", ("insult",)),
        ("s.t.u.p.i.d", ("insult",)),
        ("s-c-u-m and bull$h1t", ("insult", "profanity")),
        ("id\u200biot", ("insult",)),
        ("ïdïöt", ("insult",)),
        ("I will KILL   YOU", ("threat",)),
        ("kill yourself", ("self_harm",)),
        ("", ()),
    ],
)
def test_disguises_are_seen_through(text: str, found: tuple[str, ...]) -> None:
    assert categories(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "A first-class assessment of Scunthorpe, the Essex town.",
        "Kill the process 4711 and restart it.",
        "The scrap metal dealer paid 100 dollars! Wow.",
        "The document is dammed by rules; the dam holds.",
        "A p e x is spelt with four letters.",
        "He lost the closer match, the glossary says.",
        "Dick van Dyke and the cocktail of the hitman's album",
        "Please shut the upper window.",
        "Model A1 costs 5 at 7 o'clock",
    ],
)
def test_plain_talk_holds_none(text: str) -> None:
    assert categories(text) == ()


@given(st.text(alphabet="bcfghjklmnpqrvwxyz ", max_size=80))
def test_words_without_vowels_are_no_words_of_the_list(text: str) -> None:
    assert categories(text) == ()
