"""The judge and imported results: nothing turns green that the SLO did not accept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shipworthy.decide import Place, judge
from shipworthy.facts import Action, Clause, Counts, Measurement, Origin, Outcome, Slo, Target
from shipworthy.gate.recompute import mismatches
from tests.test_decide import NOW

SLO = Slo(
    name="suite", indicator="case_pass_rate", objective="o", target=Target(op=">=", value=0.9), window="rolling",
    action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW, clause=Clause.ROBUSTNESS, min_samples=1, accept=("junit",),
)  # fmt: skip


def imported(passed: int = 10, failed: int = 0, skipped: int = 0, **more: Any) -> Measurement:
    """Return what an import would make; `more` changes its origin."""
    counts = Counts(passed=passed, failed=failed, errored=0, skipped=skipped)
    origin: dict[str, Any] = {"slo": "suite", "format": "junit", "tool": "t", "tool_version": "1", "counts": counts}
    n = counts.total
    value = passed / n
    return Measurement(
        indicator="case_pass_rate", source="imported", n=n, hits=passed, value=value, lo=value, hi=value,
        origin=Origin(file="sha256:" + "a" * 64, **(origin | more)),
    )  # fmt: skip


def own(value: float) -> Measurement:
    """Return the gate's own measurement."""
    return Measurement(indicator="case_pass_rate", n=10, value=value, lo=value, hi=value)


def test_an_accepted_format_is_judged() -> None:
    assert judge(SLO, "*", [imported()]).outcome is Outcome.MET
    assert judge(SLO, "*", [imported(passed=5, failed=5)]).outcome is Outcome.BREACHED


@pytest.mark.parametrize("accept", [(), ("garak",), ("pytest", "evidently")])
def test_what_is_not_accepted_is_no_data_and_says_what_to_add(accept: tuple[str, ...]) -> None:
    told = judge(msgspec.structs.replace(SLO, accept=accept), "*", [imported()])
    assert told.outcome is Outcome.NO_DATA
    assert told.because == "imported result, not accepted: add accept: [junit] to the SLO"


def test_imported_stands_for_every_format() -> None:
    for format_ in ("junit", "garak"):
        told = judge(msgspec.structs.replace(SLO, accept=("imported",)), "*", [imported(format=format_)])
        assert told.outcome is Outcome.MET


@pytest.mark.parametrize(
    "other",
    [
        imported(slo="another"),
        msgspec.structs.replace(imported(), segment="tenant=acme"),
        msgspec.structs.replace(imported(), indicator="error_rate"),
        msgspec.structs.replace(imported(), part="kind"),
        msgspec.structs.replace(imported(), quantile=95),
        msgspec.structs.replace(imported(), origin=None),
    ],
)
def test_an_import_speaks_for_one_slo_only(other: Measurement) -> None:
    assert judge(SLO, "*", [other]).outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ([own(1.0), imported()], Outcome.MET),
        ([own(0.5), imported()], Outcome.BREACHED),
        ([own(1.0), imported(passed=1, failed=9)], Outcome.BREACHED),
        ([own(1.0), imported(skipped=1)], Outcome.NO_DATA),
        ([imported(passed=1, failed=9), own(1.0)], Outcome.BREACHED),
    ],
)
def test_of_several_sources_the_worst_counts(seen: list[Measurement], outcome: Outcome) -> None:
    assert judge(SLO, "*", seen).outcome is outcome


def test_what_is_not_accepted_does_not_change_what_the_gate_measured() -> None:
    alone = msgspec.structs.replace(SLO, accept=())
    assert judge(alone, "*", [own(1.0), imported(passed=0, failed=9)]).outcome is Outcome.MET
    assert judge(alone, "*", [own(0.5), imported()]).outcome is Outcome.BREACHED


def test_skipped_results_are_told() -> None:
    assert judge(SLO, "*", [imported(skipped=3)]).because == "3 of 13 imported results were skipped"


def test_too_few_results_are_no_data() -> None:
    assert judge(msgspec.structs.replace(SLO, min_samples=11), "*", [imported()]).outcome is Outcome.NO_DATA


def test_imports_are_not_looked_at_at_run_time() -> None:
    rate = msgspec.structs.replace(SLO, indicator="ood_recall", accept=("imported",))
    one = msgspec.structs.replace(imported(), indicator="ood_recall", end=NOW.isoformat())
    assert judge(rate, "*", [one]).outcome is Outcome.MET
    assert judge(rate, "*", [one], NOW, Place.RUNTIME).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("lie", [{"hits": 9}, {"n": 9}, {"value": 0.95}, {"origin": None}, {"lo": 0.99}])
def test_an_import_that_does_not_follow_from_its_results_is_refused(lie: dict[str, Any]) -> None:
    from shipworthy.stats.bounds import rate_bounds

    lo, hi = rate_bounds(9, 10)
    honest = msgspec.structs.replace(imported(passed=9, failed=1), lo=lo, hi=hi)
    assert mismatches([honest]) == ()
    if lie == {"hits": 9}:
        lie = {"hits": 10}
    assert mismatches([msgspec.structs.replace(honest, **lie)]) != ()


@pytest.mark.parametrize("lie", [{"hits": 0, "value": 0.0}, {"hits": 2, "value": 0.0}, {"value": 1.0}])
def test_a_count_that_does_not_follow_from_its_results_is_refused(lie: dict[str, Any]) -> None:
    honest = msgspec.structs.replace(
        imported(passed=8, failed=2), indicator="never_event_violations", hits=2, value=2.0, lo=2.0, hi=2.0
    )
    assert mismatches([honest]) == ()
    assert mismatches([msgspec.structs.replace(honest, **lie)]) != ()
