"""A case speaks for an SLO only where it asks what the indicator means."""

from __future__ import annotations

import pytest

from shipworthy.evaluate.units import Around, run_guarded
from tests.evaluate.benches import case, rows
from tests.evaluate.test_pack import full


@pytest.mark.parametrize(
    ("generator", "metric", "speaks"),
    [
        ({"name": "nearest_flip", "n": 40}, "feasible_flip_rate", True),
        ({"name": "nearest_flip", "n": 40, "at_cost": 2.0}, "feasible_flip_rate", True),
        ({"name": "nearest_flip", "n": 40, "at_cost": 0.001}, "feasible_flip_rate", False),
        ({"name": "nearest_flip", "n": 40, "max_queries": 5}, "feasible_flip_rate", False),
        ({"name": "lift_scan", "suspect": "train"}, "backdoor_findings", True),
        ({"name": "lift_scan", "suspect": "test"}, "backdoor_findings", False),
        ({"name": "membership"}, "membership_tpr", True),
        ({"name": "membership", "false_positive_rate": 0.2}, "membership_tpr", False),
    ],
)
def test_a_milder_question_is_a_case_and_no_indicator(generator: dict[str, object], metric: str, speaks: bool) -> None:
    one = case(generator=generator, metric=metric, target=0.9 if metric != "backdoor_findings" else 0.0)
    here = full(datasets={"test": rows(2000, 104), "train": rows(2500, 61), "calibration": rows(1500, 62)})
    ran = run_guarded(one, here, Around())
    assert ran.result.status not in ("error", "skipped"), ran.result.because
    (judged,) = [measured for measured in ran.measurements if measured.part is None]
    assert (judged.value is not None) is speaks
    if not speaks:
        assert "asks a milder question than an SLO means" in judged.method
        assert len(ran.measurements) == 1
