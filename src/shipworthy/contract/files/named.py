"""The files that a manifest names: do they exist, are the keys keys, is the data what the record says?

In: the repository and its manifest. Out: key texts, digests of data and the columns of its tables, and every fault,
told at the line of the manifest that names the file (or in the file, where the fault is inside it).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from shipworthy.contract.change import MANIFEST, data_files, matches
from shipworthy.contract.files.root import Root
from shipworthy.contract.lock import IssuerKeys
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.manifest_reader import named_files
from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean
from shipworthy.contract.stakes import is_dev_key
from shipworthy.contract.starter.split import TRAIN, read_copy, source_names, tells_split
from shipworthy.contract.strict_yaml import Reading
from shipworthy.expr import ExprError, compile_expr
from shipworthy.facts import Digest, Person

_SSH_ED25519 = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
_KEY_LIMIT = 1 << 16
_REMARK = 200  # characters of a line beside a key


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What the named files hold. `columns`, of each dataset, is None when a table could not be read.

    `whole`: every file that belongs to the change is there.
    """

    people: tuple[Person, ...] = ()
    issuers: IssuerKeys | None = None
    digests: dict[str, Digest] = {}
    columns: dict[str, frozenset[str]] | None = None
    dev_keys: tuple[str, ...] = ()
    whole: bool = False
    problems: tuple[Problem, ...] = ()


def read_named(root: Root, manifest: Manifest, reading: Reading, names: tuple[str, ...]) -> Named:
    """Return what the named files hold, with every fault."""
    found = Findings(MANIFEST, reading.marks)
    whole = _exist(manifest, names, found)
    texts, in_keys = _keys(root, manifest, names)
    people = tuple(ref.with_key(texts[ref.key]) for ref in manifest.people if ref.key in texts)
    _shared(people, manifest, found)
    _undivided(root, manifest, names, found)
    digests, in_files = _data(root, manifest, names, found)
    columns, in_tables = _columns(root, manifest, names, found)
    signing, verdict = manifest.issuers.signing, manifest.issuers.verdict
    both = signing in texts and verdict in texts
    return Named(
        people=people,
        issuers=IssuerKeys(signing=texts[signing], verdict=texts[verdict]) if both else None,
        digests=digests,
        columns=columns,
        dev_keys=tuple(sorted(name for name, text in texts.items() if is_dev_key(name, text))),
        whole=whole,
        problems=found.problems + in_keys + in_files + in_tables,
    )


def _exist(manifest: Manifest, names: tuple[str, ...], found: Findings) -> bool:
    """Note each named file that is not there; return True when all of those are there that belong to the change."""
    there, whole = frozenset(names), True
    for path, name in named_files(manifest):
        if path[0] == "artefacts" or name in there:
            continue  # weights are made by `build`, and looked at by the gate
        if path[0] == "code":
            if any(matches(name, other) for other in names):
                continue
            found.add(path, f"code {name!r} names no file", "mend the path: `src`, `train.py` or `src/**/*.py`")
        elif path[0] in ("people", "issuers"):
            found.add(path, f"no public key {name!r}", "add the file, or run `shipworthy keys new`")
        else:
            found.add(path, f"no file {name!r}", did_you_mean(name, _near(name, names)))
        whole = whole and path[0] in ("people", "issuers")
    return whole


def _near(name: str, names: tuple[str, ...]) -> list[str]:
    folder = name.rpartition("/")[0]
    return [other for other in names if other.rpartition("/")[0] == folder][:12]


