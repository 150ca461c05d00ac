from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.contract import Contract, make_lock
from shipworthy.contract.loosening import loosening_digest, loosenings
from shipworthy.contract.loosening_policy import looser_target
from shipworthy.contract.manifest import Dataset, Decisions, Endpoint, Feature, Review, ScopeLimit, SegmentKey
from shipworthy.contract.slos import read_slos
from shipworthy.facts import Action, NeverEvent, OnNoData, Person, Policy, Severity, Target
from tests.contract.repository import MISSION_SLOS, NEVER, ssh_key, standard, whole

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
        "{name: age, type: int, min: 0, max: 110, unit: years, protected: true, mutable: increase,",
    )
    + "review: {denied: 0.1, approved: 0.2, delta: 0.05, max_uncertainty: 0.3, buckets: [office]}\n"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return whole(tmp_path_factory.mktemp("base"), slos=SLOS, manifest=MANIFEST)


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
    (person("ana", roles=("operator", "reviewer")), "person ana: role reviewer added", True),
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
]


@pytest.mark.parametrize(
    ("change", "row"), [(change, row) for change, row, _ in LOOSER], ids=[row for _, row, _ in LOOSER]
)
def test_each_kind_of_loosening_is_found_and_named(base: Contract, change: Change, row: str) -> None:
    assert found(base, change(base)) == (row,)


@pytest.mark.parametrize(
    "change", [change for change, _, back in LOOSER if back], ids=[row for _, row, back in LOOSER if back]
)
def test_the_way_back_is_a_tightening_and_no_row(base: Contract, change: Change) -> None:
    assert found(change(base), base) == ()


def test_nothing_changed_is_nothing_loosened(base: Contract) -> None:
    assert found(base, base) == ()


def test_a_kill_that_ends_with_people_is_looser_than_one_that_ends_with_nobody(base: Contract) -> None:
    assert found(base, manifest(kill_fallback="human_review")(base)) == ("kill_fallback: nobody → human_review",)


def test_bounds_where_there_were_none_let_machines_decide(base: Contract) -> None:
    none = manifest(review=None)(base)
    now = manifest(review=Review(denied=0.1, approved=0.2))(base)
    assert found(none, now) == ("review: bounds none → denied 0.1, approved 0.2, delta 0.05",)


def test_without_review_bounds_nothing_can_be_looser_than_no_bounds(base: Contract) -> None:
    none = manifest(review=None)(base)
    bare = manifest(review=Review(denied=0.1, approved=0.2))(base)
    assert found(none, none) == ()
    assert found(bare, none) == ()


def test_a_range_that_was_open_stays_no_looser(base: Contract) -> None:
    lower_open = feature("age", min=None)(base)
    assert found(lower_open, feature("age", min=-5.0)(base)) == ()
    assert found(feature("age", min=-5.0)(base), lower_open) == ("feature age: min -5 → none",)


@pytest.mark.parametrize(
    ("name", "old", "new", "rows"),
    [
        ("auroc", 10, 5, ()),
        ("auroc", 5, 10, ("slo auroc: percentile 5 → 10",)),
        ("auroc", 5, 5, ()),
        ("subgroup_gap", 95, 99, ()),
        ("subgroup_gap", 99, 95, ("slo subgroup_gap: percentile 99 → 95",)),
    ],
)
def test_a_percentile_further_into_the_bad_tail_is_stricter(
    base: Contract, name: str, old: int, new: int, rows: tuple[str, ...]
) -> None:
    assert found(slo(name, quantile=old)(base), slo(name, quantile=new)(base)) == rows


def test_a_percentile_of_an_indicator_that_is_gone_cannot_be_compared(base: Contract) -> None:
    old, new = (slo("auroc", indicator="retired", quantile=quantile)(base) for quantile in (95, 99))
    assert found(old, new) == ("slo auroc: percentile 95 → 99",)


def test_a_primary_slo_without_a_bound_on_regression_is_looser(base: Contract) -> None:
    assert found(base, slo("auroc", max_regression=None)(base)) == ("slo auroc: max_regression 0.02 → none",)


def test_a_single_negative_value_inside_a_limit_is_not_looser() -> None:
    assert not looser_target(("<=", 1.0), ("==", -1.0))
    assert looser_target((">=", 1.0), ("==", -1.0))


@pytest.mark.parametrize("key", ["deny", "approve", "review"])
def test_every_decision_word_is_watched(base: Contract, key: str) -> None:
    (row,) = found(base, manifest(decisions=Decisions(**{key: "other"}))(base))
    assert row.startswith(f"decisions: {key} ")


def test_another_key_of_a_person_or_an_issuer_is_named(base: Contract) -> None:
    (row,) = found(base, person("ana", key=ssh_key(77))(base))
    assert row.startswith("person ana: key ")
    (row,) = found(base, replace(base, issuers=replace(base.issuers, verdict="other")))
    assert row.startswith("issuer verdict: key ")


