"""What is finished is kept, so that an interrupted run goes on: one file a mutant, named by all that decides it.

In: the subject, the lock, the traffic and the versions of everything that measures. Out: a folder under
`.shipworthy/cache/strength/`. A file that cannot be read is as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from shipworthy import __version__
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.files.written import write_whole
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import terms_digest
from shipworthy.evaluate.mutants.catalogue import VERSION
from shipworthy.evaluate.mutants.kind import Mutant
from shipworthy.facts import Digest, Fact, Subject, canonical, digest
from shipworthy.flows.pinned import distributions, platform_name
from shipworthy.runtime.workspace import Workspace

Told = TypeVar("Told", bound=Fact)
_SOURCE = Path(__file__).resolve().parents[2]


class Kept:
    """The finished results of one release under one contract."""

    def __init__(self, folder: Path, key: Digest) -> None:
        self.folder = folder
        self.key = key

    def read(self, name: str, what: object, kind: type[Told]) -> Told | None:
        """Return a kept result, None when there is none of exactly this."""
        try:
            return msgspec.json.decode(self._path(name, what).read_bytes(), type=kind, strict=True)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, name: str, what: object, told: Fact) -> None:
        """Keep a result, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._path(name, what), canonical(told) + b"\n")

    def _path(self, name: str, what: object) -> Path:
        return self.folder / f"{name}-{digest({'key': self.key, 'what': what})[7:23]}.json"


def kept_for(workspace: Workspace, contract: Contract, subject: Subject) -> Kept:
    """Return where the results of this subject are kept."""
    lock = None if contract.lock is None else terms_digest(contract.lock)
    key = digest({"subject": subject, "lock": lock, "data": _data(contract), **_tools()})
    return Kept(workspace.root / ".shipworthy" / "cache" / "strength" / digest(subject)[7:23], key)


def of_mutant(mutant: Mutant, base: Digest) -> dict[str, object]:
    """Return what decides the result of one mutant beside the subject: itself, and what the release showed."""
    return {"mutant": mutant, "base": base}


def _data(contract: Contract) -> Mapping[str, Digest]:
    return {name: contract.digests[name] for name in sorted(contract.digests)}


def _tools() -> dict[str, object]:
    """Our own source and what is installed: a check that measures otherwise gives another result."""
    source = digest([(name, hexed) for name, hexed in hash_folder(_SOURCE) if name.endswith(".py")])
    return {
        "catalogue": VERSION,
        "version": __version__,
        "source": source,
        "installed": distributions(),
        "platform": platform_name(),
    }