def _keys(root: Root, manifest: Manifest, names: tuple[str, ...]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    texts: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    kinds = {person.key: "ssh" for person in manifest.people}
    kinds |= {manifest.issuers.signing: "pem", manifest.issuers.verdict: "pem"}
    for name, kind in sorted(kinds.items()):
        found = Findings(name)
        raw = root.read(name, found, _KEY_LIMIT) if name in names else None
        text = (raw or b"").decode(errors="replace").strip()
        if raw is not None and kind == "ssh" and not _is_ssh(text):
            found.at(1, "not an OpenSSH Ed25519 public key", "one line: ssh-ed25519 AAAA… comment")
        elif raw is not None and kind == "pem" and not _is_pem(text):
            found.at(1, "not a public key in PEM", "write the public half: -----BEGIN PUBLIC KEY-----")
        if raw is not None and not found.problems:
            texts[name] = text
        problems += found.problems
    return texts, problems


def _is_ssh(text: str) -> bool:
    parts = text.split()
    try:
        raw = base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except (binascii.Error, ValueError):
        return False
    return parts[:1] == ["ssh-ed25519"] and raw.startswith(_SSH_ED25519) and len(raw) == 51 and "\n" not in text


def _is_remark(line: str) -> bool:
    """True for a line of words beside the key, such as `Comment: dev` (RFC 7468 §2): it is kept in the lock with it."""
    plain = line.rstrip("\r")
    return plain.isascii() and plain.isprintable() and len(plain) <= _REMARK


def _is_pem(text: str) -> bool:
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    if text.count(begin) != 1 or text.count(end) != 1:
        return False
    beside = text.partition(begin)[0] + text.partition(end)[2]
    if not all(_is_remark(line) for line in beside.split("\n")):
        return False
    try:
        return len(base64.b64decode("".join(text.partition(begin)[2].partition(end)[0].split()), validate=True)) >= 32
    except (binascii.Error, ValueError):
        return False


def _shared(people: tuple[Person, ...], manifest: Manifest, found: Findings) -> None:
    holders: dict[str, str] = {}
    order = [person.id for person in manifest.people]
    for person in people:
        first = holders.setdefault(person.key.split()[1], person.id)
        if first != person.id:
            told = f"{first} and {person.id} share one key: two people must be two people"
            found.add(("people", order.index(person.id), "key"), told, "give each person a key of their own")


def _undivided(root: Root, manifest: Manifest, names: tuple[str, ...], found: Findings) -> None:
    """A table that says nowhere which rows train was copied so that the copy says it: a build that reads the table
    itself trains on the rows that will test it."""
    train = manifest.datasets.get(TRAIN)
    shown = [(("code", index), pattern) for index, pattern in enumerate(manifest.code)]
    recorded = [(("data_sources", index, "file"), source.file) for index, source in enumerate(manifest.data_sources)]
    if train is None:
        return
    for source in source_names(train.path):
        if source not in names or tells_split(root.columns(source, Findings(source)) or ()):
            continue
        for path, pattern in (*shown, *recorded):
            if matches(pattern, source):
                what = f"shows the build {source}, in which nothing says which rows test the model"
                found.add(path, what, f"take it out; {read_copy(train.path)}")


def _data(
    root: Root, manifest: Manifest, names: tuple[str, ...], found: Findings
) -> tuple[dict[str, Digest], tuple[Problem, ...]]:
    digests: dict[str, Digest] = {}
    problems: tuple[Problem, ...] = ()
    for name in sorted(data_files(manifest) & frozenset(names)):
        inside = Findings(name)
        known = root.digest(name, inside)
        problems += inside.problems
        if known is not None:
            digests[name] = known
    for index, source in enumerate(manifest.data_sources):
        if source.file in digests and digests[source.file] != source.digest:
            told = f"data source {source.name!r}: {source.file} has the digest {digests[source.file]}"
            fix = "the data changed: check where it came from, then write its digest here"
            found.add(("data_sources", index, "digest"), told, fix)
    return digests, problems


def _columns(
    root: Root, manifest: Manifest, names: tuple[str, ...], found: Findings
) -> tuple[dict[str, frozenset[str]] | None, tuple[Problem, ...]]:
    """Return the columns of each dataset; a filter, a feature or the label that no column carries is a fault."""
    tables: dict[str, tuple[str, ...]] = {}
    problems: tuple[Problem, ...] = ()
    for name in sorted({dataset.path for dataset in manifest.datasets.values()} & frozenset(names)):
        inside = Findings(name)
        columns = root.columns(name, inside)
        problems += inside.problems
        if columns is not None:
            tables[name] = columns
    for key, dataset in manifest.datasets.items():
        if dataset.path in tables:
            _filter(dataset.where, frozenset(tables[dataset.path]), ("datasets", key, "where"), found)
            _needed(manifest, dataset.path, tables[dataset.path], ("datasets", key, "path"), found)
    if any(dataset.path not in tables for dataset in manifest.datasets.values()):
        return None, problems
    return {key: frozenset(tables[dataset.path]) for key, dataset in manifest.datasets.items()}, problems


def _filter(where: str, columns: frozenset[str], path: Path, found: Findings) -> None:
    try:
        compile_expr(where, columns)
    except ExprError as fault:
        found.add(path, f"{path[1]}: {fault.what}", "filter by a column of the table")


def _needed(manifest: Manifest, name: str, columns: tuple[str, ...], path: Path, found: Findings) -> None:
    wanted = [feature.name for feature in manifest.features] + [manifest.label.column]
    for column in wanted:
        if column not in columns:
            found.add(path, f"{name} has no column {column!r}", did_you_mean(column, columns))
