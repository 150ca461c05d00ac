"""The public catalogues a threat refers to, pinned: which ids exist in which version, and what follows retired ones.

In: a catalogue, a version and an id as written in `threat-model.yaml`. Out: what is wrong with them, or the successor
of an id that a later version retired. An id nobody published reads like research that was done; so an unknown one is
a fault, never passed over.

The tables (`atlas.py`, `owasp.py`) name their sources. ATLAS 2026.07 retired three ids of 5.6.0. That release is not
pinned here: only the successors are, matched one to one by their names, and they are accepted under its version alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from shipworthy.contract import atlas, owasp
from shipworthy.contract.problems import did_you_mean

LATER = "2026.07"
SUCCESSORS = {
    "AML.T0115": "Publish Poisoned AI Artifacts",
    "AML.T0115.000": "Publish Poisoned AI Artifacts: Datasets",
    "AML.T0115.001": "Publish Poisoned AI Artifacts: Models",
    "AML.T0115.002": "Publish Poisoned AI Artifacts: AI Agent Tools",
}
RETIRED = {"AML.T0019": "AML.T0115.000", "AML.T0058": "AML.T0115.001", "AML.T0104": "AML.T0115.002"}
PAGE = "docs/reference/threat-catalogues.md"
_MITIGATION = "AML."


class Technique(msgspec.Struct, frozen=True):
    """One line of a catalogue. `tactics` and `maturity` (`feasible`, `demonstrated`, `realized`): ATLAS only."""

    id: str
    name: str
    tactics: tuple[str, ...] = ()
    maturity: str = ""


class Catalogue(msgspec.Struct, frozen=True):
    """One pinned list. `versions`: the ways to write its version; `source`: the bytes or commit it was read from."""

    name: str
    title: str
    versions: tuple[str, ...]
    source: str
    entries: Mapping[str, Technique]


class Told(msgspec.Struct, frozen=True):
    """What is said of a reference. `part`: the key it is about; `fault` False = accepted, with a warning."""

    part: str
    what: str
    fix: str
    fault: bool = True


@functools.cache
def catalogues() -> Mapping[str, Catalogue]:
    """Return every pinned catalogue by the name that `refs` use."""
    listed = (
        Catalogue("atlas", "MITRE ATLAS", (atlas.VERSION, *atlas.SAME), f"sha256:{atlas.SHA256}", _techniques()),
        Catalogue("owasp-llm", "OWASP Top 10 for LLM", ("2025",), f"commit {owasp.LLM_COMMIT}", _titles(owasp.LLM)),
        Catalogue("owasp-ml", "OWASP ML Top 10 (draft)", ("2023",), f"commit {owasp.ML_COMMIT}", _titles(owasp.ML)),
        Catalogue("aitg", "OWASP AI Testing Guide", ("1",), f"commit {owasp.AITG_COMMIT}", _titles(owasp.AITG)),
    )
    return {one.name: one for one in listed}


@functools.cache
def mitigations() -> Mapping[str, Technique]:
    """Return the mitigations of ATLAS by id."""
    return _titles(atlas.MITIGATIONS)


def judge_ref(catalogue: str, version: str, name: str) -> Told | None:
    """Return what is wrong with a reference, a warning when its id is retired later, None when it is sound."""
    known = catalogues().get(catalogue)
    if known is None:
        return Told("catalogue", f"no catalogue is named {catalogue!r}", did_you_mean(catalogue, catalogues()))
    if known.name == "atlas" and version == LATER:
        return _later(name)
    if version not in known.versions:
        told = f"version {version!r} of {catalogue} is not pinned here"
        return Told("version", told, f"write {known.versions[0]}, and check the id against it in {PAGE}")
    if name in known.entries:
        return _retired(name) if known.name == "atlas" else None
    if known.name == "atlas" and name in SUCCESSORS:
        return Told("version", f"{name} came with version {LATER}", f'write version: "{LATER}"')
    return Told("id", f"{catalogue} {version} has no {name!r}", _nearest(name, known.entries))


def judge_mitigation(name: str) -> Told | None:
    """Return what is wrong with `mitigation:<name>`. Only ids of ATLAS are looked up: other words say what is done."""
    if not name.startswith(_MITIGATION) or name in mitigations():
        return None
    return Told("bound_to", f"ATLAS {atlas.VERSION} has no mitigation {name!r}", _nearest(name, mitigations()))


def _retired(name: str) -> Told | None:
    if name not in RETIRED:
        return None
    new = RETIRED[name]
    told = f"{name} is retired in ATLAS {LATER}: {new} ({SUCCESSORS[new]}) follows it"
    return Told("id", told, f'write id: {new} with version: "{LATER}"', fault=False)


def _later(name: str) -> Told | None:
    if name in SUCCESSORS:
        return None
    if name in RETIRED:
        return Told("id", f"{name} is retired in ATLAS {LATER}", f"write {RETIRED[name]}: {SUCCESSORS[RETIRED[name]]}")
    known = catalogues()["atlas"].entries
    if name in known:
        told = f"of ATLAS {LATER} only the successors of retired ids are pinned here, not {name}"
        return Told("version", told, f"write version: {atlas.VERSION}")
    return Told("id", f"atlas {LATER} has no {name!r}", _nearest(name, {**known, **dict.fromkeys(SUCCESSORS)}))


def _nearest(name: str, known: Mapping[str, object]) -> str:
    """Return advice with at most three near ids: the lists are too long to tell whole."""
    import difflib  # only a faulty contract pays for it

    word = name[:64].upper()
    begun = [one for one in known if word and one.startswith(word)]
    near = begun[:3] or difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    listed = f"the {len(known)} known ids are in {PAGE}"
    return f"did you mean {' or '.join(near)}? {listed}" if near else listed


def _techniques() -> Mapping[str, Technique]:
    rows = (line.split("|") for line in atlas.TECHNIQUES.splitlines())
    return {name: Technique(name, told, tuple(tactics.split(",")), level) for name, tactics, level, told in rows}


def _titles(table: str) -> Mapping[str, Technique]:
    return {name: Technique(name, told) for name, told in (line.split("|") for line in table.splitlines())}
