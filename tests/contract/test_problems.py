"""What is told of a fault: plain, short, and not a thousand times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.problems import (
    INVALID,
    LONGEST,
    MOST,
    UNPROVEN,
    Findings,
    Problem,
    did_you_mean,
    ordered,
    plainly,
)


def many(n: int, file: str = "a.yaml", exit_code: int = INVALID) -> list[Problem]:
    return [Problem(file, line, 1, f"fault {line}", "mend it", exit_code) for line in range(1, n + 1)]


@given(st.text(max_size=2 * LONGEST))
def test_what_is_shown_is_one_line_without_a_character_that_does_something(text: str) -> None:
    shown = plainly(text)
    assert shown.isprintable()
    assert len(shown) <= LONGEST + 1
    assert shown == text or not text.isprintable() or len(text) > LONGEST


def test_terminal_codes_of_a_key_do_not_reach_the_terminal() -> None:
    found = Findings("a.yaml")
    found.add((), "unknown key \x1b[31m\r\u202e", "\x07")
    found.at(2, "\x1b]0;x", "\n")
    assert all(str(problem).isprintable() for problem in found.problems)
    assert "\\x1b[31m\\r\\u202e" in found.problems[0].what


def test_of_one_file_a_hundred_faults_are_told_and_what_the_rest_comes_to() -> None:
    told = ordered(many(MOST + 5) + many(3, "b.yaml"))
    assert [problem.file for problem in told] == ["a.yaml"] * (MOST + 1) + ["b.yaml"] * 3
    assert told[MOST].what == "more faults below"
    assert told[MOST].line == MOST + 1
    assert len(ordered(many(MOST))) == MOST


def test_a_fault_that_is_not_told_still_decides_the_exit_code() -> None:
    stale = many(MOST, exit_code=UNPROVEN)
    late = Problem("a.yaml", MOST + 9, 1, "invalid", "mend it", INVALID)
    assert min(problem.exit_code for problem in ordered([*stale, late])) == INVALID
    assert min(problem.exit_code for problem in ordered(many(MOST + 9, exit_code=UNPROVEN))) == UNPROVEN


def test_looking_for_faults_ends_when_no_more_are_told() -> None:
    found = Findings("a.yaml", earlier=many(MOST))
    assert not found.full
    found.at(1, "one more", "mend it")
    assert found.full


def test_a_word_of_any_length_is_compared_at_once() -> None:
    known = [f"{'y' * 40}{n}" for n in range(100)]
    assert did_you_mean("y" * 1_000_000, known).startswith("did you mean")
    assert did_you_mean("x" * 1_000_000, known).startswith("known: ")
