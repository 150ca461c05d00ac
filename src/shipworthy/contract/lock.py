"""`shipworthy.lock`: the contract that shipped last, in full, so that the gate works in an empty CI runner.

In: the file's text. Out: a `Lock`, or every fault. `render_lock` writes deterministic JSON, one value a line, keys
sorted, so that a diff of two releases can be read. The last shipped contract judges every loosening of the next one,
hence the lock holds what could be loosened as values, not as digests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from shipworthy.contract.assistant import Assistant
from shipworthy.contract.convert import convert
from shipworthy.contract.drills import Drills
from shipworthy.contract.manifest import (
    Dataset,
    Decisions,
    Endpoint,
    Feature,
    Label,
    Relation,
    Review,
    Rollout,
    ScopeLimit,
    Stakes,
    Throttles,
)
from shipworthy.contract.on_call import OnCall
from shipworthy.contract.pack import case_files
from shipworthy.contract.problems import Findings, Problem
from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.contract.standing import Standing
from shipworthy.contract.strict_json import read_json
from shipworthy.contract.strict_yaml import Reading
from shipworthy.facts import Case, Digest, Fact, Oracle, PairedRows, Person, Policy, Subject, canonical, digest

FILE = "shipworthy.lock"
MAX_BYTES = 16 << 20
LEARNED_FROM = ("train", "calibration")
"""Datasets that a model and its thresholds learn from: their rows are the author's, those of all others are a bar."""
_HEX = re.compile(r"(?:[0-9a-f]{4})*")


class IssuerKeys(Fact, frozen=True, kw_only=True):
    """The texts of the pinned public keys (PEM)."""

    signing: str
    verdict: str


class LockedCase(Fact, frozen=True, kw_only=True):
    """What could be weakened of one pack case. `material` is the digest of its input or generator and of its rows."""

    id: str
    kind: str
    clause: str
    severity: str
    trial: bool
    segment: str
    oracle: Oracle
    material: Digest


class Lock(Fact, frozen=True, kw_only=True):
    """The last shipped release. `verdict` is the DSSE text; `bits` holds one outcome per row of each paired case.

    `standing` holds the decisions against deployment that stood when it shipped: deleting a record takes none back.
    `rows` holds the digest of the rows of each dataset that something was judged on.
    `first_shipped`: when a version of this model first shipped (RFC 3339), "" in a lock of before it was kept.
    `seed` is that of the pack, None in a lock that was written before it was kept.
    `values` holds what was measured, by `<slo> on <segment>` or `case:<id>`: the next release prints the difference.
    """

    schema: Literal["shipworthy/lock@1"] = "shipworthy/lock@1"
    subject: Subject
    verdict: str
    policy: Policy
    pack: tuple[LockedCase, ...]
    people: tuple[Person, ...]
    issuers: IssuerKeys
    stakes: Stakes
    segment_keys: tuple[str, ...]
    features: tuple[Feature, ...]
    decisions: Decisions
    endpoints: tuple[Endpoint, ...]
    datasets: dict[str, Dataset]
    scope_limits: tuple[ScopeLimit, ...]
    fallback: str
    kill_fallback: str
    idempotent: bool = True
    label: Label
    review: Review | None = None
    unit: str | None = None
    tenant: str | None = None
    alarms: dict[str, float] = {}
    throttles: Throttles | None = None
    rollout: Rollout | None = None
    retention: dict[str, str] = {}
    review_queue: ReviewQueue = ReviewQueue()
    drills: Drills = Drills()
    values: dict[str, float] = {}
    standing: tuple[Standing, ...] = ()
    rows: dict[str, Digest] = {}
    relations: tuple[Relation, ...] = ()
    scan_classes: tuple[str, ...] = ()
    assistant: Assistant | None = None
    on_call: OnCall | None = None
    first_shipped: str = ""
    seed: int | None = None
    bits: dict[str, str] = {}
    paired: PairedRows | None = None
    checkpoint: str = ""


