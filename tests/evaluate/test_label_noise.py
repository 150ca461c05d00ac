from __future__ import annotations

import re

import numpy as np
import pytest

from shipworthy.evaluate.label_noise import run_case
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Row
from tests.evaluate.benches import bench, case, rows


def noisy(share: float) -> list[Row]:
    drawn = np.random.default_rng(3).random(5000)
    return [
        {**row, "y": 1 - int(row["y"] or 0)} if one < share else row
        for row, one in zip(rows(5000, 41), drawn, strict=True)
    ]


def judged(suspect: list[Row], metric: str, target: float, trusted: int = 4000) -> CaseResult:
    on = bench(datasets={"train": suspect, "calibration": rows(trusted, 42)})
    return run_case(case(generator={"name": "label_noise"}, metric=metric, op="<=", target=target), on, 5).result


def test_wrong_labels_beyond_those_of_the_trusted_rows_are_told_as_their_share() -> None:
    clean, bad = judged(noisy(0.0), "excess_label_noise", 0.08), judged(noisy(0.2), "excess_label_noise", 0.08)
    assert (clean.status, bad.status) == ("pass", "fail")
    assert clean.value == pytest.approx(0.0, abs=0.04)
    assert bad.value == pytest.approx(0.2, abs=0.05)


def test_confident_learning_rises_with_the_noise_and_names_the_rows_others_are_surest_about() -> None:
    clean, bad = judged(noisy(0.0), "label_noise_rate", 0.5), judged(noisy(0.2), "label_noise_rate", 0.5)
    assert (clean.value or 1) + 0.05 < (bad.value or 0)
    assert all(surprise(one.told) > 0.8 for one in bad.worst)
    assert bad.worst[0].row is not None
    assert "upper estimate" in bad.because


def test_rows_whose_labels_follow_nothing_cannot_show_flipped_ones() -> None:
    """Half of all labels are wrong already: flipping a tenth changes nothing, and the check says so."""
    found = judged(noisy(0.5), "label_noise_rate", 1.0)
    assert found.status == "inconclusive"
    assert "it tells nothing here" in found.because


@pytest.mark.parametrize(("suspect", "trusted"), [(299, 4000), (5000, 299)])
def test_thin_rows_decide_nothing(suspect: int, trusted: int) -> None:
    assert judged(noisy(0.0)[:suspect], "excess_label_noise", 1.0, trusted).status == "inconclusive"


def surprise(told: str) -> float:
    """How far the label lies from what rows like it say."""
    found = re.search(r"label (\d), rows like it say ([\d.]+)", told)
    assert found is not None
    return abs(float(found[1]) - float(found[2]))
