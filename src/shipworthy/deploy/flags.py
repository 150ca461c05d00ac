"""Permission to serve the candidate, as feature flags: for OFREP 0.3.0 clients and as a flagd file.

In: the routes of the moment and the postures that hold, or may hold, for what a caller tells of a request. Out: two
flags, `shipworthy.<model>.route` (`candidate · baseline · human_review · off`) and
`shipworthy.<model>.candidate_allowed`. Both say what may be done: absent, unknown or broken is the baseline and
`false`, never a permission. The flagd document (https://flagd.dev/schema/v0/flags.json; JSON Logic, `fractional`) says
the same, except that flagd draws the units of a share by its own hash (MurmurHash3): not the same ones are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from shipworthy.deploy.routing import BASELINE, CANDIDATE, WHOLE_BP, Routes, arm, chosen
from shipworthy.facts import NORMAL, RESERVED, Decider, Fact, Posture, Source

HUMAN_REVIEW: Final = "human_review"
OFF: Final = "off"
ALLOWED: Final = "allowed"
DENIED: Final = "denied"
SCHEMA: Final = "https://flagd.dev/schema/v0/flags.json"
Terms = tuple[tuple[str, frozenset[str]], ...]
Logic = Any  # JSON Logic: a JSON value


class Flag(Fact, frozen=True, kw_only=True):
    """One evaluated flag, in the shape of OFREP's `evaluationSuccess`."""

    key: str
    value: bool | str
    reason: str
    variant: str
    metadata: dict[str, str | int]


class Asked(NamedTuple):
    """What a caller tells of a request: None where it does not."""

    tenant: str | None
    unit: str | None


class Rule(NamedTuple):
    """One order or scope limit: where it holds (`*` is everything), and its posture."""

    version: str
    tenant: str
    terms: Terms
    posture: Posture


def names(model: str) -> tuple[str, str]:
    """Return the keys of both flags.

    >>> names("claims")
    ('shipworthy.claims.route', 'shipworthy.claims.candidate_allowed')
    """
    return f"shipworthy.{model}.route", f"shipworthy.{model}.candidate_allowed"


def evaluate(
    model: str, routes: Routes, asked: Asked, posture: Callable[[str], Posture], metadata: dict[str, str | int]
) -> tuple[Flag, Flag]:
    """Return both flags. `posture(version)`: the join of all that holds or may hold; `routes` without a candidate that
    may not be served."""
    inside, reason = _in_arm(routes, asked)
    baseline = posture(routes.baseline)
    candidate = posture(routes.candidate) if inside and routes.candidate is not None else NORMAL
    route = _route(inside, candidate, baseline)
    allowed = inside and candidate == NORMAL
    if reason == "STATIC" and route != BASELINE:
        reason = "TARGETING_MATCH"
    first, second = names(model)
    return (
        Flag(key=first, value=route, reason=reason, variant=route, metadata=metadata),
        Flag(key=second, value=allowed, reason=reason, variant=ALLOWED if allowed else DENIED, metadata=metadata),
    )


def document(
    model: str,
    routes: Routes,
    rules: Iterable[Rule],
    plain: Collection[str],
    tenant_key: str | None,
    metadata: dict[str, str | int],
) -> dict[str, Any]:
    """Return the flagd document. `plain`: segment keys whose values callers send as text; a rule on any other key holds
    for every request of its tenant, since flagd could not tell which ones."""
    found = list(rules)
    tenant = tenant_key or "tenant"
    of = {version: [rule for rule in found if rule.version in ("*", version)] for version in _versions(routes)}

    def any_of(version: str, holds: Callable[[Posture], bool]) -> Logic:
        return _either([_condition(rule, plain, tenant) for rule in of[version] if holds(rule.posture)])

    base_off = any_of(routes.baseline, _nobody)
    base_person = any_of(routes.baseline, lambda one: one != NORMAL)
    outside = _choice([(base_off, OFF), (base_person, HUMAN_REVIEW)], BASELINE)
    route, allowed = outside, DENIED
    if routes.candidate is not None and routes.share_bp > 0:
        version = routes.candidate
        moved = any_of(version, lambda one: one.source is not Source.CANDIDATE)
        off = _either([any_of(version, _nobody), _both([moved, base_off])])
        person = _either([any_of(version, lambda one: one.decider is not Decider.MACHINE), _both([moved, base_person])])
        within = _choice([(off, OFF), (person, HUMAN_REVIEW), (moved, BASELINE)], CANDIDATE)
        arm_of = _arm(routes, tenant)
        route = _choice([(arm_of, within)], outside)
        held = any_of(version, lambda one: one != NORMAL)
        allowed = _choice([(arm_of, _choice([(held, DENIED)], ALLOWED))], DENIED)
    first, second = names(model)
    return {
        "$schema": SCHEMA,
        "metadata": {"flagSetId": "shipworthy", "version": str(metadata.get("epoch", ""))},
        "flags": {
            first: _flag({one: one for one in (CANDIDATE, BASELINE, HUMAN_REVIEW, OFF)}, BASELINE, route, metadata),
            second: _flag({ALLOWED: True, DENIED: False}, DENIED, allowed, metadata),
        },
    }


