"""What the stakes require of a contract (DECISIONS §10), as far as its files alone can tell.

In: the parts that were read. Out: faults for what is required and absent, warnings for what will be, and what is
neither required nor there: *not claimed*, each as `name: how to add it`, shown in every report and never green. Drills,
signatures, certificates and the shared ledger are looked at by the gate, which has the evidence.
"""

from __future__ import annotations

import re

import msgspec

from shipworthy.contract import pack, slos, threats
from shipworthy.contract.assistant import unbound
from shipworthy.contract.change import MANIFEST
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.problems import Problem
from shipworthy.facts import Case, Clause, Policy

_LEVELS = ("low", "standard", "high")
_KEY_TEXT = re.compile(r"-----BEGIN.*?-----END[^-]*-----|AAAA[0-9A-Za-z+/=]+", re.DOTALL)
_DEV = re.compile(r"(?<![A-Za-z0-9])(?:dev|development)(?![A-Za-z0-9])", re.IGNORECASE)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. None = the file is there but could not be read, which is told elsewhere.

    `written` holds the keys of the manifest as written; `dev_keys` the paths of development keys.
    """

    manifest: Manifest
    written: frozenset[str]
    policy: Policy | None
    cases: tuple[Case, ...] | None
    has_threats: bool
    dev_keys: tuple[str, ...]


class Required(msgspec.Struct, frozen=True, kw_only=True):
    """What the stakes say of the parts. `not_claimed` holds one line each: `name: how to add it`."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    not_claimed: tuple[str, ...]


class _Rule(msgspec.Struct, frozen=True):
    """One row of the table. `since` is the stakes from which it is required; `warns` = a warning below that."""

    name: str
    file: str
    fix: str
    since: str
    present: bool
    warns: bool = False


def required(parts: Parts) -> Required:
    """Return faults, warnings and what is not claimed."""
    stakes = parts.manifest.stakes
    level = _LEVELS.index(stakes)
    absent = [rule for rule in _rules(parts) if not rule.present]
    due = [rule for rule in absent if level >= _LEVELS.index(rule.since)]
    later = [rule for rule in absent if rule not in due]
    problems = [Problem(rule.file, 1, 1, f"{stakes} stakes require a {rule.name}", rule.fix) for rule in due]
    warnings = [f"no {rule.name}: {rule.fix}" for rule in later if rule.warns]
    if stakes == "high":
        problems += _no_imports(parts.policy)
        problems += [Problem(key, 1, 1, "high stakes refuse a development key", _REAL_KEY) for key in parts.dev_keys]
    else:
        warnings += [f"{key} is a development key: {_REAL_KEY}" for key in parts.dev_keys]
    warnings += _unheld(parts.manifest)
    if loose := unbound(parts.manifest.assistant):
        if stakes == _LEVELS[-1]:
            problems.append(Problem(MANIFEST, 1, 1, f"high stakes: {loose}", _BOUND))
        warnings.append(f"{loose}: {_BOUND}")
    if stakes != "low":
        warnings += [f"no {name}: {fix}" for name, fix in UNPROVEN.items()]
        problems += _unwritten(parts)
    not_claimed = [f"{rule.name}: {rule.fix}" for rule in later] + [f"{name}: {fix}" for name, fix in UNPROVEN.items()]
    not_claimed += [f"assistant bound to a digest: {_BOUND}"] if loose else []
    return Required(problems=tuple(problems), warnings=tuple(warnings), not_claimed=tuple(not_claimed))


def is_dev_key(name: str, text: str) -> bool:
    """True when a public key is marked `dev`: in its file name, its OpenSSH comment, or the words around its PEM block.

    >>> is_dev_key("keys/ana.pub", "ssh-ed25519 AAAAC3Nz ana dev")
    True
    """
    return bool(_DEV.search(name.rpartition("/")[2].replace("_", "-")) or _DEV.search(_KEY_TEXT.sub("", text)))


