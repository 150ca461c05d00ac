"""Payloads of the classes that are looked for are seen; what people write is not."""

from __future__ import annotations

import pytest

from shipworthy.evaluate.surface.payloads import PAYLOADS
from shipworthy.observe import payload
from shipworthy.observe.payload import MOST_READ, is_payload

ORDINARY = (
    "the car was hit from behind at a red light, see photo 3",
    "speed < 20 mph, belt on = yes, airbag: no",
    "online = true; one error=0 in the log",
    "Größe 1,80 m; naïve façade; 50 % > 40 %",
    "преглед на записа",
    "事故は交差点で起きました",
    "مركبة من الخلف",
    "paid $5 (not {6}), ticket #7, 3 & 4",
    "line one\nline two\tand a tab\r\n",
    "👩‍👩‍👧 family of three",
    "<b>bold</b> and <i>words</i> copied from a page",
    "",
)


SEEN = {"markup": 6, "template": 6, "control": 3, "null_byte": 3, "right_to_left": 3}
MARKS = ("\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\U000e0041", "<SCRIPT", "< / iframe", "onERROR =")


@pytest.mark.parametrize(("kind", "seen"), SEEN.items())
def test_the_packs_own_payloads_are_seen(kind: str, seen: int) -> None:
    assert sum(is_payload(text) for text in PAYLOADS[kind]) == seen


@pytest.mark.parametrize("kind", ["injection", "sql", "path", "oversized", "long_number"])
def test_payloads_in_plain_words_are_not_and_the_docs_say_so(kind: str) -> None:
    assert not any(is_payload(text) for text in PAYLOADS[kind])


@pytest.mark.parametrize("text", ORDINARY)
def test_what_people_write_is_no_payload(text: str) -> None:
    assert not is_payload(text)


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_seen_wherever_it_stands(mark: str) -> None:
    assert is_payload(f"well {mark} said")
    assert is_payload(" " * (MOST_READ - len(mark)) + mark)
    assert not is_payload(" " * MOST_READ + mark)


@pytest.mark.parametrize("part", ["<", "on", "onmouse", "onmousea ", "{", "< ", "</", "&", "\u0301"])
def test_the_look_at_a_text_of_a_million_characters_ends(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(payload, "MOST_READ", 10**7)
    assert not is_payload(part.replace("{", "{ ") * (10**6 // len(part)))
