from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import pytest

from shipworthy.contract.generators import SHAPES
from shipworthy.decide import decide
from shipworthy.evaluate.bench import Bench, asks_of
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.pack import Shown, evaluate_all, from_cases, pass_rates, run_case
from shipworthy.facts import (
    Action,
    Budget,
    Case,
    Clause,
    Coverage,
    Evidence,
    NeverEvent,
    Outcome,
    Policy,
    Slo,
    Target,
    canonical,
)
from shipworthy.gate.recompute import case_mismatches, mismatches
from shipworthy.profile.rows import Value
from tests.evaluate.benches import SUBJECT, bench, case, model_of, rows, truth

UNSURE = NeverEvent(name="unsure", never="decision == 'auto_deny' and uncertainty > 0.30")


def slo(name: str, op: Literal[">=", "<=", "=="], value: float, **changes: object) -> Slo:
    given: dict[str, object] = {
        "name": name,
        "indicator": name,
        "objective": "o",
        "target": Target(op=op, value=value),
        "window": "rolling",
        "action_on_breach": Action.ROUTE_TO_HUMAN_REVIEW,
        "clause": Clause.ROBUSTNESS,
        "min_samples": 100,
    }
    return Slo(**{**given, **changes})  # type: ignore[arg-type]


POLICY = Policy(
    slos=(
        slo("auroc", ">=", 0.7),
        slo("error_rate", "<=", 0.35, segments=("*", "sex=f")),
        slo("decision_ece_p95_24h", "<=", 0.1, indicator="decision_ece", quantile=95),
        slo("ood_recall_7d", ">=", 0.85, indicator="ood_recall"),
        slo("ood_false_alarm", "<=", 0.05),
        slo("subgroup_gap", "<=", 0.2),
        slo("membership_tpr", "<=", 0.05),
        slo("feasible_flip_rate", "<=", 0.99),
        slo("backdoor_findings", "==", 0.0),
        slo("never_event_violations", "==", 0.0),
        slo("latency_ms", "<=", 100.0),
    ),
    never_events=(UNSURE,),
)
CASES: tuple[Case, ...] = (
    case("tail.fast", hits="score >= 0.5", among="label == 1 and speed == 4", op=">=", target=0.5),
    case("shift.hidden", generator={"name": "hide_feature", "feature": "supplier"}, target=0.3, kind="shift"),
    case("meta.payload", hits="changed", among="true", op="==", target=0.0, kind="metamorphic",
         generator={"name": "payload", "field": "remark", "sample": 300}),
    case("adv.flip", generator={"name": "nearest_flip", "n": 120}, metric="feasible_flip_rate", target=0.99,
         kind="adversarial"),
    case("privacy.membership", generator={"name": "membership"}, metric="membership_tpr", target=0.05, kind="privacy"),
    case("backdoor.rows", generator={"name": "lift_scan"}, metric="backdoor_findings", op="==", target=0.0,
         kind="backdoor_data"),
)  # fmt: skip


