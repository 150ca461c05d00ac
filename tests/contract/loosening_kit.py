"""What the tests of loosening change in a contract, and the table of loosenings with the row each one makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from shipworthy.contract.contract import Contract, make_lock
from shipworthy.contract.loosening import loosenings
from shipworthy.contract.manifest import (
    Compare,
    Dataset,
    Decisions,
    Endpoint,
    Label,
    Relation,
    Rollout,
    Scan,
    Stage,
    Throttle,
)
from shipworthy.facts import Action, OnNoData, Person, Severity, Target
from tests.contract.repository import MISSION_SLOS, NEVER, ssh_key, standard

Change = Callable[[Contract], Contract]
replace = msgspec.structs.replace
SHA = "sha256:" + "0" * 64
SLOS = (
    MISSION_SLOS.decode()
    + """  - name: auroc
    objective: "Rank."
    target: ">= 0.70"
    window: "7d"
    action_on_breach: "degrade_to_safe_mode"
    primary: true
    max_regression: 0.02
    min_samples: 400
    level: 0.95
    on_no_data: human_review
    segments: ["*", "office=P1"]
  - name: subgroup_gap
    objective: "Alike."
    target: "<= 0.10"
    window: "7d"
    action_on_breach: "route_to_human_review"
    metric: fpr
"""
    + NEVER
)
MANIFEST = (
    standard().replace(
        "{name: age, type: int, min: 0, max: 110, unit: years,",
        "{name: age, type: int, min: 0, max: 110, unit: years, mutable: increase,",
    )
    + "review: {denied: 0.1, approved: 0.2, delta: 0.05, max_uncertainty: 0.3, buckets: [office]}\n"
    + """unit: crash
tenant: insurer
alarms: {false_pages_per_week: 2}
retention: {raw_input: 30d}
throttles:
  default: {rate_per_s: 10, burst: 20}
  tenants: {big: {rate_per_s: 50, burst: 90}}
rollout:
  stages:
    - {name: some, share: 10, tenants: [big], min_samples: 300, advance: operator}
    - {name: all, share: 100, tenants: ["*"], min_samples: 900, advance: auto}
