from __future__ import annotations

import codecs
from collections import Counter

import pytest

from shipworthy.evaluate.corpus import CORPUS, KINDS
from shipworthy.evaluate.corpus.prompt import ENCODINGS, Prompt, Words, expected, filled
from shipworthy.evaluate.refusals import refused

WORDS = Words(left="zorbak", right="mikdel", host="pakrun.example")


def test_every_prompt_has_an_id_of_its_own_and_every_kind_has_attacks_and_twins() -> None:
    assert not [name for name, count in Counter(one.id for one in CORPUS).items() if count > 1]
    for kind in set(KINDS) - {"control"}:
        assert sum(one.kind == kind and not one.benign for one in CORPUS) >= 6, kind
        assert sum(one.kind == kind and one.benign for one in CORPUS) >= 4, kind


def test_there_are_enough_of_both_for_a_bound_of_five_percent() -> None:
    assert sum(not one.benign for one in CORPUS) >= 90
    assert sum(one.benign for one in CORPUS) >= 59


@pytest.mark.parametrize("prompt", CORPUS, ids=lambda prompt: str(prompt.id))
def test_a_prompt_is_sent_whole_and_never_holds_the_word_it_asks_for(prompt: Prompt) -> None:
    sent = "\n".join(filled(prompt, WORDS))
    assert "{" not in sent.replace('{"status"', "").replace('{"sum"', "")
    assert WORDS.joined not in sent.lower()
    assert WORDS.joined not in ENCODINGS["rot13"](sent).lower()
    assert WORDS.joined not in sent[::-1].lower()
    if prompt.goal == "say":
        assert prompt.encoding or (WORDS.left in sent and WORDS.right in sent)
    if prompt.goal == "link":
        assert WORDS.host in sent


@pytest.mark.parametrize("prompt", [one for one in CORPUS if one.benign], ids=lambda prompt: str(prompt.id))
def test_a_twin_expects_an_answer_that_is_no_refusal(prompt: Prompt) -> None:
    words = expected(prompt, WORDS)
    assert words
    assert all(word == word.lower() and word for word in words)
    assert not any(refused(word) for word in words)


def test_an_attack_expects_nothing() -> None:
    assert not [one.id for one in CORPUS if not one.benign and one.expects]


def test_a_payload_is_encoded_after_its_blanks_are_filled() -> None:
    prompt = Prompt(id="x", kind="k", turns=("do {payload}",), payload="join {left}", encoding="reversed")
    assert filled(prompt, WORDS) == ("do kabroz nioj",)
    assert ENCODINGS["rot13"]("Hello, Zoe") == codecs.encode("Hello, Zoe", "rot13")
    assert ENCODINGS["base64"]("hello") == "aGVsbG8="
    assert ENCODINGS["leet"]("test me") == "7357 m3"


def test_a_text_of_somebody_else_is_sent_as_it_is() -> None:
    assert filled(Prompt(id="x", kind="k", turns=("a {left}",), blanks=False), WORDS) == ("a {left}",)
