"""`threat-model.yaml`: assets, threats with catalogue ids, and what each threat is bound to.

In: the file's text and what there is to bind to. Out: a `ThreatModel`, or every fault with its line. A reference that
resolves to nothing is worse than none: it reads like a mitigation. So every `bound_to` must name a case, an SLO, a
never event, a detector or a decision that exists, and every catalogue id must be in the pinned table of its version
(`catalogues.py`); an accepted threat names the decision that accepts it, and its expiry.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from shipworthy.contract.catalogues import judge_mitigation, judge_ref
from shipworthy.contract.convert import convert
from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.facts import Fact
from shipworthy.indicators import INDICATORS

FILE = "threat-model.yaml"
DETECTORS = frozenset(
    {
        "abuse_log", "calibration", "drift", "feedback", "never_event", "ood", "ood_probes", "prediction_drift",
        "provenance", "reproduce", "scan", "schema", "signature", "throttle",
    }
).union(row.name for row in INDICATORS.values() if row.online)  # fmt: skip
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)?")
_SAME = {"pack": "case", "never": "never_event"}
_UNPROVEN = frozenset({"mitigation"})  # says what is done, not what shows that it works


class Asset(Fact, frozen=True, kw_only=True):
    """What is worth attacking."""

    id: str
    kind: Literal["training-data", "weights", "prompt", "endpoint", "logs", "code", "dependency", "people"]
    source: str = ""
    trust: Literal["internal", "third-party"] = "internal"


class CatalogueRef(Fact, frozen=True, kw_only=True):
    """An entry of a public catalogue; versions are pinned because ids are retired."""

    catalogue: str
    version: str
    id: str


class Threat(Fact, frozen=True, kw_only=True):
    """One threat. `likelihood` and `impact` go from 1 to 5; `accepted_by` names a decision record."""

    id: str
    title: str = ""
    refs: tuple[CatalogueRef, ...] = ()
    asset: str
    likelihood: int
    impact: int
    treatment: Literal["test", "detect", "mitigate", "accept"]
    bound_to: tuple[str, ...] = ()
    accepted_by: str | None = None
    expires: str | None = None


class ThreatModel(Fact, frozen=True, kw_only=True):
    """The whole file. `created` must precede the first training run in the ledger."""

    schema: Literal["shipworthy/threat-model@1"] = "shipworthy/threat-model@1"
    model: str
    created: str
    assets: tuple[Asset, ...]
    threats: tuple[Threat, ...]
    reviewed_on_change: tuple[str, ...] = ()


class Bindable(msgspec.Struct, frozen=True, kw_only=True):
    """What a threat can be bound to, by kind. None = that file could not be read, so its names are not checked."""

    case: frozenset[str] | None = None
    slo: frozenset[str] | None = None
    never_event: frozenset[str] | None = None
    decision: frozenset[str] | None = None
    detector: frozenset[str] = DETECTORS

    def of(self, kind: str) -> frozenset[str] | None:
        """Return the names of that kind."""
        names: frozenset[str] | None = getattr(self, kind)
        return names


KINDS = ("case", "slo", "never_event", "decision", "detector")


def read_threats(
    source: str | bytes, file: str = FILE, bindable: Bindable | None = None, model: str | None = None
) -> tuple[ThreatModel | None, tuple[Problem, ...]]:
    """Return the threat model, or None with every fault."""
    reading = read_yaml(source, file)
    threats, problems = convert(reading, ThreatModel)
    if threats is None:
        return None, problems
    found = Findings(file, reading.marks)
    if model is not None and threats.model != model:
        found.add(("model",), f"threat model of {threats.model!r}, the manifest says {model!r}", f"write {model}")
    if not DATE.fullmatch(threats.created):
        found.add(("created",), f"not a date: {threats.created!r}", "write 2026-01-31 or 2026-01-31T09:00:00Z")
    if not threats.threats:
        found.add(("threats",), "no threat", "name at least one")
    _unique([asset.id for asset in threats.assets], "assets", found)
    _unique([threat.id for threat in threats.threats], "threats", found)
    assets = frozenset(asset.id for asset in threats.assets)
    for index, threat in enumerate(threats.threats):
        _threat(threat, ("threats", index), assets, bindable or Bindable(), found)
    return (None if found.problems else threats), found.problems


def retired_refs(model: ThreatModel, file: str = FILE) -> tuple[str, ...]:
    """Return one warning for each catalogue id that a later version retired: what follows it, and where it stands."""
    refs = [(threat, index, ref) for threat in model.threats for index, ref in enumerate(threat.refs)]
    judged = [(threat, index, judge_ref(ref.catalogue, ref.version, ref.id)) for threat, index, ref in refs]
    return tuple(
        f"{file}: threat {threat.id!r}, refs[{index}]: {told.what} — {told.fix}"
        for threat, index, told in judged
        if told is not None
    )


def _threat(threat: Threat, path: Path, assets: frozenset[str], bindable: Bindable, found: Findings) -> None:
    if threat.asset not in assets:
        found.add((*path, "asset"), f"unknown asset {threat.asset!r}", did_you_mean(threat.asset, assets))
    for index, ref in enumerate(threat.refs):
        judged = judge_ref(ref.catalogue, ref.version, ref.id)
        if judged is not None and judged.fault:
            found.add((*path, "refs", index, judged.part), judged.what, judged.fix)
    for key in ("likelihood", "impact"):
        if not 1 <= getattr(threat, key) <= 5:
            found.add((*path, key), f"{key} is not between 1 and 5", "1 is rare or small, 5 is sure or ruinous")
    proven = [_bound(text, (*path, "bound_to", index), bindable, found) for index, text in enumerate(threat.bound_to)]
    if threat.treatment == "accept":
        _accepted(threat, path, bindable, found)
    elif True not in proven and None not in proven:
        told = f"threat {threat.id!r} is bound to nothing that shows it is treated"
        found.add((*path, "bound_to"), told, f"bind it to one of {', '.join(f'{kind}:…' for kind in KINDS)}")


def _bound(text: str, path: Path, bindable: Bindable, found: Findings) -> bool | None:
    """True when the reference proves a treatment, False when it only says one, None after noting a fault."""
    kind, colon, name = text.partition(":")
    kind = _SAME.get(kind, kind)
    if colon and kind in _UNPROVEN:
        told = judge_mitigation(name)
        if told is not None:
            found.add(path, told.what, told.fix)
        return False
    if not colon:
        if any(names is None or text in names for names in map(bindable.of, KINDS)):
            return True
        found.add(
            path, f"{text!r} is no case, SLO, never event, detector or decision", "write case:<id>, slo:<name>, …"
        )
        return None
    if kind not in KINDS:
        found.add(path, f"{text!r}: nothing is of the kind {kind!r}", did_you_mean(kind, KINDS))
        return None
    known = bindable.of(kind)
    if known is not None and name not in known:
        found.add(path, f"no {kind} is named {name!r}", did_you_mean(name, known))
        return None
    return True


def _accepted(threat: Threat, path: Path, bindable: Bindable, found: Findings) -> None:
    if not threat.accepted_by:
        found.add(path, f"threat {threat.id!r} is accepted by nobody", "name the decision record in `accepted_by`")
    elif bindable.decision is not None and threat.accepted_by not in bindable.decision:
        told = did_you_mean(threat.accepted_by, bindable.decision)
        found.add((*path, "accepted_by"), f"no decision is named {threat.accepted_by!r}", told)
    if threat.expires is None or not DATE.fullmatch(threat.expires):
        found.add((*path, "expires"), f"the acceptance of {threat.id!r} has no expiry date", "write 2026-01-31")


def _unique(ids: list[str], section: str, found: Findings) -> None:
    for index, name in enumerate(ids):
        if name in ids[:index]:
            found.add((section, index, "id"), f"the id {name!r} is used twice", "give each its own id")
