"""Markdown with YAML front matter: the card, the note and the decision records share this one splitter.

In: the text of a file. Out: the front matter as a strict `Reading`, the body with its first line, and its sections.
"""

from __future__ import annotations

import re

import msgspec

from shipworthy.contract.problems import Findings
from shipworthy.contract.strict_yaml import Reading, read_yaml, readable

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_PLACEHOLDER = re.compile(r"(?:todo|tbd|fixme|xxx|n/?a|\.{2,}|…|-|\?+|<[^>]*>)[.! ]*", re.IGNORECASE)


class Section(msgspec.Struct, frozen=True):
    """A heading with the text below it, up to the next heading of the same or a higher level."""

    title: str
    level: int
    line: int
    text: str


class Document(msgspec.Struct, frozen=True):
    """One Markdown file. `body_line` is the line of the file on which `body` begins."""

    front: Reading
    body: str
    body_line: int


def read_document(source: str | bytes, file: str) -> Document:
    """Split a file into front matter and body; a file without front matter is a fault. Never raises."""
    found = Findings(file, {(): (1, 1)})
    text = readable(source, found)
    if text is None:
        return Document(Reading(file, None, found.marks, found.problems, whole=False), "", 1)
    lines = text.replace("\r\n", "\n").split("\n")
    end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        found.at(1, "no front matter", "begin the file with a line `---`, our keys, and a line `---`")
        return Document(Reading(file, None, found.marks, found.problems, whole=False), "\n".join(lines), 1)
    front = read_yaml("\n".join(lines[1:end]), file, first_line=2)
    return Document(front, "\n".join(lines[end + 1 :]), end + 2)


def sections(document: Document) -> tuple[Section, ...]:
    """Return the sections of the body in order. Headings inside code fences are text."""
    lines = visible(document.body).split("\n")
    heads = _headings(lines)
    return tuple(
        Section(
            title, level, document.body_line + at, "\n".join(lines[at + 1 : _end(heads, index, len(lines))]).strip()
        )
        for index, (at, level, title) in enumerate(heads)
    )


def visible(body: str) -> str:
    """Return the body without HTML comments, each replaced by as many line ends, so that lines keep their numbers."""
    return _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), body)


def plain(text: str) -> str:
    """Return text for comparison: one space between words, lower case, no closing full stop or question mark."""
    return " ".join(text.split()).rstrip(".?! ").lower()


def thoughtless(text: str, template_words: str) -> str:
    """Return why an answer shows no thought: it is empty, a placeholder, or what the template said; else nothing.

    >>> thoughtless("TODO", "Say why."), thoughtless("- Say  why", "Say why."), thoughtless("To save time.", "Say why.")
    ('holds a placeholder only', "still holds the template's words", '')
    """
    written = [line.strip("-*> \t") for line in text.split("\n")]
    written = [line for line in written if line and not line.startswith("#")]
    if not written:
        return "is empty"
    if plain(template_words) in plain(text):
        return "still holds the template's words"
    return "holds a placeholder only" if all(_PLACEHOLDER.fullmatch(line) for line in written) else ""


def _headings(lines: list[str]) -> list[tuple[int, int, str]]:
    heads, fence = [], ""
    for at, line in enumerate(lines):
        if mark := _FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        elif not fence and (head := _HEADING.fullmatch(line)):
            heads.append((at, len(head[1]), head[2]))
    return heads


def _end(heads: list[tuple[int, int, str]], index: int, last: int) -> int:
    level = heads[index][1]
    return next((at for at, other, _ in heads[index + 1 :] if other <= level), last)
