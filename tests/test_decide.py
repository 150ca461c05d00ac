"""The judge: laws first, then the edges that were argued about."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.decide import Place, decide, judge, judge_case
from shipworthy.facts import Action, CaseResult, Clause, Measurement, Outcome, Policy, Slo, Target

NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


def slo(op: Literal[">=", "<=", "=="] = ">=", value: float = 0.9, indicator: str = "ood_recall", **more: Any) -> Slo:
    given_: dict[str, Any] = {"name": indicator, "min_samples": 60, "window": "rolling"} | more
    return Slo(
        indicator=indicator,
        objective="to be safe",
        target=Target(op=op, value=value),
        action_on_breach=Action.DEGRADE_TO_SAFE_MODE,
        clause=Clause.MONITORING,
        **given_,
    )


def seen(lo: float, hi: float, n: int = 100, indicator: str = "ood_recall", **more: Any) -> Measurement:
    middle = more.pop("value", (lo + hi) / 2)
    return Measurement(indicator=indicator, n=n, value=middle, lo=lo, hi=hi, **more)


bounds = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(bounds, st.sampled_from([">=", "<="]), st.floats(0, 1))
def test_met_and_breached_exclude_each_other_and_need_proof(
    ends: list[float], op: Literal[">=", "<="], target: float
) -> None:
    lo, hi = ends
    outcome = judge(slo(op, target), "*", [seen(lo, hi)]).outcome
    good = lo >= target if op == ">=" else hi <= target
    bad = hi < target if op == ">=" else lo > target
    assert outcome is (Outcome.MET if good else Outcome.BREACHED if bad else Outcome.UNDECIDED)


@given(bounds, st.integers(0, 200), st.sampled_from(["value", "lo", "hi", "n", "segment", "part", "source"]))
def test_losing_evidence_never_helps(ends: list[float], n: int, lost: str) -> None:
    whole = seen(ends[0], ends[1], n=n)
    changes: dict[str, dict[str, Any]] = {
            "value": {"value": None}, "lo": {"lo": None}, "hi": {"hi": math.nan}, "n": {"n": 0},
            "segment": {"segment": "tenant=x"}, "part": {"part": "null"}, "source": {"source": "online"},
    }  # fmt: skip
    broken = msgspec.structs.replace(whole, **changes[lost])
    assert judge(slo(), "*", [broken]).outcome is Outcome.NO_DATA
    assert judge(slo(), "*", []).outcome is Outcome.NO_DATA


@given(bounds, st.floats(0, 0.2))
def test_wider_bounds_never_turn_green(ends: list[float], by: float) -> None:
    before = judge(slo(), "*", [seen(ends[0], ends[1])]).outcome
    after = judge(slo(), "*", [seen(ends[0] - by, ends[1] + by)]).outcome
    assert after is not Outcome.MET or before is Outcome.MET


@pytest.mark.parametrize(
    ("op", "lo", "hi", "outcome"),
    [
        (">=", 0.9, 0.95, Outcome.MET),
        (">=", 0.8999, 0.95, Outcome.UNDECIDED),
        (">=", 0.8, 0.9, Outcome.UNDECIDED),
        (">=", 0.8, 0.8999, Outcome.BREACHED),
        ("<=", 0.8, 0.9, Outcome.MET),
        ("<=", 0.8, 0.9001, Outcome.UNDECIDED),
        ("<=", 0.9, 0.95, Outcome.UNDECIDED),
        ("<=", 0.9001, 0.95, Outcome.BREACHED),
    ],
)
def test_the_edge_of_the_target(op: Literal[">=", "<="], lo: float, hi: float, outcome: Outcome) -> None:
    assert judge(slo(op, 0.9), "*", [seen(lo, hi)]).outcome is outcome


@pytest.mark.parametrize(("count", "outcome"), [(0, Outcome.MET), (1, Outcome.BREACHED)])
def test_a_count_is_judged_by_the_point(count: int, outcome: Outcome) -> None:
    one = slo("==", 0, "backdoor_findings", min_samples=1)
    measured = Measurement(indicator="backdoor_findings", n=9, value=count, lo=0, hi=9)
    assert judge(one, "*", [measured]).outcome is outcome


def test_equality_of_an_interval_is_never_met() -> None:
    one = slo("==", 0.5, "auroc", min_samples=1)
    assert judge(one, "*", [seen(0.5, 0.5, indicator="auroc")]).outcome is Outcome.BREACHED


@pytest.mark.parametrize(("n", "outcome"), [(59, Outcome.NO_DATA), (60, Outcome.MET)])
def test_the_least_sample_counts(n: int, outcome: Outcome) -> None:
    told = judge(slo(), "*", [seen(0.95, 0.99, n=n)])
    assert told.outcome is outcome
    assert told.needs_n == (1 if n == 59 else None)


@pytest.mark.parametrize("weak", [{"level": 0.9}, {"design_effect": 0.5}, {"design_effect": 0.0}])
def test_bounds_weaker_than_asked_prove_nothing(weak: dict[str, Any]) -> None:
    assert judge(slo(), "*", [seen(0.95, 0.99)]).outcome is Outcome.MET
    assert judge(slo(), "*", [seen(0.95, 0.99, **weak)]).outcome is Outcome.NO_DATA


def test_point_evidence_is_compared_as_a_point() -> None:
    one = slo(evidence="point")
    assert judge(one, "*", [seen(0.7, 0.99, value=0.91)]).outcome is Outcome.MET


def test_undecided_rates_say_how_many_more_are_needed() -> None:
    told = judge(slo(), "*", [seen(0.85, 0.99, value=0.96)])
    assert told.outcome is Outcome.UNDECIDED
    assert told.needs_n is not None
    assert told.needs_n > 0


@pytest.mark.parametrize(("age_s", "outcome"), [(300, Outcome.MET), (301, Outcome.NO_DATA)])
def test_online_evidence_grows_stale(age_s: int, outcome: Outcome) -> None:
    end = (NOW - timedelta(seconds=age_s)).isoformat()
    measured = seen(0.95, 0.99, source="online", end=end)
    assert judge(slo(), "*", [measured], NOW, Place.RUNTIME).outcome is outcome


def test_online_evidence_without_a_time_is_no_data() -> None:
    measured = seen(0.95, 0.99, source="online")
    assert judge(slo(), "*", [measured], NOW, Place.RUNTIME).outcome is Outcome.NO_DATA


def test_offline_evidence_says_nothing_at_run_time() -> None:
    assert judge(slo(), "*", [seen(0.95, 0.99)], NOW, Place.RUNTIME).outcome is Outcome.NO_DATA


def test_what_was_measured_offline_is_not_used_at_night_however_fresh() -> None:
    measured = seen(0.95, 0.99, source="offline", end=NOW.isoformat())
    assert judge(slo(), "*", [measured], NOW, Place.RUNTIME).outcome is Outcome.NO_DATA
    assert judge(slo(), "*", [measured], NOW, Place.GATE).outcome is Outcome.MET


@pytest.mark.parametrize("broken", [{"lo": -math.inf}, {"hi": math.inf}, {"value": math.inf}, {"hi": math.nan}])
def test_a_bound_that_is_not_finite_is_no_bound(broken: dict[str, float]) -> None:
    measured = msgspec.structs.replace(seen(0.95, 0.99), **broken)
    assert judge(slo(), "*", [measured]).outcome is Outcome.NO_DATA


def test_a_percentile_is_not_the_pooled_number() -> None:
    tail = slo("<=", 0.05, "decision_ece", quantile=95)
    pooled = seen(0.01, 0.02, indicator="decision_ece")
    assert judge(tail, "*", [pooled]).outcome is Outcome.NO_DATA
    assert (
        judge(tail, "*", [pooled, seen(0.06, 0.09, indicator="decision_ece", quantile=95)]).outcome is Outcome.BREACHED
    )
    assert judge(slo("<=", 0.05, "decision_ece"), "*", [pooled]).outcome is Outcome.MET


def test_an_indicator_without_a_source_here_is_listed_and_does_not_decide() -> None:
    told = judge(slo("==", 0, "ood_repeats"), "*", [])
    assert (told.outcome, told.here) == (Outcome.NO_DATA, False)


@pytest.mark.parametrize("slos", [(), (slo("==", 0, "ood_repeats"),), (slo(trial=True),)])
def test_a_policy_that_decides_nothing_is_refused(slos: tuple[Slo, ...]) -> None:
    with pytest.raises(ValueError, match="nothing that decides"):
        decide(Policy(slos=slos), [])


def test_two_measurements_of_one_thing_are_refused() -> None:
    with pytest.raises(ValueError, match="which one"):
        judge(slo(), "*", [seen(0.95, 0.99), seen(0.1, 0.2)])


def test_the_runtime_needs_the_time() -> None:
    with pytest.raises(ValueError, match="needs the time"):
        decide(Policy(slos=(slo(),)), [], place=Place.RUNTIME)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("pass", Outcome.MET), ("fail", Outcome.BREACHED), ("inconclusive", Outcome.UNDECIDED),
        ("error", Outcome.NO_DATA), ("skipped", Outcome.NO_DATA), ("passed", Outcome.NO_DATA), ("", Outcome.NO_DATA),
    ],
)  # fmt: skip
def test_only_a_passed_case_is_met(status: str, outcome: Outcome) -> None:
    result = CaseResult(
        case="tail.x", status=status, clause="robustness", severity="blocker", n=9, hits=0, value=0.0, lo=0.0, hi=0.1,
        target="<= 0.15", because="b", seed=1,
    )  # fmt: skip
    assert judge_case(result).outcome is outcome


@pytest.mark.parametrize(("severity", "trial"), [("blocker", False), ("major", False), ("minor", True)])
def test_a_minor_case_is_shown_and_does_not_decide(severity: str, trial: bool) -> None:
    result = CaseResult(
        case="tail.x", status="fail", clause="robustness", severity=severity, n=9, hits=9, value=1.0, lo=0.7, hi=1.0,
        target="<= 0.15", because="b", seed=1,
    )  # fmt: skip
    assert judge_case(result).trial is trial


@pytest.mark.parametrize(("n", "rate"), [(300, "0.0099"), (3000, "0.001"), (1, "0.95")])
def test_a_zero_says_which_rate_it_still_allows(n: int, rate: str) -> None:
    none = Measurement(indicator="never_event_violations", n=n, hits=0, value=0.0, lo=0.0, hi=0.0)
    told = judge(slo("==", 0, "never_event_violations", min_samples=1), "*", [none])
    assert told.outcome is Outcome.MET
    assert told.because.endswith(f"; 0 in {n} still allow a rate of {rate}")
    some = msgspec.structs.replace(none, hits=1, value=1.0)
    assert "still allow" not in judge(slo("==", 0, "never_event_violations", min_samples=1), "*", [some]).because


@pytest.mark.parametrize(("op", "target", "best"), [(">=", 0.98, ">= 0.97"), ("<=", 0.02, "<= 0.0295")])
def test_a_sample_too_small_for_the_target_says_what_it_could_prove_at_best(
    op: Literal[">=", "<="], target: float, best: str
) -> None:
    told = judge(slo(op, target), "*", [seen(0.01, 0.99)])
    assert told.outcome is Outcome.UNDECIDED
    assert told.because.endswith(f"n=100 can prove at best {best}")
    thin = judge(slo(op, target, min_samples=101), "*", [seen(0.01, 0.99)])
    assert (thin.outcome, thin.because.endswith(best)) == (Outcome.NO_DATA, True)
    enough = judge(slo(op, 0.5), "*", [seen(0.01, 0.99)])
    assert "at best" not in enough.because


@pytest.mark.parametrize(("op", "proves"), [(">=", 0.85), ("<=", 0.99)])
def test_a_judgement_says_which_limit_is_proven(op: Literal[">=", "<="], proves: float) -> None:
    assert judge(slo(op, 0.9), "*", [seen(0.85, 0.99)]).proves == proves


def test_an_undecided_interval_says_about_how_many_more_it_takes() -> None:
    told = judge(slo(">=", 0.70, "auroc"), "*", [seen(0.64, 0.80, indicator="auroc", n=400, value=0.72)])
    assert (told.outcome, told.needs_n) == (Outcome.UNDECIDED, 6000)  # four times as near takes sixteen times as many
    never = judge(slo(">=", 0.73, "auroc"), "*", [seen(0.64, 0.80, indicator="auroc", n=400, value=0.72)])
    assert (never.outcome, never.needs_n) == (Outcome.UNDECIDED, None)


def test_an_slo_asked_of_no_segment_is_no_data_and_decides() -> None:
    (one, two) = decide(Policy(slos=(slo(segments=()), slo(name="b"))), [seen(0.95, 0.99)])
    assert (one.outcome, one.here, one.trial) == (Outcome.NO_DATA, True, False)
    assert two.outcome is Outcome.MET


def test_a_case_says_which_limit_its_rows_prove() -> None:
    result = CaseResult(
        case="tail.x", status="inconclusive", clause="robustness", severity="blocker", n=9, hits=0, value=0.0, lo=0.0,
        hi=0.28, target="<= 0.15", because="b", seed=1, needs_n=10,
    )  # fmt: skip
    assert (judge_case(result).proves, judge_case(result).needs_n) == (0.28, 10)
