"""A pickle read opcode by opcode and never unpickled.

In: bytes, and the classes the manifest declared. Out: findings. The walker keeps the same stack, marks and memo as the
real machine but only names and shapes on them, so it knows which class every call would reach. It fails closed: what it
cannot resolve, an unlisted name, an unlisted way to call a listed one, a frame that does not close where it says, bytes
after the end are all unsafe. Files by joblib carry raw array bytes between opcodes; those are measured and skipped, and
because `pickle.load` would read them as opcodes, such a file is walked in both ways.
"""

from __future__ import annotations

from shipworthy.artifact.scan.findings import Declared, Finding, Kind, Limits, unsafe
from shipworthy.artifact.scan.machine import Machine
from shipworthy.artifact.scan.opcodes import Broken

_PROTOCOLS = 16


class Walk:
    """How far a walk came: the findings, whether an unpickler would run something here, whether STOP was reached."""

    __slots__ = ("active", "arrays", "broken", "end", "findings", "last", "stopped")

    def __init__(self, file: str, machine: Machine, broken: Broken | None, base: int) -> None:
        self.findings = [unsafe(file, one.kind, one.what, base + one.at, one.name) for one in machine.problems.values()]
        # A call was met, or the walker gave up where an unpickler goes on and may meet one.
        goes_on = machine.calls > 0 or (broken is not None and not broken.ends)
        self.active = goes_on and not machine.stops_plainly
        self.stopped = broken is None
        self.broken = broken
        self.end = machine.reader.at
        self.last = base + machine.reader.opcode_at
        self.arrays = machine.arrays


def looks_like_pickle(blob: bytes) -> bool:
    """Whether the bytes begin as protocol 2 and later do, those not invented yet included."""
    return len(blob) >= 2 and blob[0] == 0x80 and blob[1] < _PROTOCOLS


def walk(file: str, blob: bytes, declared: Declared, limits: Limits, joblib: bool = True, base: int = 0) -> Walk:
    """Walks to STOP or to the first thing that cannot be read. Never raises. `base`: where in its file it begins."""
    machine = Machine(blob, declared.classes, joblib=joblib, most_problems=limits.findings)
    try:
        machine.run()
    except Broken as broken:
        return Walk(file, machine, broken, base)
    return Walk(file, machine, None, base)


def scan_pickle(file: str, blob: bytes, declared: Declared, limits: Limits, base: int = 0) -> tuple[Finding, ...]:
    """Findings of a file that is a pickle; a pickle that is read to its very end without any is clean."""
    first = walk(file, blob, declared, limits, base=base)
    return first_findings(file, blob, first, declared, limits, base)


def first_findings(
    file: str, blob: bytes, first: Walk, declared: Declared, limits: Limits, base: int = 0
) -> tuple[Finding, ...]:
    """The findings of a walk, what ended it, and those of the plain reading where joblib's differs."""
    found = list(first.findings)
    if first.broken is not None:
        found.append(unsafe(file, first.broken.kind, first.broken.what, first.last))
    elif first.end != len(blob):
        rest = len(blob) - first.end
        found.append(unsafe(file, Kind.TRAILING, f"{rest} bytes after the end of the pickle", base + first.end))
    if first.arrays:
        found += _read_plainly(file, blob, declared, limits, base)
    return tuple(dict.fromkeys(found))


def _read_plainly(file: str, blob: bytes, declared: Declared, limits: Limits, base: int) -> list[Finding]:
    """What `pickle.load` would meet in a joblib file: it should stop for good at the first array of numbers."""
    plain = walk(file, blob, declared, limits, joblib=False, base=base)
    found = [one for one in plain.findings if one.kind is Kind.GLOBAL]
    if plain.broken is not None and not plain.broken.ends:
        found.append(unsafe(file, plain.broken.kind, f"read without joblib: {plain.broken.what}", plain.last))
    return found
