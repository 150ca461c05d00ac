from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.contract import Contract
from shipworthy.contract.loosening import loosening_digest
from shipworthy.contract.loosening_policy import looser_target
from shipworthy.contract.manifest import Decisions, Feature, Relation, Review, ScopeLimit, SegmentKey, Stage, Throttle
from shipworthy.contract.review_queue import ReviewQueue, SecondReview
from shipworthy.contract.slos import read_slos
from shipworthy.facts import Action, NeverEvent, OnNoData, Policy, Severity, Target
from tests.contract.loosening_kit import (
    LOOSER,
    MANIFEST,
    SHA,
    SLOS,
    STAGES,
    Change,
    case,
    feature,
    found,
    manifest,
    never,
    oracle,
    person,
    policy,
    replace,
    review,
    rollout,
    slo,
    throttles,
)
from tests.contract.repository import ssh_key, whole


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return whole(tmp_path_factory.mktemp("base"), slos=SLOS, manifest=MANIFEST)


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


FALLS = {"overflow": "fallback"}
TWICE = {"second_review": SecondReview(share=0.1, segments=("office=P1,P2", "tenant=a"))}


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        ({}, FALLS, ("overflow refuse → fallback",)),
        (FALLS, {}, ()),
        ({}, {"capacity": 10, "per_tenant": 5}, ()),
        (FALLS, FALLS | {"capacity": 10, "per_tenant": 5}, ("capacity 5000 → 10", "per_tenant 1000 → 5")),
        ({"capacity": 10}, {"capacity": 9} | FALLS, ("capacity 10 → 9", "overflow refuse → fallback")),
        (
            FALLS | {"tenants": {"a": 5000}},
            FALLS | {"tenants": {"b": 2}},
            ("quota of a 5000 → 1000", "quota of b 1000 → 2"),
        ),
        ({}, {"lease": "31m"}, ("lease 30m → 31m",)),
        ({"lease": "31m"}, {}, ()),
        ({}, {"leases_per_person": 6}, ("leases_per_person 5 → 6",)),
        ({}, {"answer_within": "9h"}, ("answer_within 8h → 9h",)),
        ({"answer_within": "1h"}, {}, ("answer_within 1h → 8h",)),
        (TWICE, {}, ("second_review removed",)),
        ({}, TWICE, ()),
        (TWICE, {"second_review": SecondReview(share=0.09)}, ("second_review share 0.1 → 0.09",)),
        (TWICE, {"second_review": SecondReview(share=0.1)}, ()),
        (
            TWICE,
            {"second_review": SecondReview(share=0.1, segments=("office=P1", "tenant=a"))},
            ("second_review segment office=P1,P2 removed",),
        ),
    ],
)
def test_a_queue_is_looser_where_less_is_asked_of_people_or_more_is_opened(
    base: Contract, old: dict[str, Any], new: dict[str, Any], rows: tuple[str, ...]
) -> None:
    before, after = (manifest(review_queue=ReviewQueue(**one))(base) for one in (old, new))
    assert found(before, after) == tuple(f"review_queue: {row}" for row in rows)


def test_how_long_a_review_waits_is_one_limit_wherever_it_is_written(base: Contract) -> None:
    kept = {"raw_input": "30d"}
    old = manifest(retention=kept | {"answer_within": "4h"})(base)
    moved = manifest(retention=kept, review_queue=ReviewQueue(answer_within="4h"))(base)
    assert found(old, moved) == found(moved, old) == ()
    assert found(old, base) == ("review_queue: answer_within 4h → 8h",)


def test_the_abuse_log_has_a_life_of_its_own_that_saying_nothing_may_lengthen(base: Contract) -> None:
    short = manifest(retention={"raw_input": "30d", "abuse_log": "7d"})(base)
    assert found(short, base) == ("retention: abuse_log 7d → 30d",)
    assert found(base, short) == ()


def test_a_kill_that_ends_with_people_is_looser_than_one_that_ends_with_nobody(base: Contract) -> None:
    assert found(base, manifest(kill_fallback="human_review")(base)) == ("kill_fallback: nobody → human_review",)


def test_a_model_whose_answers_do_something_is_not_called_twice_without_a_decision(base: Contract) -> None:
    acts = manifest(idempotent=False)(base)
    assert found(acts, base) == ("idempotent: false → true",)
    assert found(base, acts) == ()


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
    (row,) = found(base, case("ood.unit", generator={"name": "probe", "probe": "null", "dataset": "test"})(base))
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


def test_what_was_not_limited_before_is_no_looser_now(base: Contract) -> None:
    bare = manifest(throttles=None, rollout=None, retention={}, unit=None, tenant=None)(base)
    assert found(bare, base) == ()


def test_a_tenant_throttled_apart_is_compared_with_what_held_for_it_before(base: Contract) -> None:
    apart = throttles(tenants={"big": Throttle(rate_per_s=50, burst=90), "new": Throttle(rate_per_s=11, burst=20)})
    assert found(base, apart(base)) == ("throttle new: rate_per_s 10 → 11",)
    assert found(base, throttles(tenants={})(base)) == ()  # the default is tighter


def test_a_rollout_may_take_other_steps_as_long_as_each_asks_as_much(base: Contract) -> None:
    finer = rollout(
        Stage(name="drop", share=1, tenants=("big",), min_samples=20),
        Stage(name="half", share=50, tenants=("*",), min_samples=400, advance="operator"),
        STAGES[1],
    )
    assert found(base, finer(base)) == ()
    assert found(base, rollout(STAGES[1])(base)) == ()


def test_a_step_of_one_tenant_is_not_compared_with_that_of_all(base: Contract) -> None:
    one, all_ = (Stage(name=name, share=100, tenants=(name,), min_samples=50, advance=advance)
                 for name, advance in (("big", "operator"), ("*", "auto")))  # fmt: skip
    steps = rollout(one, all_)(base)
    assert found(steps, steps) == ()
    assert found(steps, rollout(replace(one, advance="auto"), all_)(base)) == ("stage big: advance operator → auto",)


def test_one_format_less_than_all_is_no_loosening(base: Contract) -> None:
    assert found(slo("auroc", accept=("imported",))(base), slo("auroc", accept=("junit",))(base)) == ()


def test_a_relation_under_another_name_is_the_same_relation(base: Contract) -> None:
    one, other = (manifest(relations=(Relation(name=name, holds="age <=  90"),)) for name in ("a", "b"))
    assert found(one(base), other(base)) == ()
