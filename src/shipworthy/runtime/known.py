"""Whether a release is one of this site: a folder names the keys it is verified with, so its signatures are not enough.

In: the entries of this site's own ledger and an admitted release. Out: nothing, or CannotDecide. The baseline must have
shipped here. A candidate must be of its model, and either stand in the ledger as exactly this subject or be verified
with the issuers that the baseline pins. An entry that carries the lock's terms pins keys and people as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import terms_digest
from shipworthy.errors import CannotDecide
from shipworthy.facts import Digest, Entry, Subject
from shipworthy.runtime.overridden import admit
from shipworthy.runtime.subject import subject_of

ADMITTED = "deploy.admitted"
_LET_IN = ("gate.shipped", "gate.overridden", ADMITTED)
_FIX = "`shipworthy ship` it from its repository on this site"


def check_release(entries: Iterable[Entry], baseline: str, folder: Path, one: Contract, now: str) -> None:
    """Raise CannotDecide unless the admitted release in `folder` is one of this site. `now`: RFC 3339."""
    if one.manifest.version != folder.name:
        raise CannotDecide(f"it is version {one.manifest.version}", str(folder), "restore the folder of this version")
    entries = tuple(entries)
    if folder.name == baseline:
        _check_shipped(entries, folder, one)
        return
    first = baseline_contract(entries, folder.parent, baseline, now)
    if one.manifest.model != first.manifest.model:
        what = f"it is of the model {one.manifest.model!r}, this site serves {first.manifest.model!r}"
        raise CannotDecide(what, str(folder), "a site serves one model: give another one its own --home")
    if one.issuers != first.issuers:
        _check_shipped(entries, folder, one)


def baseline_contract(entries: Iterable[Entry], releases: Path, baseline: str, now: str) -> Contract:
    """Return the contract of the baseline. Raises CannotDecide unless it is admitted and this site shipped it."""
    if not baseline:
        raise CannotDecide("no version has shipped yet: there is no baseline", str(releases))
    first, _ = admit(releases / baseline, now)
    _check_shipped(entries, releases / baseline, first)
    return first


def unpinned(entries: Iterable[Entry], folder: Path, one: Contract) -> dict[str, Any] | None:
    """Return the body of the entry that pins a checked release whole, or None when the ledger has it already."""
    subject = subject_of(folder, one)
    return None if _pin(entries, subject) else {"subject": subject, "terms": _terms(one)}


def _check_shipped(entries: Iterable[Entry], folder: Path, one: Contract) -> None:
    pin = _pin(entries, subject_of(folder, one))
    if pin is None:
        raise CannotDecide("the ledger of this site knows no such release", str(folder), _FIX)
    if pin and pin != _terms(one):
        raise CannotDecide("its lock is not the one that this site knows this release by", str(folder), _FIX)


def _pin(entries: Iterable[Entry], subject: Subject) -> Digest | None:
    """Return the terms that the last entry about a subject pins, "" when none does, None without an entry.

    An entry without terms, such as a gate elsewhere may post, takes no pin away.
    """
    pin = None
    for entry in entries:
        if entry.kind in _LET_IN and _subject(entry) == subject:
            pin = str(entry.body.get("terms", "")) or pin or ""
    return pin


def _subject(entry: Entry) -> Subject:
    try:
        one: Subject = entry.read(Subject, "subject")
    except (KeyError, ValueError) as error:
        raise CannotDecide(f"the body does not fit {entry.kind}: {error}", f"entry {entry.seq}") from error
    return one


def _terms(one: Contract) -> Digest:
    if one.lock is None:
        raise CannotDecide("the gate has not passed this version", "shipworthy.lock", "run `shipworthy ship`")
    return terms_digest(one.lock)
