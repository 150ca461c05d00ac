"""Reads the files of one contract, one step a file, and keeps what was read and what is wrong with it.

In: a `Root`. Out: parts and problems; `files/reader.py` puts them together. A file that cannot be read leaves None, and
the files after it are then checked as far as they can be without it, so that all faults come at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from shipworthy.contract import card, cross, incident_file, lock, manifest_reader, note, pack, slos, threats
from shipworthy.contract.change import MANIFEST, change_digest, change_files
from shipworthy.contract.files.named import Named, read_named
from shipworthy.contract.files.plugins import plugin_names
from shipworthy.contract.files.root import Root
from shipworthy.contract.lock import Lock
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.note import Note
from shipworthy.contract.problems import Findings, Mark, Path, Problem
from shipworthy.contract.record import FOLDER, DecisionRecord, read_record
from shipworthy.contract.strict_yaml import Reading
from shipworthy.contract.threats import ThreatModel
from shipworthy.facts import Case, Digest, Policy

_NO_RECORD = frozenset({"README.md", "index.md", "template.md", "adr-template.md"})
_ABOVE_RECORDS = ("docs", FOLDER)
_BEGIN = "run `shipworthy init`, which writes what is missing"


class Desk:
    """What has been read so far. None = not there, or not readable; `problems` tells which."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.names: tuple[str, ...] = root.names()
        self.problems: list[Problem] = []
        self.manifest: Manifest | None = None
        self.reading: Reading | None = None
        self.named = Named()
        self.policy: Policy | None = None
        self.pack: pack.Pack | None = None
        self.pack_marks: Mapping[Path, Mark] = {}
        self.records: tuple[DecisionRecord, ...] | None = None
        self.threats: ThreatModel | None = None
        self.digests: dict[str, Digest] = {}
        self.change: Digest | None = None
        self._unread: set[str] = set()

    @property
    def cases(self) -> tuple[Case, ...] | None:
        """The cases of the pack, none when there is no pack; None when it could not be read."""
        return self.pack.cases if self.pack is not None else None

    def read_manifest(self) -> None:
        """Read `shipworthy.yaml`."""
        raw = self._required(MANIFEST)
        if raw is None:
            return
        self.manifest, self.reading, problems = manifest_reader.read_manifest(raw)
        self.problems += problems

    def read_named(self) -> None:
        """Look at every file the manifest names: keys, data, code, lock file."""
        if self.manifest is not None and self.reading is not None:
            self.named = read_named(self.root, self.manifest, self.reading, self.names)
            self.problems += self.named.problems

    def read_policy(self) -> None:
        """Read `safety-slos.yaml`."""
        raw = self._required(slos.FILE)
        if raw is not None:
            self.policy, problems = slos.read_slos(raw, declared=cross.declared(self.manifest))
            self.problems += problems

    def read_pack(self) -> None:
        """Read `robustness-pack.yaml`, if there is one, and with it complete the digest of the change."""
        raw = self._optional(pack.FILE)
        if raw is not None:
            self.pack, reading, problems = pack.read_pack(raw, rows=self._rows())
            self.pack_marks = reading.marks
            self.problems += problems
        elif pack.FILE not in self.names:
            self.pack = pack.Pack(cases=())
        if self.manifest is not None and self.pack is not None:
            self._digest_change(self.manifest, self.pack.cases)

    def read_records(self) -> None:
        """Read `docs/decisions/*.md`, and see that each scope limit has its decision."""
        records = []
        whole = self._listed(*_ABOVE_RECORDS)
        for name in self.names:
            folder, _, file = name.rpartition("/")
            if folder == FOLDER and file.endswith(".md") and file not in _NO_RECORD:
                raw = self._optional(name)
                record, problems = read_record(raw, name) if raw is not None else (None, ())
                self.problems += problems
                records += [record] if record is not None else []
                whole = whole and record is not None
        self.records = tuple(records) if whole else None
        if self.manifest is not None and self.reading is not None and self.records is not None:
            found = Findings(MANIFEST, self.reading.marks)
            cross.limits_decided(self.manifest, self.records, found)
            self.problems += found.problems

    def read_incidents(self) -> None:
        """Read `incidents/*.yaml`: copies of records, which may be wrong and then mislead."""
        for name in self.names:
            folder, _, file = name.rpartition("/")
            raw = self._optional(name) if folder == incident_file.FOLDER and file.endswith(".yaml") else None
            if raw is not None:
                self.problems += incident_file.read_incident_file(raw, name, self.named.people)[1]

    def read_threats(self) -> None:
        """Read `threat-model.yaml`, if there is one, and see that each case's threat is in it."""
        raw = self._optional(threats.FILE)
        if raw is not None:
            to_bind = cross.bindable(self.policy, self.cases, self.records)
            model = self.manifest.model if self.manifest is not None else None
            self.threats, problems = threats.read_threats(raw, bindable=to_bind, model=model)
            self.problems += problems
        if raw is None or self.threats is not None:
            found = Findings(pack.FILE, self.pack_marks)
            cross.threats_known(self.cases or (), self.threats, found)
            self.problems += found.problems

    def read_card(self) -> card.Card | None:
        """Read `MODEL_CARD.md`."""
        raw = self._required(card.FILE)
        if raw is None:
            return None
        names = None if self.policy is None else [slo.name for slo in self.policy.slos]
        events = None if self.policy is None else [event.name for event in self.policy.never_events]
        read, problems = card.read_card(raw, slos=names, never_events=events)
        self.problems += problems
        return read

    def read_note(self) -> Note | None:
        """Read `deliberation-note.md`, and see that it speaks of this change."""
        raw = self._required(note.FILE)
        if raw is None:
            return None
        known = None if self.manifest is None else cross.measured(self.manifest, self.policy, self.cases)
        read, problems = note.read_note(raw, known=known)
        self.problems += problems
        stale = note.other_change(read, self.change) if read is not None and self.change is not None else None
        self.problems += [stale] if stale is not None else []
        return read

    def read_lock(self) -> Lock | None:
        """Read `shipworthy.lock`; without one this is the first release."""
        if lock.FILE not in self.names:
            self._no_folder(lock.FILE)
            return None
        found = Findings(lock.FILE)
        raw = self.root.read(lock.FILE, found, lock.MAX_BYTES)
        read, problems = lock.read_lock(raw) if raw is not None else (None, ())
        if read is not None and self.manifest is not None and read.subject.model != self.manifest.model:
            told = f"the lock is of {read.subject.model!r}, the manifest says {self.manifest.model!r}"
            found.at(1, told, "restore the lock of this model")
        self.problems += found.problems + problems
        return read

    def _required(self, name: str) -> bytes | None:
        if name not in self.names and not self.root.exists(name):
            self.problems.append(Problem(name, 1, 1, "missing", _BEGIN))
            return None
        return self._optional(name)

    def _no_folder(self, name: str) -> None:
        """Note a folder where a file of the contract belongs: it must not pass for a file that is not there."""
        if self.root.exists(name):
            self.problems.append(Problem(name, 1, 1, "a folder, not a file", "remove it and restore the file"))

    def _listed(self, *folders: str) -> bool:
        """Return False after noting a link, a file or a closed folder where a folder belongs: it looks like no folder.

        What `names` holds under such a name is all there is of it.
        """
        found = [name for name in folders if name in self.names]
        for name in found:
            self.problems.append(Problem(name, 1, 1, "not a folder that can be read", "restore the folder itself"))
        return not found

    def _optional(self, name: str) -> bytes | None:
        if name not in self.names:
            self._no_folder(name)
            return None
        found = Findings(name)
        raw = self.root.read(name, found)
        self.problems += found.problems
        self._unread |= {name} if raw is None else set()
        return raw

    def _digest_change(self, manifest: Manifest, cases: tuple[Case, ...]) -> None:
        """Set the digest of the change, when every file that belongs to it is there and could be read."""
        belonging = change_files(manifest, self.names, cases)
        for name in belonging:
            if name in self._unread:
                continue  # told already; a file beyond the cap is not read a second time for its digest
            found = Findings(name)
            known = self.named.digests.get(name) or self.root.digest(name, found)
            self.problems += found.problems
            if known is not None:
                self.digests[name] = known
        if self.named.whole and set(belonging) == set(self.digests):
            self.change = change_digest(self.digests)

    def _rows(self) -> pack.Rows:
        if self.manifest is None:
            return pack.Rows(files=frozenset(self.names), plugins=plugin_names)
        tables = self.named.columns
        names = None if tables is None else cross.inputs(self.manifest).union(self._case_columns(), *tables.values())
        return pack.Rows(
            names=names,
            datasets=tables,
            files=frozenset(self.names),
            segment_keys=manifest_reader.key_values(self.manifest),
            model=self.manifest.model,
            plugins=plugin_names,
            words=frozenset(msgspec.structs.astuple(self.manifest.decisions)),
        )

    def _case_columns(self) -> frozenset[str]:
        """Return the columns of all tables in `cases/` that have a header."""
        columns: set[str] = set()
        for name in self.names:
            if name.startswith(f"{pack.FOLDER}/") and name.endswith(pack.CSV):
                found = Findings(name)
                columns |= set(self.root.columns(name, found) or ())
                self.problems += found.problems
        return frozenset(columns)
