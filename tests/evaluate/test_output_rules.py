from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.assistant import Output
from shipworthy.contract.patterns import MOST_TEXT
from shipworthy.evaluate.output_rules import (
    breaks_schema,
    broken,
    has_code,
    hidden_characters,
    host_of,
    iban,
    links_outside,
    luhn,
    personal,
)

SHAPE = {
    "type": "object",
    "required": ["verdict"],
    "additionalProperties": False,
    "properties": {
        "verdict": {"enum": ["approve", "review"]},
        "why": {"type": "string", "maxLength": 5},
        "parts": {"type": "array", "items": {"type": "integer"}},
    },
}
_LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=7)
_VALUES = st.recursive(
    _LEAVES | st.sampled_from(["approve", "review"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["verdict", "why", "parts", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_VALUES)
def test_a_shape_means_what_jsonschema_says(value: Any) -> None:
    """One difference is wanted: 1.0 is an integer to JSON Schema, and here it is none, as it reads."""
    parts = value.get("parts") if isinstance(value, dict) else None
    if isinstance(parts, list) and any(isinstance(one, float) for one in parts):
        return
    assert breaks_schema(json.dumps(value), SHAPE) == (not jsonschema.Draft7Validator(SHAPE).is_valid(value))


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"verdict": "approve", "verdict": "review"}', "NaN", 'Sure: {"verdict": "approve"}', "[" * 100_000],
)
def test_what_is_no_json_breaks_every_shape(text: str) -> None:
    assert breaks_schema(text, {})


@pytest.mark.parametrize(
    ("text", "breaks"),
    [
        ('{"verdict": "approve"}', False),
        ('{"verdict": "approve", "why": "abcde", "parts": [1]}', False),
        ('{"verdict": "approve", "x": 1}', True),
        ('{"verdict": "approve", "why": "abcdef"}', True),
        ('{"verdict": "approve", "parts": ["1"]}', True),
        ('{"verdict": "deny"}', True),
        ('{"why": "abc"}', True),
        ('["approve"]', True),
    ],
)
def test_each_part_of_a_shape_is_kept(text: str, breaks: bool) -> None:
    assert breaks_schema(text, SHAPE) is breaks


def test_a_truth_is_no_number_and_a_one_is_no_truth() -> None:
    assert breaks_schema("true", {"type": "integer"})
    assert breaks_schema("true", {"enum": [1]})
    assert not breaks_schema("true", {"type": "boolean"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see [a](https://ok.com/a)", ()),
        ("see [a](https://sub.ok.com/a)", ("https://sub.ok.com/a",)),
        ("see https://x.wild.org/a", ()),
        ("![p](https://evil.example/p.png)", ("https://evil.example/p.png",)),
        ("![p](//evil.example/p.png)", ("//evil.example/p.png",)),
        ("![p](<https://evil.example>)", ("https://evil.example",)),
        ("[a](javascript:alert(1))", ("javascript:alert(1",)),
        ("[a](data:text/html,x)", ("data:text/html,x",)),
        ("[a](/inside.html) and [b](#part)", ()),
        ("www.evil.example is bare", ("www.evil.example",)),
        ("<img src='https://evil.example/i'>", ("https://evil.example/i",)),
        ("<a href=https://evil.example>x</a>", ("https://evil.example",)),
        ("[a](HTTPS://OK.COM)", ()),
        ("https://ok.com@evil.example/", ("https://ok.com@evil.example/",)),
        ("https://ok.com.evil.example", ("https://ok.com.evil.example",)),
        ("[a](https:\\\\evil.example)", ("https:\\\\evil.example",)),
        ("the ratio 3//4 and a path a/b", ()),
        ("nothing", ()),
    ],
)
def test_links_and_images_lead_to_listed_hosts_only(text: str, found: tuple[str, ...]) -> None:
    assert links_outside(text, ("ok.com", "*.wild.org")) == found


def test_the_host_of_a_target() -> None:
    assert host_of("https://Evil.Example:443/x?y.") == "evil.example"
    assert host_of("http://[::1") == ""


@pytest.mark.parametrize(
    ("number", "good"),
    [  # numbers that payment processors publish for tests
        ("4111111111111111", True),
        ("5555 5555 5555 4444", True),
        ("378282246310005", True),
        ("6011-1111-1111-1117", True),
        ("3530111333300000", True),
        ("4111111111111112", False),
        ("0000000000000000", False),
        ("411111111111", False),
    ],
)
def test_a_card_number_has_its_own_check_digit(number: str, good: bool) -> None:
    assert luhn(number) is good
    assert ("card" in personal(f"pay with {number} today")) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [  # examples of the IBAN registry
        ("GB29 NWBK 6016 1331 9268 19", True),
        ("DE89370400440532013000", True),
        ("FR14 2004 1010 0505 0001 3M02 606", True),
        ("NO93 8601 1117 947", True),
        ("DE89370400440532013001", False),
        ("GB29 NWBK 6016", False),
    ],
)
def test_an_iban_has_its_own_check_digits(text: str, good: bool) -> None:
    assert iban(text) is good
    assert ("iban" in personal(f"account {text}.")) is good


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to kim.lee+x@mail.example.org", ("email",)),
        ("user@localhost and @handle", ()),
        ("kim＠mail.example.org", ("email",)),
        ("SSN 219-09-9999", ("us_ssn",)),
        ("219 09 9999", ("us_ssn",)),
        ("000-12-3456, 666-12-3456, 900-12-3456, 219-00-9999, 219-09-0000", ()),
        ("219-09 9999 and 1219-09-9999", ()),
        ("order 1234567890123456 of 2026-11-21", ()),
        ("４１１１ 1111 1111 1111", ("card",)),
        ("", ()),
    ],
)
def test_personal_numbers_are_told_from_other_numbers(text: str, found: tuple[str, ...]) -> None:
    assert personal(text) == found


def test_hidden_characters_are_named() -> None:
    assert hidden_characters("a\u200bb\x07\u202ec\n\t\r") == ("U+0007", "U+200B", "U+202E")
    assert hidden_characters("Grüße, 你好") == ()


def test_code_is_a_fence_or_its_tag() -> None:
    assert has_code("```py\nx\n```")
    assert has_code("<script>x</script>")
    assert not has_code("call `x` inline")


STRICT = Output(
    max_length=40,
    matches="claim",
    forbids=("password", "secret"),
    links=(),
    plain=True,
    no_pii=("email",),
    no_code=True,
)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Your claim is with us.", ()),
        ("Your CLAIM is with us.", ()),
        ("Hello.", ("matches",)),
        ("claim " * 10, ("length",)),
        ("claim: the Secret is", ("forbids",)),
        ("claim at https://a.b/", ("links",)),
        ("claim\u200b", ("plain",)),
        ("claim of kim@a.org", ("pii",)),
        ("claim of 4111 1111 1111 1111", ()),
        ("claim ```x```", ("code",)),
    ],
)
def test_an_answer_is_told_which_rules_it_breaks(text: str, rules: tuple[str, ...]) -> None:
    assert broken(STRICT, text) == rules


def test_without_rules_nothing_is_broken_and_with_any_nothing_hides_behind_the_end() -> None:
    long = "a" * (MOST_TEXT + 1)
    assert broken(Output(), long) == ()
    assert broken(Output(no_code=True), long) == ("length",)
    assert broken(Output(json={"type": "object"}), "x") == ("json",)


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    assert set(broken(STRICT, text)) <= {"length", "json", "matches", "forbids", "links", "plain", "pii", "code"}
