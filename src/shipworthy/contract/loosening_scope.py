"""Loosening of the manifest: people, review bounds, declared inputs, scope limits and what takes over on failure.

In: the parts of the lock and of the manifest now. Out: rows. A new person, a new role or another key is a row because
it changes who can approve the next loosening; a person who leaves is one only when a role is left without anybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from shipworthy.contract.lock import Lock
from shipworthy.contract.manifest import Feature, Manifest, Relation, Review, ScopeLimit
from shipworthy.facts import Digest, Person, contains, digest

_MUTABLE = {"no": 0, "increase": 1, "decrease": 1, "yes": 2}  # what an attacker is granted; fewer grants test less
_FALLBACKS = ("baseline", "human_review", "refuse")  # loosest first
_KILL_FALLBACKS = ("human_review", "nobody")
_LIMITS = ("human_review", "safe_mode")


def people_rows(old: Iterable[Person], new: Iterable[Person]) -> Iterator[str]:
    """Yield a row per person, role or key that was not there, and per role that nobody holds any more."""
    before, after = {person.id: person for person in old}, {person.id: person for person in new}
    for name, person in after.items():
        known = before.get(name)
        if known is None:
            yield f"person {name}: added with roles {', '.join(sorted(person.roles))}"
            continue
        if known.key.split()[:2] != person.key.split()[:2]:  # the comment of an OpenSSH key is not part of it
            yield f"person {name}: key {_short(known.key)} → {_short(person.key)}"
        yield from (f"person {name}: role {role} added" for role in sorted(set(person.roles) - set(known.roles)))
    held = {role for person in after.values() for role in person.roles}
    lost = {role for person in before.values() for role in person.roles} - held
    yield from (f"role {role}: removed" for role in sorted(lost))


def review_rows(old: Review | None, new: Review | None) -> Iterator[str]:
    """Yield a row per wider bound inside which thresholds may move. No bounds at all means that people review all."""
    if new is None:
        if old is not None and old.max_uncertainty is not None:
            yield f"review: max_uncertainty {old.max_uncertainty:g} → none"
        return
    if old is None:
        yield f"review: bounds none → denied {new.denied:g}, approved {new.approved:g}, delta {new.delta:g}"
        return
    for key in ("denied", "approved", "delta"):
        if getattr(new, key) > getattr(old, key):
            yield f"review: {key} {getattr(old, key):g} → {getattr(new, key):g}"
    if new.start_n < old.start_n:
        yield f"review: start_n {old.start_n} → {new.start_n}"
    if _above(new.max_uncertainty) > _above(old.max_uncertainty):
        yield f"review: max_uncertainty {_number(old.max_uncertainty)} → {_number(new.max_uncertainty)}"
    yield from (f"review: bucket {name} removed" for name in old.buckets if name not in new.buckets)


def feature_rows(old: Iterable[Feature], new: Iterable[Feature], covered: frozenset[str]) -> Iterator[str]:
    """Yield a row per wider range or category list, and per feature that is attacked or audited less than before."""
    now = {feature.name: feature for feature in new}
    for feature in old:
        if feature.name in now:
            for row in _feature(feature, now[feature.name], covered):
                yield f"feature {feature.name}: {row}"
        elif feature.protected:
            yield f"feature {feature.name}: protected feature removed"


def relation_rows(old: Iterable[Relation], new: Iterable[Relation]) -> Iterator[str]:
    """Yield a row per relation that was not there: what attacks must respect is attacked less."""
    before = {" ".join(one.holds.split()) for one in old}
    yield from (f"relation {one.name}: {one.holds!r} added" for one in new if " ".join(one.holds.split()) not in before)


def judged_rows(old: Mapping[str, Digest], new: Mapping[str, Digest] | None) -> Iterator[str]:
    """Yield a row per dataset that is judged on other rows than before, by their digests."""
    if new is not None:
        yield from (f"dataset {name}: judged on other rows" for name in sorted(old) if new.get(name) != old[name])


def limit_rows(old: Iterable[ScopeLimit], new: Iterable[ScopeLimit]) -> Iterator[str]:
    """Yield a row per limit of the safety review that no limit now covers, with the same posture or a tighter one."""
    now = tuple(new)
    for limit in old:
        tight = [other for other in now if _LIMITS.index(other.posture) >= _LIMITS.index(limit.posture)]
        if not any(contains(other.segment, limit.segment) for other in tight):
            yield f"scope limit {limit.name}: {limit.posture} on {limit.segment} no longer holds"


def decision_rows(old: Lock, new: Manifest) -> Iterator[str]:
    """Yield a row for a looser fallback, for other decision words, and for an endpoint no longer judged on its own."""
    if _FALLBACKS.index(new.fallback) < _FALLBACKS.index(old.fallback):
        yield f"fallback: {old.fallback} → {new.fallback}"
    if _KILL_FALLBACKS.index(new.kill_fallback) < _KILL_FALLBACKS.index(old.kill_fallback):
        yield f"kill_fallback: {old.kill_fallback} → {new.kill_fallback}"
    for key in ("deny", "approve", "review"):  # never events and oracles speak of these words
        before, after = getattr(old.decisions, key), getattr(new.decisions, key)
        if before != after:
            yield f"decisions: {key} {before!r} → {after!r}"
    for name, dataset in old.datasets.items():
        if name == "train":
            continue  # what a model learns from is the author's; what it is judged on is not
        after = new.datasets.get(name)
        if after is None or " ".join(after.where.split()) != " ".join(dataset.where.split()):
            yield f"dataset {name}: where {dataset.where!r} → {repr(after.where) if after else 'removed'}"
    judged = {endpoint.name for endpoint in new.endpoints if endpoint.high_impact}
    for endpoint in old.endpoints:
        if endpoint.high_impact and endpoint.name not in judged:
            yield f"endpoint {endpoint.name}: no longer high impact"


def _feature(old: Feature, new: Feature, covered: frozenset[str]) -> Iterator[str]:
    if new.type != old.type:
        yield f"type {old.type} → {new.type}"
    if _below(new.min) < _below(old.min):
        yield f"min {_number(old.min)} → {_number(new.min)}"
    if _above(new.max) > _above(old.max):
        yield f"max {_number(old.max)} → {_number(new.max)}"
    for value in new.accepted:
        if value not in old.accepted and f"{new.name}={value}" not in covered:
            yield f"accepts {value}"
    if _MUTABLE[new.mutable] <= _MUTABLE[old.mutable] and new.mutable != old.mutable:
        yield f"mutable {old.mutable} → {new.mutable}"
    if old.protected and not new.protected:
        yield "protected true → false"
    if old.unit is not None and new.unit != old.unit:
        yield f"unit {old.unit} → {new.unit or 'none'}"
    if new.cost > old.cost:
        yield f"cost {old.cost:g} → {new.cost:g}"


def _below(bound: float | None) -> float:
    return -math.inf if bound is None else bound


def _above(bound: float | None) -> float:
    return math.inf if bound is None else bound


def _number(bound: float | None) -> str:
    return "none" if bound is None else f"{bound:g}"


def _short(key: str) -> str:
    return digest(" ".join(key.split()[:2]).encode())[7:19]