"""
)
STAGES = (
    Stage(name="some", share=10, tenants=("big",), min_samples=300, advance="operator"),
    Stage(name="all", share=100, tenants=("*",), min_samples=900),
)


def found(old: Contract, new: Contract, covered: frozenset[str] = frozenset()) -> tuple[str, ...]:
    return loosenings(make_lock(old, old.subject(SHA, SHA), "{}"), new, covered)


def slo(name: str, **keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        slos = tuple(replace(one, **keys) if one.name == name else one for one in contract.policy.slos)
        return replace(contract, policy=replace(contract.policy, slos=slos))

    return change


def never(**keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        events = tuple(replace(one, **keys) for one in contract.policy.never_events)
        return replace(contract, policy=replace(contract.policy, never_events=events))

    return change


def case(name: str, **keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        cases = tuple(replace(one, **keys) if one.id == name else one for one in contract.cases)
        return replace(contract, cases=cases)

    return change


def oracle(name: str, **keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        (old,) = (one.oracle for one in contract.cases if one.id == name)
        return case(name, oracle=replace(old, **keys))(contract)

    return change


def manifest(**keys: Any) -> Change:
    return lambda contract: replace(contract, manifest=replace(contract.manifest, **keys))


def feature(name: str, **keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        features = tuple(replace(one, **keys) if one.name == name else one for one in contract.manifest.features)
        return manifest(features=features)(contract)

    return change


def throttles(**keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        assert contract.manifest.throttles is not None
        return manifest(throttles=replace(contract.manifest.throttles, **keys))(contract)

    return change


def rollout(*stages: Stage) -> Change:
    return manifest(rollout=Rollout(stages=stages))


def compare(**keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        assert contract.manifest.rollout is not None
        return manifest(rollout=replace(contract.manifest.rollout, compare=Compare(**keys)))(contract)

    return change


def review(**keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        assert contract.manifest.review is not None
        return manifest(review=replace(contract.manifest.review, **keys))(contract)

    return change


def person(name: str, **keys: Any) -> Change:
    def change(contract: Contract) -> Contract:
        return replace(contract, people=tuple(replace(p, **keys) if p.id == name else p for p in contract.people))

    return change


def policy(**keys: Any) -> Change:
    return lambda contract: replace(contract, policy=replace(contract.policy, **keys))


EVE = Person(id="eve", name="Eve", roles=("reviewer",), key=ssh_key(9))

# (a change that lets more through, its row, whether the way back is a tightening without a row)
LOOSER: list[tuple[Change, str, bool]] = [
    (lambda contract: replace(contract, seed=8), "pack: seed 7 → 8", False),
    (slo("auroc", target=Target(op=">=", value=0.60)), "slo auroc: target >= 0.7 → >= 0.6", True),
    (slo("auroc", target=Target(op="<=", value=0.70)), "slo auroc: target >= 0.7 → <= 0.7", False),
    (slo("subgroup_gap", target=Target(op="<=", value=0.2)), "slo subgroup_gap: target <= 0.1 → <= 0.2", True),
    (
        slo("never_event_violations", target=Target(op="==", value=1)),
        "slo never_event_violations: target == 0 → == 1",
        False,
    ),
    (
        slo("never_event_violations", target=Target(op="<=", value=1)),
        "slo never_event_violations: target == 0 → <= 1",
        True,
    ),
    (slo("auroc", window="30d"), "slo auroc: window 7d → 30d", False),
    (slo("auroc", window="1d"), "slo auroc: window 7d → 1d", False),
    (slo("auroc", window="rolling"), "slo auroc: window 7d → rolling", False),
    (slo("auroc", level=0.9), "slo auroc: level 0.95 → 0.9", True),
    (slo("auroc", min_samples=30), "slo auroc: min_samples 400 → 30", True),
    (slo("auroc", evidence="point"), "slo auroc: evidence bound → point", True),
    (slo("auroc", trial=True), "slo auroc: trial false → true", True),
    (slo("auroc", severity=Severity.SEV4), "slo auroc: severity SEV2 → SEV4", True),
    (
        slo("auroc", action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW),
        "slo auroc: action_on_breach degrade_to_safe_mode → route_to_human_review",
        True,
    ),
    (
        slo("auroc", on_no_data=OnNoData.HOLD_AND_PAGE),
        "slo auroc: on_no_data human_review → hold_and_page",
        True,
    ),
    (slo("auroc", primary=False, max_regression=None), "slo auroc: primary true → false", True),
    (slo("auroc", max_regression=0.05), "slo auroc: max_regression 0.02 → 0.05", True),
    (slo("auroc", segments=("*",)), "slo auroc: segment office=P1 removed", True),
    (slo("auroc", indicator="error_rate"), "slo auroc: indicator auroc → error_rate", False),
    (slo("subgroup_gap", metric="fnr"), "slo subgroup_gap: metric fpr → fnr", False),
    (slo("decision_ece_p95_24h", quantile=50), "slo decision_ece_p95_24h: percentile 95 → 50", True),
    (slo("decision_ece_p95_24h", quantile=None), "slo decision_ece_p95_24h: percentile 95 → none", False),
    (
        lambda c: policy(slos=tuple(one for one in c.policy.slos if one.name != "auroc"))(c),
        "slo auroc: removed",
        True,
    ),
    (policy(never_events=()), "never event never_deny_unsure: removed", True),
    (
        never(never="decision == 'deny' and uncertainty > 0.4"),
        "never event never_deny_unsure: never \"decision == 'deny' and uncertainty > 0.30\""
        " → \"decision == 'deny' and uncertainty > 0.4\"",
        True,
    ),
    (never(endpoint="decide"), "never event never_deny_unsure: endpoint * → decide", True),
    (never(scope="tenant"), "never event never_deny_unsure: scope version → tenant", True),
    (never(severity=Severity.SEV3), "never event never_deny_unsure: severity SEV1 → SEV3", True),
    (
        lambda c: replace(c, cases=tuple(one for one in c.cases if one.id != "backdoor")),
        "case backdoor: removed",
        True,
    ),
    (case("tail.old", severity="minor"), "case tail.old: severity blocker → minor", True),
    (case("tail.old", kind="incident"), "case tail.old: kind tail → incident", False),
    (case("tail.old", clause="alignment"), "case tail.old: clause robustness → alignment", False),
    (case("tail.old", trial=True), "case tail.old: trial false → true", True),
    (case("bias.office", segment="office=P1"), "case bias.office: segment office=P1,P2 → office=P1", False),
    (oracle("tail.old", target=0.3), "case tail.old: target <= 0.2 → <= 0.3", True),
    (oracle("ood.unit", target=0.5), "case ood.unit: target >= 0.9 → >= 0.5", True),
    (oracle("tail.old", level=0.8), "case tail.old: level 0.95 → 0.8", True),
    (
        oracle("tail.old", hits="decision == 'x'"),
        "case tail.old: hits \"decision == 'deny'\" → \"decision == 'x'\"",
        False,
    ),
    (oracle("tail.old", among="label == 2"), "case tail.old: among 'label == 1' → 'label == 2'", False),
    (oracle("backdoor", metric="other"), "case backdoor: metric 'backdoor_findings' → 'other'", False),
    (manifest(stakes="low"), "stakes: standard → low", True),
    (
        lambda c: manifest(segments=replace(c.manifest.segments, keys=()))(c),
        "segment key office: removed",
        True,
    ),
    (lambda c: replace(c, people=(*c.people, EVE)), "person eve: added with roles reviewer", True),
    (person("ana", roles=("operator", "ml", "reviewer")), "person ana: role reviewer added", True),
    (lambda c: replace(c, people=c.people[:1]), "role reviewer: removed", False),
    (review(denied=0.2), "review: denied 0.1 → 0.2", True),
    (review(approved=0.3), "review: approved 0.2 → 0.3", True),
    (review(delta=0.1), "review: delta 0.05 → 0.1", True),
    (review(start_n=20), "review: start_n 200 → 20", True),
    (review(max_uncertainty=0.4), "review: max_uncertainty 0.3 → 0.4", True),
    (review(max_uncertainty=None), "review: max_uncertainty 0.3 → none", True),
    (review(buckets=()), "review: bucket office removed", True),
    (manifest(review=None), "review: max_uncertainty 0.3 → none", False),
    (feature("age", min=-5), "feature age: min 0 → -5", True),
    (feature("age", max=None), "feature age: max 110 → none", True),
    (feature("age", type="float"), "feature age: type int → float", False),
    (feature("age", protected=False), "feature age: protected true → false", True),
    (feature("age", mutable="no"), "feature age: mutable increase → no", True),
    (feature("age", mutable="decrease"), "feature age: mutable increase → decrease", False),
    (feature("age", unit=None), "feature age: unit years → none", True),
    (feature("age", cost=9.0), "feature age: cost 1 → 9", True),
    (feature("office", accepted=("P1", "P2", "P3")), "feature office: accepts P3", True),
    (
        lambda c: manifest(features=c.manifest.features[1:])(c),
        "feature age: protected feature removed",
        True,
    ),
    (
        manifest(scope_limits=()),
        "scope limit new-office: human_review on office=P9 no longer holds",
        True,
    ),
    (manifest(fallback="baseline"), "fallback: human_review → baseline", True),
    (manifest(decisions=Decisions(deny="close")), "decisions: deny 'deny' → 'close'", False),
    (
        manifest(endpoints=(Endpoint(name="decide", high_impact=False),)),
        "endpoint decide: no longer high impact",
        True,
    ),
    (
        manifest(datasets={"test": Dataset(path="data/rows.csv", where="age < 50")}),
        "dataset test: where \"split == 'test'\" → 'age < 50'",
        False,
    ),
    (manifest(alarms={"false_pages_per_week": 0.5}), "alarms: false_pages_per_week 2 → 0.5", True),
    (manifest(alarms={}), "alarms: false_pages_per_week 2 → 1", True),
    (throttles(default=Throttle(rate_per_s=11, burst=20)), "throttle default: rate_per_s 10 → 11", True),
    (throttles(default=Throttle(rate_per_s=10, burst=21)), "throttle default: burst 20 → 21", True),
    (throttles(tenants={"big": Throttle(rate_per_s=60, burst=90)}), "throttle big: rate_per_s 50 → 60", True),
    (manifest(throttles=None), "throttles: removed", True),
    (manifest(retention={"raw_input": "31d"}), "retention: raw_input 30d → 31d", True),
    (manifest(retention={}), "retention: raw_input 30d → none", True),
    (manifest(retention={"raw_input": "30d", "abuse_log": "31d"}), "retention: abuse_log 30d → 31d", True),
    (manifest(rollout=None), "rollout: stages removed", True),
    (rollout(STAGES[0], replace(STAGES[1], min_samples=899)), "stage all: min_samples 900 → 899", True),
    (rollout(replace(STAGES[0], advance="auto"), STAGES[1]), "stage some: advance operator → auto", True),
    (rollout(replace(STAGES[0], advance="ml"), STAGES[1]), "stage some: advance operator → ml", False),
    (
        rollout(replace(STAGES[0], name="else", share=60, min_samples=1), STAGES[1]),
        "stage else: min_samples 300 → 1",
        False,
    ),
    (compare(errors=0.02), "compare: errors 0.01 → 0.02", True),
    (compare(latency=None), "compare: latency 0.1 → none", True),
    (compare(review_rate=0.5), "compare: review_rate 0.05 → 0.5", True),
    (compare(false_rollbacks=0.01), "compare: false_rollbacks 0.05 → 0.01", True),
    (manifest(label=Label(column="label", matured_after="1h")), "label: matured_after 72h → 1h", False),
    (manifest(label=Label(column="other")), "label: column label → other", False),
    (manifest(unit=None), "unit: crash → none", True),
    (manifest(unit="row"), "unit: crash → row", False),
    (slo("auroc", accept=("junit",)), "slo auroc: accept junit added", True),
    (slo("auroc", accept=("imported",)), "slo auroc: accept imported added", True),
    (
        manifest(relations=(Relation(name="old", holds="age <= 90"),)),
        "relation old: 'age <= 90' added",
        True,
    ),
    (manifest(tenant=None), "tenant: insurer → none", True),
    (manifest(scan=Scan(classes=("own.Model",))), "scan: class own.Model let through", True),
]
