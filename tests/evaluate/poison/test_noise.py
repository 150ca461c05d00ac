"""Estimates of wrong labels against noise that was put there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shipworthy.evaluate.poison.noise import confident, confident_classes, excess


def certain(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A world without doubt, seen by an honest judge: labels flipped at `noise`, expectations that know of it."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    y = np.where(rng.random(n) < noise, ~truth, truth).astype(float)
    return y, np.clip(np.where(truth, 1 - noise, noise) + rng.normal(0, 0.02, n), 0.001, 0.999)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_confident_learning_finds_the_share_of_flipped_labels(noise: float) -> None:
    inside = 0
    for seed in range(40):
        share, low, high = confident(*certain(2000, noise, seed), 0.95)
        assert share == pytest.approx(noise, abs=0.03)
        inside += low <= noise <= high
    assert inside >= 34


def test_confident_classes_are_those_of_the_paper() -> None:
    """Thresholds are the mean self-confidence of each class: here .6 for label 1 and .7 for label 0."""
    y = np.array([1.0, 1.0, 0.0, 0.0])
    expected = np.array([0.9, 0.3, 0.2, 0.4])
    assert confident_classes(y, expected).tolist() == [1.0, 0.0, 0.0, -1.0]


def test_without_a_confident_row_of_each_label_there_is_no_estimate() -> None:
    share, low, high = confident(np.zeros(50), np.full(50, 0.2), 0.95)
    assert math.isnan(share)
    assert (low, high) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_excess_cancels_what_the_world_leaves_open(wrong: float) -> None:
    inside, told = 0, []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        d = 0.25
        mine = rng.random(3000) < d * (1 - wrong) + (1 - d) * wrong
        theirs = rng.random(2000) < d
        share, low, high = excess((int(mine.sum()), 3000), (int(theirs.sum()), 2000), 0.95)
        told.append(share)
        inside += low <= wrong <= high
    assert np.mean(told) == pytest.approx(wrong, abs=0.005)
    assert 0.85 <= inside / 200 <= 0.96  # two one-sided bounds at .95


def test_trusted_rows_that_disagree_by_half_say_nothing() -> None:
    assert math.isnan(excess((10, 100), (50, 100), 0.95)[0])
    assert math.isnan(excess((10, 100), (0, 0), 0.95)[0])
