"""Drift from windows, against whole columns: the same distances, inside the certified intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.stats import ks_2samp

from shipworthy.facts import Measurement, WindowSummary
from shipworthy.observe.inputs import Inputs
from shipworthy.observe.known import Known, score_counts
from shipworthy.observe.measure_drift import drift_excess, prediction_drift
from shipworthy.observe.over import Over
from shipworthy.profile.bins import InputBins
from shipworthy.profile.fit_bins import fit_bins, whitened
from shipworthy.profile.shapes import CovarianceReference
from shipworthy.stats.drift import categories_apart
from tests.observe.made import SCOPE, T0, collector, event

OVER = Over(SCOPE, T0, T0 + 2)
Columns = dict[str, Any]


def columns(n: int, seed: int, **changed: Any) -> Columns:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    made = {"a": a, "b": 0.9 * a + 0.4359 * rng.normal(size=n), "c": rng.gamma(2.0, size=n)}
    return {**made, "d": rng.choice(["x", "y", "z"], n, p=[0.5, 0.3, 0.2]).tolist(), **changed}


def reference(given: Columns) -> tuple[InputBins, Inputs, CovarianceReference]:
    numbers = {name: given[name] for name in "abc"}
    white = np.linalg.inv(np.linalg.cholesky(np.cov(np.stack([given["a"], given["b"]]))))
    covariance = CovarianceReference(
        names=("a", "b"),
        mean=(float(given["a"].mean()), float(given["b"].mean())),
        scale=(1.0, 1.0),
        whitening=tuple(tuple(row) for row in white.tolist()),
    )
    bins = fit_bins(numbers, {"d": given["d"]}, covariance)
    return bins, Inputs(bins, covariance), covariance


REFERENCE = columns(4000, 1)
BINS, INPUTS, COVARIANCE = reference(REFERENCE)
KNOWN = Known(inputs=BINS)


def windows(given: Columns, with_rows: bool = True) -> list[WindowSummary]:
    counting = collector()
    counting.watch("2.0", INPUTS)
    for at in range(len(given["d"])):
        row = {name: column[at] if name == "d" else float(column[at]) for name, column in given.items()}
        counting.add(event(T0 + at % 2), row if with_rows else None)
    return counting.roll(T0 + 2)


def parts(found: tuple[Measurement, ...]) -> dict[str | None, Measurement]:
    return {one.part: one for one in found}


def seen(told: Measurement) -> tuple[float, float, float]:
    assert told.value is not None
    assert told.lo is not None
    assert told.hi is not None
    return told.value, told.lo, told.hi


def test_every_feature_and_the_joint_parts_are_listed_and_the_worst_is_judged() -> None:
    live = columns(1500, 2)
    live["c"] = live["c"] * 1.3
    found = parts(drift_excess(windows(live), KNOWN, OVER))
    assert set(found) == {None, "a", "b", "c", "d", "joint distance", *(f"joint projection {k}" for k in range(1, 9))}
    judged = found[None]
    assert judged.method.startswith("c, worst of 4: KS in [")
    assert "PSI" in judged.method
    assert "bits beyond sampling" in judged.method
    assert judged.value == found["c"].value
    assert seen(judged)[2] == max(seen(found[name])[2] for name in "abcd")
    assert judged.n == 1500


def test_the_distance_of_the_columns_lies_in_the_certified_interval() -> None:
    live = columns(1200, 3)
    live["a"] = live["a"] + 0.2
    live["c"] = live["c"] - 0.5  # some of it lies below everything the reference has
    found = parts(drift_excess(windows(live), KNOWN, OVER))
    for name in "abc":
        true = float(ks_2samp(live[name], REFERENCE[name]).statistic)
        low, high = (float(text) for text in found[name].method.split("[")[1].split("]")[0].split(", "))
        assert low - 5e-4 <= true <= high + 5e-4
        assert high - low <= 1 / 32
    true = categories_apart(live["d"], REFERENCE["d"]).seen
    assert found["d"].method.startswith(f"total variation {true:.4g}")


def test_a_broken_dependence_shows_where_no_column_moved() -> None:
    live = columns(3000, 4)
    live["b"] = np.random.default_rng(5).permutation(live["b"])
    found = parts(drift_excess(windows(live), KNOWN, OVER))
    assert seen(found["a"])[1] == seen(found["b"])[1] == 0.0
    assert max(seen(one)[1] for name, one in found.items() if name and name.startswith("joint")) > 0.05
    assert "dependence moved as well: joint" in found[None].method


def test_each_joint_part_is_the_distance_of_its_own_projection() -> None:
    live = columns(1000, 13)
    live["b"] = -live["b"]
    found = parts(drift_excess(windows(live), KNOWN, OVER))
    assert BINS.joint is not None
    white = [whitened({name: given[name] for name in "ab"}, COVARIANCE) for given in (live, REFERENCE)]
    for at, direction in enumerate(np.array(BINS.joint.directions)):
        true = float(ks_2samp(*(direction @ one for one in white)).statistic)
        low, high = (
            float(text) for text in found[f"joint projection {at + 1}"].method.split("[")[1].split("]")[0].split(", ")
        )
        assert low - 5e-4 <= true <= high + 5e-4
    true = float(ks_2samp(*((one * one).sum(axis=0) for one in white)).statistic)
    low, high = (float(text) for text in found["joint distance"].method.split("[")[1].split("]")[0].split(", "))
    assert low - 5e-4 <= true <= high + 5e-4


def test_without_drift_the_judged_lower_bound_is_rarely_above_zero() -> None:
    """60 simulations at .95 over four features: more than 9 would have a chance below 1 in 1,000."""
    rng = np.random.default_rng(6)
    raised = 0
    for _ in range(60):
        picked = rng.integers(0, 4000, 600)
        live = {name: [column[at] for at in picked] for name, column in REFERENCE.items()}
        judged = drift_excess(windows(live), KNOWN, OVER)[0]
        raised += seen(judged)[1] > 0.0
        assert seen(judged)[0] < 0.06
    assert raised <= 9


def test_the_lower_bound_is_shared_by_all_features() -> None:
    live = columns(800, 7)
    live["c"] = live["c"] * 1.25
    found = parts(drift_excess(windows(live), KNOWN, OVER))
    assert seen(found[None])[1] < seen(found["c"])[1]
    assert seen(found[None])[1] > 0.0


@pytest.mark.parametrize(
    ("known", "segment", "rows", "why"),
    [
        (KNOWN, "supplier=P02", True, "slim windows"),
        (Known(), "*", True, "no cells of inputs"),
        (KNOWN, "*", False, "no inputs were counted"),
        (Known(inputs=replace(BINS, n=BINS.n + 1)), "*", True, "cells of this reference"),
    ],
)
def test_without_counted_inputs_there_is_no_number(known: Known, segment: str, rows: bool, why: str) -> None:
    over = Over(replace(SCOPE, segment=segment), T0, T0 + 2)
    (told,) = drift_excess(windows(columns(20, 8), rows), known, over)
    assert told.value is None
    assert why in told.method


def test_requests_whose_inputs_nobody_counted_are_told_and_units_hedged() -> None:
    mixed = [*windows(columns(600, 9)), *windows(columns(200, 10), with_rows=False)]
    told = drift_excess(mixed, Known(inputs=BINS, unit="visit"), OVER)[0]
    assert told.n == 600
    assert "inputs of 600 of 800 requests were counted" in told.method
    assert "one visit are not told apart" in told.method


def test_a_gap_is_no_number_in_any_part() -> None:
    over = Over(SCOPE, T0, T0 + 2, silent=(T0,))
    assert all(one.value is None for one in drift_excess(windows(columns(600, 11)), KNOWN, over))


def scored(scores: Any) -> list[WindowSummary]:
    counting = collector()
    for score in scores:
        counting.add(event(score=float(score)))
    return counting.roll(T0 + 2)


def test_prediction_drift_is_the_distance_of_the_scores() -> None:
    rng = np.random.default_rng(12)
    before, live = rng.beta(2, 5, 2000), rng.beta(3, 4, 1000)
    told = prediction_drift(scored(live), score_counts((p, None) for p in before.tolist()), OVER)
    low, high = (float(text) for text in told.method.split("[")[1].split("]")[0].split(", "))
    true = float(ks_2samp(live, before).statistic)
    assert low - 5e-4 <= true <= high + 5e-4
    assert told.n == 1000
    assert seen(told)[1] > 0.1
    still = prediction_drift(scored(rng.beta(2, 5, 1000)), score_counts((p, 1) for p in before.tolist()), OVER)
    assert seen(still)[1] == 0.0
    assert seen(still)[0] < 0.05


@pytest.mark.parametrize("known", [None, score_counts([])])
def test_without_calibration_rows_there_is_nothing_to_compare_with(known: Any) -> None:
    told = prediction_drift(scored([0.5] * 600), known, OVER)
    assert (told.value, told.n) == (None, 0)
    assert "not trained on" in told.method
