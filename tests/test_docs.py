"""The docs say what the code does: reference pages are made from it, and every command in a shell block exists.

`python -m tests.test_docs --write` writes the pages of `docs/reference/`.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipworthy.cli import VERBS
from shipworthy.ledger.fold import CHANGES
from tests.cli import reference
from tests.cli.commands import commands, complaint

ROOT = reference.ROOT
BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def documents() -> list[Path]:
    """Return README and every page below docs/ and examples/."""
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")]
    return sorted(path for path in found if path.is_file())


def lines() -> Iterator[tuple[str, str]]:
    """Yield (file, command line) of every shell block."""
    for path in documents():
        for block in BLOCK.findall(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.strip().removeprefix("$ ").partition(" #")[0].strip()
                if command and not command.startswith("#"):
                    yield str(path.relative_to(ROOT)), command


def wrong(line: str) -> str:
    """Return what is wrong with one command line, "" when nothing is."""
    for part in re.split(r"\s*(?:&&|\|\||;|\|)\s*", line):
        words = shlex.split(part)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        told = _wrong(words)
        if told:
            return f"{part}: {told}"
    return ""


def _wrong(words: list[str]) -> str:
    if not words:
        return ""
    name = words[0].rpartition("/")[2]
    if name == "make":
        targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
        asked = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        return ", ".join(f"no target {word}" for word in asked if word not in targets)
    if name == "shipworthy":
        return complaint(_up_to_redirect(words[1:]))
    if name in ("python", "python3") and words[1:2] == ["-m"]:
        if words[2] in ("shipworthy", "shipworthy.cli"):
            return complaint(_up_to_redirect(words[3:]))
        known = importlib.util.find_spec(words[2]) is not None
        return "" if known else f"no module {words[2]}"
    return ""


def _up_to_redirect(words: list[str]) -> list[str]:
    at = next((index for index, word in enumerate(words) if word[:1] in "<>" or word.startswith("2>")), len(words))
    return [word for word in words[:at] if word != "&"]


@pytest.mark.parametrize("name", reference.pages())
def test_a_reference_page_is_what_the_code_says_now(name: str) -> None:
    path = reference.FOLDER / name
    assert path.is_file(), "run `python -m tests.test_docs --write`"
    assert path.read_text(encoding="utf-8") == reference.pages()[name], "run `python -m tests.test_docs --write`"


def test_every_verb_and_every_part_of_it_is_documented() -> None:
    text = (reference.FOLDER / "cli.md").read_text(encoding="utf-8")
    for words, _ in commands():
        assert f"# {words}\n" in text
    assert set(VERBS) <= {words for words, _ in commands()}


def test_every_exit_code_is_documented() -> None:
    text = (reference.FOLDER / "exit-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == ["0", "1", "2", "3", "4", "5", "70"]


def test_every_kind_of_entry_that_is_written_is_documented() -> None:
    kinds = reference.written_kinds()
    assert kinds - set(CHANGES) == set(reference.NOTES)


def test_no_page_in_the_folder_is_left_over() -> None:
    written_by_hand = {path.name for path in reference.FOLDER.glob("*.md")} - set(reference.pages())
    for name in written_by_hand:
        assert reference.MADE not in (reference.FOLDER / name).read_text(encoding="utf-8")


def test_every_command_in_a_shell_block_exists_with_its_options() -> None:
    assert [f"{file}: {told}" for file, line in lines() if (told := wrong(line))] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("make run", ""),
        ("make rnu", "no target rnu"),
        ("shipworthy check && shipworthy gate --format markdown", ""),
        ("shipworthy --root examples/claims-triage check --json", ""),
        ("shipworthy gaet", "no verb 'gaet'"),
        ("shipworthy gate --formt json", "No such option"),
        ("shipworthy kill --as ana", "misses because"),
        ("shipworthy rollout start 2 --as ana", ""),
        ("shipworthy train -- python -B train.py", ""),
        ("shipworthy train", "misses command"),
        ("shipworthy rollout start --as ana", "misses version"),
        ("shipworthy check now", "too much"),
        ("shipworthy ledger checkpoint > kept.txt", ""),
        ("python -m shipworthy check", ""),
        ("python -m no_such_module", "no module"),
        ("curl -s http://127.0.0.1:8080/status", ""),
    ],
)
def test_the_check_of_commands_finds_what_is_wrong(line: str, told: str) -> None:
    assert told in wrong(line)
    assert bool(told) == bool(wrong(line))


def test_every_link_inside_the_docs_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def write() -> None:
    """Write the reference pages."""
    reference.FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in reference.pages().items():
        (reference.FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.test_docs --write")
    write()