def _in_arm(routes: Routes, asked: Asked) -> tuple[bool, str]:
    """Return whether the request goes to the candidate's arm, and OFREP's reason."""
    if routes.candidate is None or routes.share_bp == 0:
        return False, "STATIC"
    if asked.tenant is None and "*" not in routes.tenants:
        return False, "UNKNOWN"
    if not chosen(routes.tenants, asked.tenant or ""):
        return False, "TARGETING_MATCH"
    if routes.share_bp >= WHOLE_BP:
        return True, "TARGETING_MATCH"
    if not asked.unit:
        return False, "UNKNOWN"
    return arm(routes, asked.tenant or "", asked.unit) == CANDIDATE, "SPLIT"


def _route(inside: bool, candidate: Posture, baseline: Posture) -> str:
    """Return where the gateway would send it; one that is moved to the baseline keeps what holds for the candidate."""
    deciders = {baseline.decider}
    if baseline != NORMAL:
        deciders.add(Decider.PERSON)  # a baseline has no baseline to go to
    if inside and candidate.source is Source.CANDIDATE:
        deciders = {candidate.decider}
    elif inside:
        deciders.add(candidate.decider)
    if Decider.NOBODY in deciders:
        return OFF
    if Decider.PERSON in deciders:
        return HUMAN_REVIEW
    return CANDIDATE if inside and candidate.source is Source.CANDIDATE else BASELINE


def _nobody(posture: Posture) -> bool:
    return posture.decider is Decider.NOBODY


def _versions(routes: Routes) -> Sequence[str]:
    return (routes.baseline, *([routes.candidate] if routes.candidate is not None else ()))


def _condition(rule: Rule, plain: Collection[str], tenant: str) -> Logic:
    """Return when a rule may hold: True, or logic that is also true when the caller does not tell."""
    parts = [] if rule.tenant == "*" else [_may_be(tenant, frozenset([rule.tenant]))]
    for key, values in rule.terms:
        if key == "tenant":
            parts.append(_may_be(tenant, values))
        elif key in plain and not values & RESERVED:
            parts.append(_may_be(key, values))
    return _both(parts)


def _may_be(key: str, values: frozenset[str]) -> Logic:
    var = {"var": key}
    return {"or": [{"==": [var, None]}, {"==": [var, ""]}, {"in": [{"cat": [var]}, sorted(values)]}]}


def _arm(routes: Routes, tenant: str) -> Logic:
    parts: list[Logic] = []
    if "*" not in routes.tenants:
        parts.append({"in": [{"cat": [{"var": tenant}]}, list(routes.tenants)]})
    if routes.share_bp < WHOLE_BP:
        unit = {"cat": [routes.salt, "|", {"var": "targetingKey"}]}
        shares = [[CANDIDATE, routes.share_bp], [BASELINE, WHOLE_BP - routes.share_bp]]
        parts += [{"!!": [{"var": "targetingKey"}]}, {"==": [{"fractional": [unit, *shares]}, CANDIDATE]}]
    return _both(parts)


def _both(parts: Sequence[Logic]) -> Logic:
    left = [part for part in parts if part is not True]
    if any(part is False for part in left):
        return False
    return {"and": left} if len(left) > 1 else left[0] if left else True


def _either(parts: Sequence[Logic]) -> Logic:
    left = [part for part in parts if part is not False]
    if any(part is True for part in left):
        return True
    return {"or": left} if len(left) > 1 else left[0] if left else False


def _choice(cases: Sequence[tuple[Logic, Logic]], otherwise: Logic) -> Logic:
    """Return the first case whose condition holds, else `otherwise`."""
    steps: list[Logic] = []
    for condition, then in cases:
        if condition is True:
            return {"if": [*steps, then]} if steps else then
        if condition is not False:
            steps += [condition, then]
    return {"if": [*steps, otherwise]} if steps else otherwise


def _flag(variants: dict[str, Any], default: str, targeting: Logic, metadata: dict[str, str | int]) -> dict[str, Any]:
    """Return one flag; a targeting that is one variant for all is its default."""
    flag = {"state": "ENABLED", "variants": variants, "defaultVariant": default, "metadata": dict(metadata)}
    if isinstance(targeting, str):
        return flag | {"defaultVariant": targeting}
    return flag | {"targeting": targeting}
