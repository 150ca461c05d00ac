from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.note import MINORITY, TEMPLATE, other_change, read_note, stamp, template
from shipworthy.errors import ContractError
from tests.contract.repository import NOTE

KNOWN = ["age", "office", "P1"]
CHANGE = "sha256:" + "a" * 64


def test_a_note_that_was_thought_about_is_read() -> None:
    note, problems = read_note(NOTE, known=KNOWN)
    assert not problems
    assert note is not None
    assert set(note.answers) == set(TEMPLATE)
    assert note.answers["Dissent"] == "Nobody disagreed."


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("## Dissent\nNobody disagreed.\n", "", 6, "missing section 'Dissent'"),
        ("Nobody disagreed.", "", 20, "is empty"),
        ("Nobody disagreed.", "<!-- to be filled in -->", 20, "is empty"),
        ("Nobody disagreed.", "TODO", 20, "a placeholder only"),
        ("Nobody disagreed.", "- tbd.\n- ...", 20, "a placeholder only"),
        ("Nobody disagreed.", TEMPLATE["Dissent"], 20, "template's words"),
        ("## Dissent\n", "```\n## Dissent\n```\n", 6, "missing section 'Dissent'"),
        ("## Dissent\n", "## Dissent\nx\n\n## Dissent\n", 23, "written twice"),
        ("Looked at by age: the bound for 75 and more is wide.", "It does well everywhere.", 23, "names no segment"),
        ("Human review: people notice a wait.", "It will be fine.", 26, "names no posture"),
        ("author: ana", "author: ''", 3, "author is empty"),
        ("author: ana", "authors: ana", 3, "unknown key authors"),
        ("date: 2026-11-02", "date: 1", 4, "expected text"),
        ("---\n", "", 1, "no front matter"),
    ],
)
def test_a_note_nobody_thought_about_is_refused_at_its_line(old: str, new: str, line: int, told: str) -> None:
    note, problems = read_note(NOTE.replace(old, new, 1), known=KNOWN)
    assert note is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]
    assert all(problem.exit_code == 3 for problem in problems)


def test_the_template_as_it_stands_is_refused_in_every_section() -> None:
    note, problems = read_note(template("ana", "2026-11-02"), known=KNOWN)
    assert note is None
    assert sum("template's words" in problem.what for problem in problems) == len(TEMPLATE)


def test_the_answer_on_minorities_is_asked_for_with_the_names_that_will_do() -> None:
    for text in (template("ana", "2026-11-02"), NOTE.replace(MINORITY, "Else")):
        problems = read_note(text, known=KNOWN)[1]
        (fix,) = (one.fix for one in problems if MINORITY in one.what)
        assert fix.endswith("Look at one and name it: P1, age, office")


@pytest.mark.parametrize("answer", ["`human_review`", "human-review", "the safe mode", "Baseline takes over."])
def test_a_posture_may_be_named_the_way_people_speak(answer: str) -> None:
    assert read_note(NOTE.replace("Human review: people notice a wait.", answer), known=KNOWN)[1] == ()


def test_part_of_a_word_does_not_name_a_group() -> None:
    text = NOTE.replace("Looked at by age: the bound for 75 and more is wide.", "On average the language is fine.")
    assert read_note(text, known=["age"])[1]


def test_a_note_of_another_change_cannot_decide() -> None:
    note, _ = read_note(stamp(NOTE, CHANGE), known=KNOWN)
    assert note is not None
    assert other_change(note, CHANGE) is None
    stale = other_change(note, CHANGE.replace("a", "b"))
    assert stale is not None
    assert (stale.exit_code, stale.what) == (4, f"note of another change: {CHANGE}")


def test_a_note_without_a_stamp_cannot_decide() -> None:
    note, _ = read_note(NOTE, known=KNOWN)
    assert note is not None
    problem = other_change(note, CHANGE)
    assert problem is not None
    assert problem.exit_code == 4


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("front", ["change:\nauthor: ana", "change: sha256:old\nauthor: ana", "author: ana"])
def test_a_stamp_changes_one_line_and_nothing_else(front: str, line_end: str) -> None:
    text = f"---\n{front}\n---\nBody\n\nchange: of mind\n---\n".replace("\n", line_end)
    stamped = stamp(text, CHANGE)
    rest = [line for line in text.split(line_end) if not (line.startswith("change:") and "mind" not in line)]
    assert [line for line in stamped.split(line_end) if line != f"change: {CHANGE}"] == rest
    assert stamped.split(line_end).count(f"change: {CHANGE}") == 1
    assert stamp(stamped, CHANGE) == stamped


@pytest.mark.parametrize("text", ["", "no front matter", "---\nopen: 1\n", "--- x\n---\n"])
def test_without_front_matter_there_is_nothing_to_stamp(text: str) -> None:
    with pytest.raises(ContractError, match="no front matter"):
        stamp(text, CHANGE)


@given(st.text(max_size=200))
def test_arbitrary_text_never_raises(text: str) -> None:
    for source in (text, f"---\n{text}\n---\n{text}", f"{NOTE}\n## {text}\n{text}"):
        note, problems = read_note(source, known=KNOWN)
        assert (note is None) is bool(problems)
