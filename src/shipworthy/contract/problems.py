"""A fault found in a contract file, as a value: what, where, and how to mend it.

In: what the readers find. Out: every fault of every file at once, each with line and column, so that a person mends the
contract in one go. A fault is never an exception: a bad contract is a finding, not a failure of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

Path = tuple[str | int, ...]
Mark = tuple[int, int]  # line and column, both counted from 1

INVALID = 3  # exit code: a contract file is missing, unreadable or invalid
UNPROVEN = 4  # exit code: cannot decide, for example a note of another change
MOST = 100  # faults told of one file: who sees more mends none of them
LONGEST = 900  # characters of a text that is told: a fault may quote what a hostile file holds
_COMPARED = 64  # characters of a word that are compared with known ones


class Problem(msgspec.Struct, frozen=True):
    """One fault. `line` and `column` count from 1; `exit_code` is what the command line answers with."""

    file: str
    line: int
    column: int
    what: str
    fix: str
    exit_code: int = INVALID

    def __str__(self) -> str:
        told = f"{self.file}:{self.line}:{self.column}: {self.what}"
        return f"{told} — {self.fix}" if self.fix else told


class Findings:
    """Collects the faults of one file. A place is the path of a value (`("slos", 0, "target")`) or a line."""

    def __init__(self, file: str, marks: Mapping[Path, Mark] | None = None, earlier: Iterable[Problem] = ()) -> None:
        self.file = file
        self.marks = marks or {}
        self._found = list(earlier)

    def add(self, path: Path, what: str, fix: str, exit_code: int = INVALID) -> None:
        """Add a fault at the value of that path, or at its nearest parent that is in the file."""
        line, column = self.mark(path)
        self._found.append(Problem(self.file, line, column, plainly(what), plainly(fix), exit_code))

    def at(self, line: int, what: str, fix: str, exit_code: int = INVALID, column: int = 1) -> None:
        """Add a fault at a line, and at a column where one is known."""
        self._found.append(Problem(self.file, line, column, plainly(what), plainly(fix), exit_code))

    @property
    def full(self) -> bool:
        """True when more faults were found than are told: there is no use in looking for the rest."""
        return len(self._found) > MOST

    def mark(self, path: Path) -> Mark:
        """Return the line and column of a path, or of its nearest parent that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return 1, 1

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All faults, in the order of the file, each told once."""
        return tuple(sorted(dict.fromkeys(self._found), key=lambda found: (found.line, found.column)))


def plainly(text: str) -> str:
    """Return the text as it may be shown: in one line, of bounded length, and without a character that does something.

    >>> plainly("unknown key \\x1b[31m\\n")
    'unknown key \\\\x1b[31m\\\\n'
    """
    told = text[: LONGEST + 1]
    if not told.isprintable():
        told = "".join(one if one.isprintable() else repr(one)[1:-1] for one in told)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def label(path: Path) -> str:
    """Return the text of a path.

    >>> label(("slos", 0, "target"))
    'slos[0].target'
    """
    told = ""
    for part in path:
        told += f"[{part}]" if isinstance(part, int) else f".{part}" if told else part
    return told


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return advice that names the nearest known word, if one is near, and all the known ones."""
    import difflib  # only a faulty contract pays for it

    listed = sorted(known)
    near = difflib.get_close_matches(word[:_COMPARED], listed, n=1, cutoff=0.6)
    told = f"known: {', '.join(listed)}" if listed else "none is known here"
    return f"did you mean {near[0]!r}? {told}" if near else told


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems of many files, file by file, top to bottom, each told once, at most `MOST` of a file."""
    by_file: dict[str, list[Problem]] = {}
    for found in sorted(dict.fromkeys(problems), key=lambda one: (one.file, one.line, one.column, one.what)):
        by_file.setdefault(found.file, []).append(found)
    return tuple(told for found in by_file.values() for told in _most(found))


def _most(found: list[Problem]) -> list[Problem]:
    """Return the first `MOST`, and what the rest comes to: invalid if one of them is."""
    rest = found[MOST:]
    if not rest:
        return found
    worst = min(one.exit_code for one in rest)
    return [*found[:MOST], Problem(rest[0].file, rest[0].line, 1, "more faults below", "mend those above first", worst)]
