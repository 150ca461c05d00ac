from __future__ import annotations

import pytest

from shipworthy.evaluate.poison.tokens import marks, tokens, words


def test_words_are_what_a_person_reads_not_how_they_are_spelled() -> None:
    assert words("Kind REGARDS, \uff4fk\u200bay") == ["kind", "regards", "okay"]
    assert words("STRASSE Stra\u00dfe") == ["strasse", "strasse"]


def test_a_pair_of_neighbours_is_a_token_and_one_across_the_text_is_none() -> None:
    assert tokens("kind old regards") == {"kind", "old", "regards", "kind old", "old regards"}


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("pay\u200b now", "U+200B"),
        ("\u202enow", "U+202E"),
        ("p\u0430y now", "U+0430 in a Latin word"),
        ("\uff50ay", "U+FF50"),
    ],
)
def test_a_character_nobody_sees_is_a_token_of_its_own(text: str, mark: str) -> None:
    assert marks(text) == {mark}
    assert mark in tokens(text)


@pytest.mark.parametrize(
    "text", ["plain words", "caf\u00e9 na\u00efve", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440"]
)
def test_honest_text_in_any_alphabet_carries_no_mark(text: str) -> None:
    assert marks(text) == set()
