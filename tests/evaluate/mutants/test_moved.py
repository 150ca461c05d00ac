"""The limit that is proposed is kept by every healthy variant, bounds included, and not by the mutant."""

from __future__ import annotations

import pytest

from shipworthy.evaluate.mutants.moved import LIVE, Seen, measured, most_moved, seen_in
from shipworthy.facts import CaseResult, Coverage, Evidence, Measurement
from tests.evaluate.benches import SUBJECT


def seen(value: float, half: float = 0.01, good: str = "down") -> Seen:
    return Seen(value=value, lo=value - half, hi=value + half, good=good)


def test_a_limit_lies_between_the_worst_healthy_bound_and_the_mutants() -> None:
    moved = most_moved({"e": seen(0.30)}, [{"e": seen(0.10)}, {"e": seen(0.12)}])
    assert moved is not None
    assert moved.limit == pytest.approx((0.13 + 0.31) / 2)
    assert str(moved) == "e <= 0.22 (0.3 here, 0.1 to 0.12 in healthy ones)"


def test_upwards_a_lower_number_is_the_worse_one() -> None:
    moved = most_moved({"auroc": seen(0.60, good="up")}, [{"auroc": seen(0.75, good="up")}])
    assert moved is not None
    assert str(moved) == "auroc >= 0.665 (0.6 here, 0.75 in healthy ones)"
    assert most_moved({"auroc": seen(0.80, good="up")}, [{"auroc": seen(0.75, good="up")}]) is None


def test_what_is_better_or_only_within_the_bounds_has_not_moved() -> None:
    healthy = [{"e": seen(0.10, 0.05)}]
    assert most_moved({"e": seen(0.05)}, healthy) is None
    assert most_moved({"e": seen(0.13, 0.01)}, healthy) is None  # its bound is inside that of the healthy one
    assert most_moved({"e": seen(0.10, 0.0505)}, healthy) is None


def test_a_wider_bound_alone_parts_nobody() -> None:
    assert most_moved({"e": seen(0.12, 0.05)}, [{"e": seen(0.10, 0.03)}]) is None
    assert most_moved({"auroc": seen(0.7, 0.2, "up")}, [{"auroc": seen(0.75, 0.1, "up")}]) is None
    assert most_moved({"e": seen(0.14, 0.05)}, [{"e": seen(0.10, 0.03)}]) is not None


def test_at_run_time_the_milder_bound_must_be_beyond() -> None:
    name = f"e{LIVE}"
    assert most_moved({name: seen(0.13, 0.02)}, [{name: seen(0.10, 0.02)}]) is None
    moved = most_moved({name: seen(0.20, 0.02)}, [{name: seen(0.10, 0.02)}])
    assert moved is not None
    assert moved.limit == pytest.approx((0.12 + 0.18) / 2)


def test_the_clearest_of_several_is_named_and_what_no_healthy_one_has_is_not() -> None:
    healthy = [{"a": seen(0.1), "b": seen(0.1)}]
    moved = most_moved({"a": seen(0.2), "b": seen(0.4), "c": seen(0.9)}, healthy)
    assert moved is not None
    assert moved.name == "b"
    assert most_moved({"c": seen(0.9)}, healthy) is None


def test_parts_percentiles_and_numbers_that_were_not_made_are_left_out() -> None:
    given = [
        Measurement(indicator="auroc", n=9, value=0.7, lo=0.6, hi=0.8),
        Measurement(indicator="auroc", n=9, value=0.7, lo=0.6, hi=0.8, segment="sex=f"),
        Measurement(indicator="error_rate", n=9, value=None, lo=None, hi=None),
        Measurement(indicator="subgroup_gap", n=9, value=0.1, lo=0.0, hi=0.2, part="f,m"),
        Measurement(indicator="decision_ece", n=9, value=0.1, lo=0.0, hi=0.2, quantile=95),
        Measurement(indicator="backdoor_findings", n=9, value=3.0, lo=0.0, hi=4.0),
    ]
    found = measured(given, LIVE)
    assert set(found) == {f"auroc{LIVE}", f"auroc on sex=f{LIVE}", f"backdoor_findings{LIVE}"}
    assert found[f"backdoor_findings{LIVE}"] == Seen(value=3.0, lo=3.0, hi=3.0, good="down")
    assert found[f"auroc{LIVE}"].good == "up"


def test_cases_are_seen_with_the_side_of_their_target() -> None:
    def case(name: str, target: str, value: float | None) -> CaseResult:
        return CaseResult(
            case=name, status="pass", clause="robustness", severity="major", n=9, hits=1, value=value, lo=value,
            hi=value, target=target, because="", seed=1,
        )  # fmt: skip

    evidence = Evidence(
        subject=SUBJECT, measurements=(), coverage=Coverage(requested=(), executed=()), tool_version="0",
        cases=(case("a", ">= 0.9", 0.95), case("b", "<= 0.1", 0.05), case("c", "<= 0.1", None)),
    )  # fmt: skip
    assert {name: one.good for name, one in seen_in(evidence).items()} == {"case:a": "up", "case:b": "down"}
