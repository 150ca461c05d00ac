"""SLSA provenance: which command made an artefact, from which files, in which environment, when.

In: a `Making` and the subjects it made. Out: an in-toto statement with predicate https://slsa.dev/provenance/v1, and
back. Source: SLSA v1.0, provenance. The one that builds holds no key, so the statement is written unsigned; the gate
signs the same bytes when it ships. The clock stands in here and nowhere in the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from shipworthy.artifact.digests import digest, hex_of
from shipworthy.artifact.statement import read_statement, statement
from shipworthy.artifact.strict import dumps, fields, hex_digest, refuse, sequence, text
from shipworthy.artifact.vsa import utc

PROVENANCE: Final = "https://slsa.dev/provenance/v1"
BUILD: Final = "https://shipworthy.dev/build/v1"
TRAIN: Final = "https://shipworthy.dev/train/v1"
BUILDER: Final = "https://shipworthy.dev/builder/v1"
CLOSED, OPEN = "none", "open"
_TYPES = (BUILD, TRAIN)
_WHERE = "provenance"


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a command. `materials` maps files (relative, `/`) to digests, `distributions` names to versions.

    `seed` is that of Python's hashes, None when nothing fixed it.
    `network` is `none` when the process had no network at all, `open` when nothing kept it from one; `clean` is True
    when it saw the materials and no other file of the repository. `started`, `finished`: RFC 3339 in UTC.
    """

    build_type: str
    command: tuple[str, ...]
    seed: int | None
    environment: Mapping[str, str]
    network: str
    clean: bool
    platform: str
    materials: Mapping[str, str]
    distributions: Mapping[str, str]
    version: str
    started: str
    finished: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """A read provenance: the subjects as (name, digest), and how they were made."""

    subjects: tuple[tuple[str, str], ...]
    making: Making

    def is_about(self, what: str) -> bool:
        """True when its one subject has this digest."""
        return [one for _, one in self.subjects] == [what]


def provenance(subjects: Iterable[tuple[str, str]], making: Making) -> dict[str, object]:
    """The statement as a JSON value. Raises CannotDecide when nothing went in, or when a value is out of shape."""
    if making.build_type not in _TYPES or making.network not in (CLOSED, OPEN):
        refuse("an unknown kind of making", _WHERE)
    if not making.materials:
        refuse("nothing went in", _WHERE, "declare `code:` and `datasets:`")
    definition = {
        "buildType": making.build_type,
        "externalParameters": {
            "command": list(making.command),
            "seed": making.seed,
            "environment": dict(making.environment),
        },
        "internalParameters": {"network": making.network, "cleanDirectory": making.clean, "platform": making.platform},
        "resolvedDependencies": [
            *({"name": name, "digest": {"sha256": hex_of(what)}} for name, what in sorted(making.materials.items())),
            *({"name": name, "uri": purl(name, one)} for name, one in sorted(making.distributions.items())),
        ],
    }
    metadata = {
        "invocationId": digest(dumps([definition, making.started])),
        "startedOn": utc(making.started, _WHERE),
        "finishedOn": utc(making.finished, _WHERE),
    }
    builder = {"id": BUILDER, "version": {"shipworthy": making.version}}
    told = {"buildDefinition": definition, "runDetails": {"builder": builder, "metadata": metadata}}
    return statement(subjects, PROVENANCE, told)


def purl(name: str, version: str) -> str:
    """The package URL of an installed distribution (purl-spec, type pypi).

    >>> purl("Scikit_Learn", "1.7.2")
    'pkg:pypi/scikit-learn@1.7.2'
    """
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(version, safe='')}"


def read_provenance(payload: bytes) -> Provenance:
    """The provenance in a payload. Unknown parameters are refused, as the standard asks of verifiers."""
    told = read_statement(payload)
    if told.predicate_type != PROVENANCE:
        refuse(f"the predicate type is {told.predicate_type[:80]!r}", _WHERE, f"{PROVENANCE} is expected")
    predicate = fields(told.predicate, _WHERE, ("buildDefinition", "runDetails"))
    whole = fields(
        predicate["buildDefinition"],
        _WHERE,
        ("buildType", "externalParameters", "internalParameters", "resolvedDependencies"),
    )
    run = fields(predicate["runDetails"], _WHERE, ("builder", "metadata"))
    return Provenance(subjects=told.subjects, making=_making(whole, run))


def _making(whole: Mapping[str, object], run: Mapping[str, object]) -> Making:
    given = fields(whole["externalParameters"], _WHERE, ("command", "seed", "environment"))
    inner = fields(whole["internalParameters"], _WHERE, ("network", "cleanDirectory", "platform"))
    builder = fields(run["builder"], _WHERE, ("id", "version"))
    metadata = fields(run["metadata"], _WHERE, ("invocationId", "startedOn", "finishedOn"))
    if whole["buildType"] not in _TYPES or builder["id"] != BUILDER or inner["network"] not in (CLOSED, OPEN):
        refuse("made in a way that is not known here", _WHERE, "run `shipworthy build`")
    seed, clean = given["seed"], inner["cleanDirectory"]
    if not (seed is None or (isinstance(seed, int) and not isinstance(seed, bool))) or not isinstance(clean, bool):
        refuse("a number and a truth are expected here", _WHERE)
    materials, distributions = _dependencies(whole["resolvedDependencies"])
    return Making(
        build_type=text(whole["buildType"], _WHERE),
        command=tuple(text(one, _WHERE) for one in sequence(given["command"], _WHERE)),
        seed=seed,
        environment=_texts(given["environment"]),
        network=text(inner["network"], _WHERE),
        clean=clean,
        platform=text(inner["platform"], _WHERE),
        materials=materials,
        distributions=distributions,
        version=text(fields(builder["version"], _WHERE, ("shipworthy",))["shipworthy"], _WHERE),
        started=utc(metadata["startedOn"], _WHERE),
        finished=utc(metadata["finishedOn"], _WHERE),
    )


def _dependencies(value: object) -> tuple[dict[str, str], dict[str, str]]:
    """(files by digest, distributions by version)."""
    materials: dict[str, str] = {}
    distributions: dict[str, str] = {}
    for one in sequence(value, _WHERE):
        read = fields(one, _WHERE, ("name",), ("digest", "uri"))
        name = text(read["name"], _WHERE)
        if name in (distributions if "uri" in read else materials):
            refuse(f"{name[:80]!r} went in twice", _WHERE)
        if "uri" in read:
            distributions[name] = unquote(text(read["uri"], _WHERE).rpartition("@")[2])
        else:
            sums = fields(read.get("digest"), _WHERE, ("sha256",))
            materials[name] = "sha256:" + hex_digest(sums["sha256"], _WHERE)
    return materials or refuse("nothing went in", _WHERE), distributions


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        refuse("an object is expected here", _WHERE)
    return {name: text(one, _WHERE) for name, one in value.items()}


def changed_materials(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Files that went in and are not the same now, each with what became of it, sorted by name.

    >>> changed_materials({"a": "sha256:1", "b": "sha256:2"}, {"a": "sha256:9", "c": "sha256:3"})
    ('a was changed', 'b was removed', 'c was added')
    """
    told = {name: "was removed" for name in then.keys() - now.keys()}
    told |= {name: "was added" for name in now.keys() - then.keys()}
    told |= {name: "was changed" for name in then.keys() & now.keys() if then[name] != now[name]}
    return tuple(f"{name} {what}" for name, what in sorted(told.items()))