def full(**changes: object) -> Bench:
    tables = {"test": rows(2000, 104), "train": rows(2500, 61), "calibration": rows(1500, 62)}
    return bench(**{"datasets": tables, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shown() -> Shown:
    return evaluate_all(full(), POLICY, CASES)


def test_everything_asked_for_is_measured_and_judged(shown: Shown) -> None:
    outcomes = {one.slo: one.outcome for one in decide(POLICY, shown.measurements) if one.here}
    assert {one.status for one in shown.cases} == {"pass"}
    assert set(outcomes.values()) == {Outcome.MET}, outcomes
    assert shown.coverage.requested == shown.coverage.executed


def test_nothing_shown_is_refused_by_the_gates_own_arithmetic(shown: Shown) -> None:
    assert not mismatches(shown.measurements)
    assert not case_mismatches(shown.cases, CASES)


def test_the_same_inputs_give_the_same_bytes(shown: Shown) -> None:
    again = evaluate_all(full(), POLICY, CASES)

    def written(one: Shown) -> bytes:
        return canonical(
            Evidence(
                subject=SUBJECT,
                measurements=one.measurements,
                coverage=one.coverage,
                cases=one.cases,
                paired=one.paired,
                tool_version="0",
            )
        )

    assert written(again) == written(shown)
    assert msgspec.json.decode(written(shown), type=Evidence).cases == shown.cases


def test_adding_a_case_moves_no_other(shown: Shown) -> None:
    more = evaluate_all(full(), POLICY, (case("new.first", among="true", target=0.9), *CASES))
    assert more.cases[1:] == shown.cases


def test_a_case_that_raises_is_an_error_and_does_not_count_as_run() -> None:
    broken = case("broken", generator={"name": "hide_feature", "feature": "no_such"})
    unknown = case("unknown", generator={"name": "no_such_generator"})
    blind = case("blind", hits="speed >")
    found = evaluate_all(full(), POLICY, (broken, unknown, blind, CASES[0]))
    assert [one.status for one in found.cases] == ["error", "error", "error", "pass"]
    assert "no_such" in found.cases[0].because
    missing = set(found.coverage.requested) - set(found.coverage.executed)
    assert missing == {"broken", "unknown", "blind"}


def test_a_spent_budget_skips_the_rest_and_says_so() -> None:
    spent = evaluate_all(full(), POLICY, CASES[:2]).queries
    found = evaluate_all(full(), POLICY, CASES[:3], Budget(queries=spent - 1))
    assert [one.status for one in found.cases] == ["pass", "pass", "skipped"]
    assert found.coverage.executed[-1] == "shift.hidden"
    assert "queries was spent before" in found.cases[2].because
    assert found.queries == spent


def test_a_case_stops_at_its_own_budget_and_says_so() -> None:
    small = msgspec.structs.replace(CASES[3], budget=Budget(queries=900))
    found = evaluate_all(full(), POLICY, (small, CASES[0]))
    assert [one.status for one in found.cases] == ["inconclusive", "pass"]
    assert found.cases[0].because == "the 900 queries it may ask were spent before it was done"
    assert found.cases[0].queries <= 900
    assert set(found.coverage.requested) - set(found.coverage.executed) == {small.id}


def test_a_model_that_fails_is_told_of_case_by_case_and_what_needs_no_model_still_runs() -> None:
    def broken(batch: list[list[Value]]) -> object:
        raise RuntimeError("gone")

    found = evaluate_all(full(model=broken), POLICY, CASES)
    statuses = {one.case: one.status for one in found.cases}
    assert statuses.pop("backdoor.rows") == "pass"
    assert set(statuses.values()) == {"error"}
    assert all("RuntimeError: gone" in one.because for one in found.cases if one.case in statuses)
    assert found.coverage.executed == ("backdoor.rows",)
    blank = {one.indicator for one in found.measurements if one.value is None and "could not be asked" in one.method}
    assert {"auroc", "error_rate", "decision_ece", "never_event_violations"} <= blank
    outcomes = {one.slo: one.outcome for one in decide(POLICY, found.measurements) if one.here}
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.MET} == {"backdoor_findings"}


def test_a_never_event_is_counted_and_one_that_cannot_be_told_is_counted_apart() -> None:
    deny = NeverEvent(name="deny", never="decision == 'auto_deny' and speed >= 0")
    blind = NeverEvent(name="blind", never="no_such_column > 3")
    found = evaluate_all(full(), Policy(slos=POLICY.slos, never_events=(deny, blind)), ()).measurements
    by = {(one.indicator, one.part): one for one in found}
    assert (by["never_event_violations", None].value or 0) > 100
    assert by["never_event_violations", "blind"].value == 0
    assert by["never_event_unknown", "blind"].value == 1.0
    assert by["never_event_unknown", None].n == 4000


def test_a_never_event_about_ood_asks_the_profile() -> None:
    odd = NeverEvent(name="odd", never="ood and decision == 'auto_approve'")
    found = evaluate_all(full(), Policy(slos=POLICY.slos, never_events=(odd,)), ()).measurements
    assert next(one for one in found if one.indicator == "never_event_unknown").value == 0.0


def test_a_policy_without_never_events_has_nothing_to_count() -> None:
    found = evaluate_all(full(), Policy(slos=POLICY.slos), ()).measurements
    assert next(one for one in found if one.indicator == "never_event_violations").value is None


def test_the_pass_rate_of_the_weakest_kind_is_judged_and_minor_cases_do_not_count() -> None:
    cases = (case("a"), case("b"), case("c", kind="shift"), case("d", kind="shift", severity="minor"))
    template = evaluate_all(full(), POLICY, (CASES[0],)).cases[0]
    results = [
        msgspec.structs.replace(template, case=one.id, status=status, severity=one.severity)
        for one, status in zip(cases, ("pass", "inconclusive", "pass", "fail"), strict=True)
    ]
    found = {one.part: one for one in pass_rates(cases, results)}
    assert (found[None].value, found["tail"].value, found["shift"].value) == (0.5, 0.5, 1.0)
    assert pass_rates((), ())[0].value is None


def test_of_two_cases_on_one_indicator_the_worse_is_judged() -> None:
    cases = [
        case(f"adv.{name}", generator={"name": "nearest_flip", "n": 100, "at_cost": cost}, metric="feasible_flip_rate")
        for name, cost in (("cheap", 0.2), ("dear", 3.0))
    ]
    found = from_cases(asks_of(POLICY), [run_case(one, full(), 1) for one in cases])
    judged = [one for one in found if one.part is None]
    assert len(judged) == 1
    parts = {one.part: one for one in found}
    assert judged[0].hi == max(parts["adv.cheap"].hi or 0, parts["adv.dear"].hi or 0)


def test_a_measurement_takes_the_strictest_level_its_slos_ask_for() -> None:
    policy = Policy(
        slos=(slo("error_rate", "<=", 0.4), slo("error_rate_7d", "<=", 0.4, indicator="error_rate", level=0.99))
    )
    found = [one for one in evaluate_all(full(), policy, ()).measurements if one.indicator == "error_rate"]
    assert [one.level for one in found] == [0.99]


def test_what_the_model_decides_itself_is_what_counts() -> None:
    class Own:
        def __init__(self, batch: list[list[Value]]) -> None:
            scores = model_of(truth)(batch).scores
            self.scores = scores
            self.decisions = ["auto_deny" if (one or 0) < 0.5 else "auto_approve" for one in scores]

    found = evaluate_all(full(model=Own, thresholds=None), POLICY, ()).measurements
    by: Mapping[str, object] = {one.indicator: one.value for one in found if one.part is None and one.segment == "*"}
    assert by["review_rate"] == 0.0
    assert by["auto_error_rate"] == by["error_rate"]


def test_every_generator_that_check_knows_can_run_and_no_other() -> None:
    assert set(GENERATORS) == set(SHAPES)
    assert isinstance(evaluate_all(full(), POLICY, ()).coverage, Coverage)
