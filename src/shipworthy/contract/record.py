"""Decision records in `docs/decisions/*.md`: MADR 4 (https://adr.github.io/madr/) with the front matter we need.

In: the text of one record. Out: a `DecisionRecord`, or every fault with its line. A record may cover one exact
loosening of the contract: `covers` is the digest of that diff and `approvals` are signatures over it, checked by the
gate against the people of the contract that shipped last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shipworthy.contract.convert import convert
from shipworthy.contract.front_matter import plain, read_document, sections
from shipworthy.contract.problems import Findings, Problem, did_you_mean
from shipworthy.facts import Approval, Digest, Fact

FOLDER = "docs/decisions"
STATUSES = ("proposed", "accepted", "rejected", "deprecated", "superseded")
KINDS = (
    "acceptance", "decision", "do-not-deploy", "loosening", "override", "reversal", "retire", "safety-review",
)  # fmt: skip
REQUIRED = ("Context and Problem Statement", "Decision Outcome")
_ABOUT = ("do-not-deploy", "retire")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Dissent(Fact, frozen=True, kw_only=True):
    """A disagreement that is kept: who, and their point in their words."""

    who: str
    point: str


class Promised(Fact, frozen=True, kw_only=True, rename="kebab"):
    """One action of a review. `kind`: `threshold`, `test`, `rollout` or `owner`; `verify` is a command or a check."""

    id: str
    kind: str
    target: str
    value: str | float | int | bool | None = None
    owner: str
    due: str
    verify: str = ""


class RecordFront(Fact, frozen=True, kw_only=True, rename="kebab"):
    """The front matter of a record, with MADR's key names.

    `applies-to` is the version that a decision against deployment is about (`*` = all), `recorded` the moment it was
    signed; `reverses` names the record that a reversal takes back.
    """

    status: str
    date: str
    decision_makers: tuple[str, ...]
    consulted: tuple[str, ...] = ()
    informed: tuple[str, ...] = ()
    kind: str = "decision"
    pre_read: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    feedback_changed: str = ""
    dissent: tuple[Dissent, ...] = ()
    actions: tuple[Promised, ...] = ()
    next_review: str | None = None
    covers: Digest | None = None
    applies_to: str | None = None
    recorded: str | None = None
    reverses: str | None = None
    approvals: tuple[Approval, ...] | None = None


class DecisionRecord(Fact, frozen=True, kw_only=True):
    """One decision. `id` is the file's name without `.md`; `outcome` is the text of Decision Outcome."""

    id: str
    file: str
    title: str
    outcome: str
    front: RecordFront

    @property
    def accepted(self) -> bool:
        """True while the decision stands."""
        return self.front.status == "accepted"

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Return the approvals of what the record covers; who relies on one checks its signature."""
        return self.front.approvals or ()

    @property
    def names(self) -> tuple[str, ...]:
        """What people may call it: its id, its path, its file name, and the number the id begins with."""
        return self.id, self.file, f"{self.id}.md", self.id.partition("-")[0]

    def answers_to(self, name: str) -> bool:
        """True when `name` means this record."""
        return name in self.names


def read_record(source: str | bytes, file: str) -> tuple[DecisionRecord | None, tuple[Problem, ...]]:
    """Return the record, or None with every fault."""
    document = read_document(source, file)
    front, problems = convert(document.front, RecordFront)
    found = Findings(file, document.front.marks, problems)
    parts = sections(document)
    for title in REQUIRED:
        text = next((part.text for part in parts if plain(part.title) == plain(title)), None)
        if not text:
            found.at(document.body_line, f"missing section {title!r}", f"add `## {title}` and say it")
    if front is not None:
        _rules(front, found)
    if front is None or found.problems:
        return None, found.problems
    title = next((part.title for part in parts if part.level == 1), "")
    outcome = next(part.text for part in parts if plain(part.title) == plain(REQUIRED[1]))
    stem = file.rpartition("/")[2].removesuffix(".md")
    return DecisionRecord(id=stem, file=file, title=title or stem, outcome=outcome, front=front), ()


def find_record(records: Iterable[DecisionRecord], name: str) -> DecisionRecord | None:
    """Return the record of that name, or None."""
    return next((record for record in records if record.answers_to(name)), None)


def _rules(front: RecordFront, found: Findings) -> None:
    status = front.status.partition(" ")[0]  # MADR writes "superseded by ADR-0123"
    if status not in STATUSES:
        found.add(("status",), f"status: {front.status!r} is not allowed", did_you_mean(status, STATUSES))
    if front.kind not in KINDS:
        found.add(("kind",), f"kind: {front.kind!r} is not allowed", did_you_mean(front.kind, KINDS))
    if not front.decision_makers:
        found.add(("decision-makers",), "nobody made this decision", "name at least one person")
    if front.covers is not None and not _DIGEST.fullmatch(front.covers):
        found.add(
            ("covers",), "covers is not a digest", "write sha256: and 64 hex digits, as `shipworthy gate` prints it"
        )
    if front.kind in _ABOUT and not (front.applies_to or "").strip():
        told = f"a {front.kind} that names no version"
        found.add(("kind",), told, "write `applies-to:` and the version, or '*'")
    if front.kind == "reversal" and not (front.reverses or "").strip():
        found.add(("kind",), "a reversal of nothing", "write `reverses:` and the id of the record")
    for index, approval in enumerate(front.approvals or ()):
        if approval.what != front.covers:
            told = f"the approval of {approval.person} is over another change than `covers`"
            found.add(("approvals", index, "what"), told, "ask for an approval of exactly this change")