_YOUNGER: dict[str, Any] = {
    "review_queue": msgspec.to_builtins(ReviewQueue()),
    "drills": msgspec.to_builtins(Drills()),
    "on_call": None,
    "first_shipped": "",
}


def read_lock(source: str | bytes, file: str = FILE) -> tuple[Lock | None, tuple[Problem, ...]]:
    """Return the lock, or None with every fault. Its signatures are checked by the gate, not here."""
    reading = read_json(source, file, MAX_BYTES)
    if isinstance(reading.value, dict):
        reading = Reading(file, _joined(reading.value), reading.marks, reading.problems, reading.whole)
    lock, problems = convert(reading, Lock)
    if lock is None:
        return None, problems
    found = Findings(file, reading.marks)
    restore = "the lock is written by `shipworthy ship`: restore it from version control"
    if lock.paired is not None and not _HEX.fullmatch(lock.paired.scores):
        found.add((), "paired.scores is not a row of 4-digit hex numbers", restore)
    if not lock.policy.slos:
        found.add((), "the locked policy is empty", restore)
    if digest(lock.policy) != lock.subject.policy:
        found.add((), "the locked policy is not the one that was judged", restore)
    return (None if found.problems else lock), found.problems


def terms_digest(lock: Lock) -> Digest:
    """Return the digest of all that the lock holds against the next contract: everything but verdict and checkpoint.

    Whoever signs the verdict signs this as well; otherwise a lock could be edited to be easier to satisfy. Fields that
    are younger than locks which are out there count only where they say something: what was signed without them holds.
    """
    terms: dict[str, Any] = msgspec.to_builtins(lock)
    left_out = {"verdict", "checkpoint", *(key for key, default in _YOUNGER.items() if terms[key] == default)}
    return digest({key: value for key, value in terms.items() if key not in left_out})


def render_lock(lock: Lock) -> str:
    """Return the text of the file. Long rows of scores and bits are cut into lines of 96 characters.

    Raises ValueError when a number in it is not finite.
    """
    plain: dict[str, Any] = msgspec.json.decode(canonical(lock))
    plain["bits"] = {case: _cut(bits) for case, bits in sorted(lock.bits.items())}
    if lock.paired is not None:
        plain["paired"]["scores"] = _cut(lock.paired.scores)
    ordered = msgspec.json.encode(plain, order="sorted")
    return msgspec.json.format(ordered, indent=1).decode() + "\n"


def locked_cases(cases: tuple[Case, ...], files: Mapping[str, Digest]) -> tuple[LockedCase, ...]:
    """Return what the lock keeps of a pack. `files` gives the digests of the rows that cases read."""
    return tuple(
        LockedCase(
            id=case.id,
            kind=case.kind,
            clause=case.clause,
            severity=case.severity,
            trial=case.trial,
            segment=case.segment,
            oracle=case.oracle,
            material=material(case, files),
        )
        for case in sorted(cases, key=lambda case: case.id)
    )


def material(case: Case, files: Mapping[str, Digest]) -> Digest:
    """Return the digest of what a case runs on: its input or generator, and the bytes of the files it names."""
    rows = [files.get(name, "") for name in case_files(case)]
    return digest({"input": case.input, "generator": case.generator, "rows": rows})


def _joined(value: dict[str, Any]) -> dict[str, Any]:
    paired, bits = value.get("paired"), value.get("bits")
    joined = dict(value)
    if isinstance(paired, dict):
        joined["paired"] = {**paired, "scores": _whole(paired.get("scores"))}
    if isinstance(bits, dict):
        joined["bits"] = {case: _whole(lines) for case, lines in bits.items()}
    return joined


def _cut(text: str, width: int = 96) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


def _whole(lines: Any) -> Any:  # noqa: ANN401
    """Return the lines as one text, or the value as it is when it is not lines: then the types refuse it."""
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        return "".join(lines)
    return lines
