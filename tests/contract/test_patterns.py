from __future__ import annotations

import time

import pytest

from shipworthy.contract.patterns import MOST_PATTERN, MOST_TEXT, pattern_fault, search


@pytest.mark.parametrize(
    "pattern",
    [
        r"SECRET-[0-9]{4}",
        r"\bfoo\b",
        r"foo|bar|baz",
        r"a+",
        r".{1,40}x",
        r"\w{1,40}@\w{1,40}",
        r"(?:ab){3}",
        r"(a|b)+",
        r"colou?r",
        r"(?:foo)?bar",
        r"(?i)password\s{0,3}[:=]",
    ],
)
def test_a_plain_pattern_may_run(pattern: str) -> None:
    assert pattern_fault(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("", "empty"),
        ("x" * (MOST_PATTERN + 1), "longer"),
        ("(", "not a regular expression"),
        ("(a+)+", "repetition inside"),
        ("(a{1,3}){3}", "repetition inside"),
        ("((?:a*b)c)*x", "repetition inside"),
        ("(?:(?:a|b+)c){2,9}", "inside a repetition"),
        ("(foo|bar){1,3}x", "alternatives inside"),
        ("a+b+", "too many"),
        (".*a.*b.*c", "too many"),
        ("a{1,300}b{1,300}", "too many"),
        (r"(a)\1", "back reference"),
        ("(?=a)b", "look-around"),
        ("(?<!a)b", "look-around"),
        ("x*", "finds everything"),
        ("^$", "finds everything"),
        ("a|", "finds everything"),
        ("(?>a+)+", "repetition inside"),
        ("a?" * 60 + "b", "too many"),
    ],
)
def test_a_pattern_that_a_text_could_keep_busy_is_refused(pattern: str, told: str) -> None:
    assert told in pattern_fault(pattern)


@pytest.mark.parametrize("pattern", ["a+b", ".{1,80}x.{1,80}y", "(a|b)+c", r"\w{1,40}@\w{1,40}"])
def test_what_may_run_is_done_soon_on_the_worst_text(pattern: str) -> None:
    assert pattern_fault(pattern) == ""
    start = time.monotonic()
    search(pattern, "a" * 100_000)
    search(pattern, "ab" * 50_000)
    assert time.monotonic() - start < 10.0


def test_case_does_not_matter_and_only_the_beginning_is_searched() -> None:
    assert search("Secret", "the SECRET")
    assert not search("secret", "a" * MOST_TEXT + "secret")
