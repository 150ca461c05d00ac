"""`deliberation-note.md`: what was weighed before this change, by whom, and who disagreed.

In: the note's text and what the manifest declares. Out: a `Note`, or every fault with its line. A note speaks of
exactly one change: `stamp` writes the change digest into it, and a note of another change is refused (exit code 4). An
empty section, or one that still holds the template's words, has not been thought about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from shipworthy.contract.convert import convert
from shipworthy.contract.front_matter import Document, plain, read_document, sections, thoughtless
from shipworthy.contract.problems import UNPROVEN, Findings, Problem
from shipworthy.errors import ContractError
from shipworthy.facts import Digest, Fact

FILE = "deliberation-note.md"
MINORITY = "How does this model behave on minority data sets?"
FALLBACK = "What is the fallback if the model fails?"
POSTURES = ("human_review", "safe_mode", "killed", "baseline", "refuse")
TEMPLATE = {
    "Change": "Say in one or two sentences what changes and why.",
    "Alternatives considered": "Name at least one alternative and why it was not taken; doing nothing is one.",
    "Who might be affected": "Name the people affected, also those who never use the product.",
    "Feedback that changed the plan": "Say whose feedback changed what, or that nobody has been asked yet.",
    "Dissent": "Keep the disagreement in the words of the person who disagrees, or say that nobody did.",
    MINORITY: "Name the segments or groups that were looked at, and what was seen there.",
    FALLBACK: "Name the posture that takes over, and what people will notice.",
}
_CHANGE_LINE = re.compile(r"^change:.*$", re.MULTILINE)


class NoteFront(Fact, frozen=True, kw_only=True):
    """The front matter of a note. `change` is empty until `shipworthy note` stamps it."""

    author: str
    date: str
    change: str | None = None
    title: str | None = None
    reviewers: tuple[str, ...] = ()


class Note(Fact, frozen=True, kw_only=True):
    """A note that was thought about. `answers` holds the seven sections by their full titles."""

    author: str
    date: str
    change: Digest
    answers: dict[str, str]


def template(author: str, date: str) -> str:
    """Return an empty note: the sections with what belongs there. As it stands it is refused."""
    told = "".join(f"\n## {title}\n{words}\n" for title, words in TEMPLATE.items())
    return f"---\nchange:\nauthor: {author}\ndate: {date}\n---\n# Deliberation note\n{told}"


def read_note(
    source: str | bytes,
    file: str = FILE,
    known: Collection[str] | None = None,
    fallbacks: Iterable[str] = POSTURES,
) -> tuple[Note | None, tuple[Problem, ...]]:
    """Return the note, or None with every fault.

    `known`: words of which the minority answer must name one: what is measured (`cross.measured`); None = not known.
    `fallbacks`: the postures and fallbacks of which the fallback answer must name one.
    """
    document = read_document(source, file)
    front, problems = convert(document.front, NoteFront)
    found = Findings(file, document.front.marks, problems)
    answers, lines = _answers(document, found, known)
    thought = {title for title, text in answers.items() if not thoughtless(text, TEMPLATE[title])}
    if known is not None and MINORITY in thought and not _names_one(answers[MINORITY], known):
        told = "the answer on minority data sets names no segment or group that is measured"
        found.at(lines[MINORITY], told, _groups_advice(known))
    if FALLBACK in thought and not _names_one(answers[FALLBACK], fallbacks):
        told = "the answer on the fallback names no posture"
        found.at(lines[FALLBACK], told, f"name one of {', '.join(sorted(set(fallbacks)))}")
    if front is None or found.problems:
        return None, found.problems
    for key in ("author", "date"):
        if not getattr(front, key).strip():
            found.add((key,), f"{key} is empty", f"fill in {key}")
    note = Note(author=front.author, date=front.date, change=front.change or "", answers=answers)
    return (None if found.problems else note), found.problems


def other_change(note: Note, change: Digest, file: str = FILE) -> Problem | None:
    """Return the problem of a note that speaks of another change (exit code 4), or None when it speaks of this one."""
    if note.change == change:
        return None
    told = f"note of another change: {note.change}" if note.change else "the note is not stamped with the change"
    return Problem(file, 1, 1, told, f"read it again, mend it, and run `shipworthy note` ({change})", UNPROVEN)


def stamp(text: str, change: Digest) -> str:
    """Return the note with `change:` in its front matter set; every other byte stays.

    Raises ContractError when the text has no front matter to write into.
    """
    opening = re.match(r"---[ \t]*\r?\n", text)
    closing = re.compile(r"^---[ \t]*\r?$", re.MULTILINE).search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        raise ContractError("no front matter", FILE, "begin the note with a line `---`, our keys, and a line `---`")
    line_end = "\r\n" if opening[0].endswith("\r\n") else "\n"
    front = text[opening.end() : closing.start()]
    line = f"change: {change}"
    if _CHANGE_LINE.search(front):
        kept = "\r" if line_end == "\r\n" else ""
        front = _CHANGE_LINE.sub(line + kept, front, count=1)
    else:
        front = f"{line}{line_end}{front}"
    return text[: opening.end()] + front + text[closing.start() :]


def _answers(
    document: Document, found: Findings, known: Collection[str] | None
) -> tuple[dict[str, str], dict[str, int]]:
    answers: dict[str, str] = {}
    lines: dict[str, int] = {}
    for section in sections(document):
        title = next((title for title in TEMPLATE if plain(section.title).startswith(plain(title))), None)
        if title is not None and title in answers:
            found.at(section.line, f"section {title!r} is written twice", "keep one")
        elif title is not None:
            answers[title], lines[title] = section.text, section.line
    for title, words in TEMPLATE.items():
        if title not in answers:
            fix = f"add `## {title}`: {_asked(title, words, known)}"
            found.at(document.body_line, f"missing section {title!r}", fix)
        elif why := thoughtless(answers[title], words):
            found.at(lines[title], f"section {title!r} {why}", _asked(title, words, known))
    return answers, lines


def _asked(title: str, words: str, known: Collection[str] | None) -> str:
    """Return what a section asks for; the one on minority data sets at once with the names that will do."""
    if title != MINORITY or known is None:
        return words
    advice = _groups_advice(known)
    return f"{words} {advice[0].upper()}{advice[1:]}"


def _names_one(text: str, words: Iterable[str]) -> bool:
    spoken = _spoken(text)
    return any(re.search(rf"(?<!\w){re.escape(_spoken(word))}(?!\w)", spoken) for word in words if _spoken(word))


def _groups_advice(known: Collection[str]) -> str:
    """What nobody measures cannot be answered for; where nothing is measured, say how to begin."""
    names = sorted(set(known))
    if not names:
        return "mark a feature `protected: true` or add a pack case for a group, look at it, and name it"
    return f"look at one and name it: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"


def _spoken(word: str) -> str:
    """`human_review`, `human-review` and "Human review" are one word."""
    return " ".join(re.sub(r"[_\-\s]+", " ", word).split()).lower()