def test_the_comment_of_a_key_is_not_the_key(base: Contract) -> None:
    assert found(base, person("ana", key=base.people[0].key + " laptop")(base)) == ()


def test_other_rows_under_the_same_case_are_named(base: Contract) -> None:
    other = replace(base, digests=base.digests | {"cases/office.csv": "sha256:" + "1" * 64})
    (row,) = found(base, other)
    assert row.startswith("case bias.office: runs on something else")
    (row,) = found(base, case("ood.unit", generator={"kind": "probe", "probe": "null", "rows": "test"})(base))
    assert row.startswith("case ood.unit: runs on something else")


def test_a_wider_category_list_is_excused_for_exactly_the_covered_values(base: Contract) -> None:
    wider = feature("office", accepted=("P1", "P2", "P3", "P4"))(base)
    assert found(base, wider, frozenset({"office=P3", "office=P4"})) == ()
    assert found(base, wider, frozenset({"office=P3", "age=P4"})) == ("feature office: accepts P4",)


def test_a_range_is_never_excused(base: Contract) -> None:
    covered = frozenset({"age=-5", "age=200"})
    assert found(base, feature("age", min=-5.0, max=200.0)(base), covered) == (
        "feature age: max 110 → 200",
        "feature age: min 0 → -5",
    )


TIGHTER: list[Change] = [
    slo("auroc", target=Target(op=">=", value=0.8), level=0.99, min_samples=900),
    slo("auroc", segments=("*", "office=P1", "office=P2"), on_no_data=OnNoData.SAFE_MODE, max_regression=0.01),
    slo("auroc", severity=Severity.SEV1, action_on_breach=Action.KILL_SWITCH),
    slo("decision_ece_p95_24h", quantile=99, window="1d"),
    never(never="decision == 'deny' and uncertainty > 0.2", scope="version"),
    never(never="decision == 'deny' and uncertainty > 0.3 or decision == 'close'"),
    lambda c: policy(never_events=(*c.policy.never_events, NeverEvent(name="new", never="score > 2")))(c),
    manifest(stakes="high", fallback="refuse", kill_fallback="nobody"),
    lambda c: manifest(features=(*c.manifest.features, Feature(name="new", type="category", accepted=("a",))))(c),
    feature("age", min=5, max=50, mutable="yes"),
    feature("office", accepted=()),
    manifest(
        scope_limits=(
            ScopeLimit(name="renamed", segment="office=P8,P9", posture="safe_mode", decision="0001-new-office"),
        )
    ),
    oracle("tail.old", target=0.1, level=0.99),
    case("bias.office", severity="blocker"),
]


@pytest.mark.parametrize("change", TIGHTER, ids=range(len(TIGHTER)))
def test_tightening_makes_no_row(base: Contract, change: Change) -> None:
    assert found(base, change(base)) == ()


def test_one_more_segment_key_makes_no_row(base: Contract) -> None:
    keys = (*base.manifest.segments.keys, SegmentKey(key="age"))
    assert found(base, manifest(segments=replace(base.manifest.segments, keys=keys))(base)) == ()


def test_many_loosenings_are_all_named_at_once(base: Contract) -> None:
    changes = [slo("auroc", trial=True), manifest(stakes="low"), case("tail.old", severity="minor"), review(delta=0.2)]
    new = base
    for change in changes:
        new = change(new)
    assert len(found(base, new)) == 4


def test_an_approval_covers_exactly_these_rows_under_this_lock() -> None:
    rows = ("a", "b")
    assert loosening_digest(rows) == loosening_digest(("b", "a"))
    different = {loosening_digest(rows), loosening_digest(("a",)), loosening_digest((*rows, "c"))}
    assert len(different | {loosening_digest(rows, SHA)}) == 4


_TARGETS = st.tuples(st.sampled_from([">=", "<=", "=="]), st.integers(-3, 3).map(float))


@given(_TARGETS, _TARGETS, st.integers(-6, 6).map(lambda half: half / 2))
def test_a_target_that_is_not_looser_accepts_nothing_new(
    old: tuple[str, float], new: tuple[str, float], value: float
) -> None:
    def accepts(target: tuple[str, float]) -> bool:
        return {">=": value >= target[1], "<=": value <= target[1], "==": value == target[1]}[target[0]]

    if not looser_target(old, new):
        assert not accepts(new) or accepts(old)


@given(_TARGETS, _TARGETS)
def test_looser_both_ways_means_that_neither_holds_the_other(old: tuple[str, float], new: tuple[str, float]) -> None:
    if not looser_target(old, new) and not looser_target(new, old):
        assert old == new


def test_the_policy_of_the_mission_is_no_looser_than_itself_reordered(base: Contract) -> None:
    read = read_slos(SLOS)[0]
    assert read is not None
    shuffled = Policy(slos=tuple(reversed(read.slos)), never_events=read.never_events)
    assert found(base, replace(base, policy=shuffled)) == ()
