"""What the scanner says: findings, what the contract declared beforehand, limits, and the report of a folder.

A finding is a value, never an exception. `unsafe` means the file can do more than hold numbers, or tries to be read in
two ways; `unknown` means the scanner cannot vouch for it. Neither is green.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """Whether something unsafe was seen, or something that cannot be judged."""

    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What sort of finding it is."""

    GLOBAL = "global"  # a pickle names a class or function that is not on the allow-list
    CALL = "call"  # a pickle calls something in a way the allow-list does not cover
    FRAME = "frame"  # a pickle opcode crosses the bounds of its frame
    MALFORMED = "malformed"  # bytes that readers may take in different ways
    TRAILING = "trailing"  # bytes after the end of what the format says
    EXTENSION = "extension"  # a pickle uses the extension registry
    PERSISTENT = "persistent"  # a pickle uses persistent ids
    DTYPE = "dtype"  # a numpy type that numpy itself would not write
    LOADER = "loader"  # a skops or Keras node outside the allow-list
    TAG = "tag"  # YAML text with Python tags
    CODE = "code"  # source code that was not declared
    MEMBER = "member"  # an archive member that is not a plain one
    BOMB = "bomb"  # more bytes, members or levels than the limits allow
    FOREIGN = "foreign"  # a format that the scanner knows of and does not read
    UNRECOGNISED = "unrecognised"  # no format the scanner knows


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the scanner found. `file` is the name, with `!member` for each archive level.

    `at` is the place in that member, in bytes from its start, where there is one. `name` is the class or function that
    the finding is about, in full.
    """

    file: str
    kind: Kind
    what: str
    severity: Severity
    at: int | None = None
    name: str = ""

    def __str__(self) -> str:
        place = self.file if self.at is None else f"{self.file} at byte {self.at}"
        return f"{self.severity:<8} {printable(place, 400)}: {self.kind}: {self.what}"


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What the signed manifest admits to: code files by name, and classes a pickle or skops file may name.

    A class is written in full (`sklearn.linear_model._logistic.LogisticRegression`). Declaring never lifts the ban on
    the standard library and on packages that load or run code.
    """

    code: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much the scanner unpacks, per file. Beyond a limit the answer is a finding, not a longer scan."""

    unpacked_bytes: int = 1 << 30
    ratio: int = 200
    ratio_from_bytes: int = 16 << 20  # a short run of zeros may well shrink a thousandfold
    members: int = 10_000
    depth: int = 4
    findings: int = 200


NOTHING_DECLARED = Declared()
DEFAULT_LIMITS = Limits()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The scan of one folder. `digest` is the root over all files but the signature, from the very bytes scanned."""

    files: tuple[str, ...]
    findings: tuple[Finding, ...]
    canary_found: bool
    digest: str

    @property
    def unsafe(self) -> int:
        """The number of unsafe findings (the indicator `artefact_findings`)."""
        return sum(1 for one in self.findings if one.severity is Severity.UNSAFE)

    @property
    def unknown(self) -> int:
        """The number of findings the scanner could not judge."""
        return len(self.findings) - self.unsafe

    @property
    def clean(self) -> bool:
        """Whether the canaries were caught, something was read and nothing at all was found."""
        return self.canary_found and bool(self.files) and not self.findings


def unsafe(file: str, kind: Kind, what: str, at: int | None = None, name: str = "") -> Finding:
    """An unsafe finding; `what` is cut to one printable line."""
    return Finding(file=file, kind=kind, what=printable(what), severity=Severity.UNSAFE, at=at, name=name)


def unknown(file: str, kind: Kind, what: str, at: int | None = None) -> Finding:
    """A finding about something that cannot be judged."""
    return Finding(file=file, kind=kind, what=printable(what), severity=Severity.UNKNOWN, at=at)


def printable(text: str, length: int = 200) -> str:
    """One line of at most `length` printable characters: names inside an artefact are an attacker's to choose."""
    shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text[: length + 1])
    return shown if len(shown) <= length else shown[:length] + "…"