# What files can never show: never green from here. The gate cannot decide on high stakes without it.
UNPROVEN = {
    "drill within 30 days": "practise the kill switch while it serves: `shipworthy drill kill --as …`",
    "same bits on a rebuild": "rebuild elsewhere and compare the digests",
    "shared ledger": "keep the ledger where the gate and all gateways see it",
    "review quorum": "let product, ML, SRE, security and support sign the review",
}
_BOUND = "start it by `command:` with its weights in the artefact folder"
ALONE = (
    "only one person signs: after the first ship nobody can add people, loosen, reverse or override; "
    "add a reviewer and an ml to `people:` first"
)
_LATER = "after the first ship nobody can add people, loosen or reverse; add them before it"
WRITTEN_FROM_STANDARD = ("version", "adapter", "issuers")
_REAL_KEY = "put one made for real use in its place; `shipworthy keys new` makes keys for trying out"


def _no_imports(policy: Policy | None) -> list[Problem]:
    """At high stakes nobody else's results turn a row green (DECISIONS §10)."""
    fix = "remove `accept:` and let `shipworthy evaluate` measure it"
    return [
        Problem(slos.FILE, 1, 1, f"high stakes accept no imported results: {slo.name}", fix)
        for slo in (policy.slos if policy else ())
        if slo.accept
    ]


def _rules(parts: Parts) -> list[_Rule]:
    manifest, policy, cases = parts.manifest, parts.policy, parts.cases
    clauses = None if cases is None else {case.clause for case in cases if not case.trial}
    rules = [
        _Rule(
            f"pack case for {clause.value}",
            pack.FILE,
            f"add a case with `clause: {clause.value}` to {pack.FILE}",
            "standard",
            clauses is None or clause.value in clauses,
        )
        for clause in Clause
    ]
    has_never = policy is None or bool(policy.never_events)
    committee = any("committee" in person.roles for person in manifest.people)
    return [
        *rules,
        _Rule(
            "data record",
            MANIFEST,
            "fill in `data_sources:` of shipworthy.yaml",
            "standard",
            bool(manifest.data_sources),
        ),
        _Rule("never event", slos.FILE, "add `never_events:` to safety-slos.yaml", "standard", has_never),
        _Rule(
            "fallback",
            MANIFEST,
            "say in shipworthy.yaml which `fallback:` takes over",
            "standard",
            "fallback" in parts.written,
        ),
        _Rule(
            "threat model",
            threats.FILE,
            "write threat-model.yaml, before the next training",
            "high",
            parts.has_threats,
            warns=True,
        ),
        _Rule("committee", MANIFEST, "give somebody of `people:` the role `committee`", "high", committee),
    ]


def _unwritten(parts: Parts) -> list[Problem]:
    """What low stakes take from the defaults is written down above them: a reader must see what is trusted."""
    told = f"{parts.manifest.stakes} stakes require `{{}}:` in writing"
    return [
        Problem(MANIFEST, 1, 1, told.format(key), f"add `{key}:`; at low stakes it has a default")
        for key in WRITTEN_FROM_STANDARD
        if key not in parts.written
    ]


def _unheld(manifest: Manifest) -> list[str]:
    """What takes two people is out of reach for ever once a version shipped without them: the contract
    that shipped last says who may sign, and adding somebody to it is a loosening. Say so before."""
    changes, overrides = _in_two_hands(manifest, "reviewer", "ml"), _in_two_hands(manifest, "operator", "reviewer")
    if len(manifest.people) < 2:
        return [ALONE]
    told = [] if changes else [f"no two people with the roles reviewer and ml: {_LATER}"]
    if overrides:
        return told
    return [*told, "no two people with the roles operator and reviewer: a killed model could not be restored, nor a "
            "verdict overridden"]  # fmt: skip


def _in_two_hands(manifest: Manifest, one: str, other: str) -> bool:
    """True when two people can act in these roles together."""
    ones = {person.id for person in manifest.people if one in person.roles}
    others = {person.id for person in manifest.people if other in person.roles}
    return bool(ones) and bool(others) and len(ones | others) > 1
