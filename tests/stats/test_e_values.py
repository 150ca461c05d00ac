"""Putting evidence together: against the definitions, by quadrature, and the false discoveries by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from shipworthy.stats.e_values import discoveries, from_p, mean, product, to_p

logs = st.floats(-50.0, 50.0)
many = st.lists(logs, min_size=1, max_size=12)


@given(many, st.randoms(use_true_random=False))
def test_the_mean_is_the_mean_in_any_order(log_es: list[float], random: object) -> None:
    assert math.exp(mean(log_es)) == pytest.approx(float(np.mean(np.exp(log_es))))
    mixed = list(log_es)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert mean(mixed) == mean(log_es)
    assert product(mixed) == product(log_es) == pytest.approx(sum(log_es), abs=1e-9)


@given(st.lists(st.tuples(logs, st.floats(0.0, 9.0)), min_size=1, max_size=9))
def test_weights_are_shares_of_one(pairs: list[tuple[float, float]]) -> None:
    log_es, weights = [log_e for log_e, _ in pairs], [weight for _, weight in pairs]
    if sum(weights) < 1e-6:
        return
    assert math.exp(mean(log_es, weights)) == pytest.approx(float(np.average(np.exp(log_es), weights=weights)))


def test_evidence_beyond_what_a_float_holds_is_kept() -> None:
    assert mean([5000.0, 0.0]) == pytest.approx(5000.0 - math.log(2.0))
    assert mean([-math.inf, -math.inf]) == -math.inf
    assert mean([math.inf, 0.0]) == math.inf
    assert mean([math.inf, 0.0], [0.0, 1.0]) == 0.0
    assert product([5000.0, 5000.0]) == 10_000.0
    assert product([]) == 0.0


@given(many, st.floats(0.01, 0.5))
def test_e_bh_rejects_the_largest_k_by_its_definition(log_es: list[float], fdr: float) -> None:
    """Wang & Ramdas (2022): k* = max{k: k e_[k] / K >= 1 / alpha}."""
    ordered = sorted(np.exp(log_es), reverse=True)
    wanted = max((k for k, e in enumerate(ordered, 1) if k * e / len(ordered) >= 1.0 / fdr), default=0)
    found = discoveries(log_es, fdr)
    assert len(found) == wanted
    assert list(found) == sorted(found)
    kept = [log_e for at, log_e in enumerate(log_es) if at not in found]
    assert all(log_es[at] >= max(kept, default=-math.inf) for at in found)


def test_e_bh_of_calibrated_p_values_is_bh() -> None:
    """Wang & Ramdas (2022), section 4: with e(p) = K / (alpha ceil(K p / alpha)) e-BH is BH."""
    p_values, fdr = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216], 0.05
    k = len(p_values)
    log_es = [math.log(k / (fdr * math.ceil(k * p / fdr))) if p <= fdr else -math.inf for p in p_values]
    assert discoveries(log_es, fdr) == (0, 1)  # 0.008 <= 2 * .05 / 10, 0.039 > 3 * .05 / 10 and so on


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_false_discoveries_are_a_share_below_the_rate_whatever_the_dependence(shared: float) -> None:
    """Normal likelihood ratios of 20 nulls and 10 shifts by 3, with a part of the noise in common."""
    rng, shares, found = np.random.default_rng(1), [], 0
    truth = np.repeat([0.0, 3.0], [20, 10])
    for _ in range(400):
        noise = math.sqrt(shared) * rng.standard_normal() + math.sqrt(1.0 - shared) * rng.standard_normal(30)
        out = discoveries((3.0 * (truth + noise) - 4.5).tolist(), 0.1)
        shares.append(sum(at < 20 for at in out) / max(1, len(out)))
        found += sum(at >= 20 for at in out)
    assert np.mean(shares) <= 0.1
    assert found > 400


@pytest.mark.parametrize("power", [None, 0.2, 0.5, 0.9])
def test_a_calibrated_p_value_is_worth_one_on_average_and_no_more_when_it_is_larger(power: float | None) -> None:
    """Integrated over u = -ln p, where the singularity at p = 0 is a tail."""
    total = quad(lambda u: math.exp(from_p(math.exp(-u), power) - u), 0.0, 600.0, limit=400)[0]
    missing = 1.0 / 600.0 if power is None else math.exp(-600.0 * power)
    assert total + missing == pytest.approx(1.0, abs=1e-4)
    worth = [from_p(p, power) for p in (0.0, 1e-300, 1e-9, 0.01, 0.3, 0.999, 0.9999, 1.0)]
    assert worth == sorted(worth, reverse=True)
    assert worth[0] == math.inf


def test_the_calibrator_without_a_parameter_is_smooth_where_its_series_begins() -> None:
    for log_p in (-1.1e-3, -0.9e-3):
        written = (1 - math.exp(log_p) + math.exp(log_p) * log_p) / (math.exp(log_p) * log_p**2)
        assert math.exp(from_p(math.exp(log_p))) == pytest.approx(written, rel=1e-8)
    assert from_p(1.0) == pytest.approx(math.log(0.5))


@given(st.floats(1e-12, 1.0), st.sampled_from([None, 0.3, 0.7]))
def test_nothing_is_won_by_going_there_and_back(p: float, power: float | None) -> None:
    assert to_p(from_p(p, power)) >= p
    assert to_p(math.log(1.0 / p)) == pytest.approx(p)


def test_unknown_evidence_is_refused_everywhere() -> None:
    for ask in (mean, product, lambda log_es: discoveries(log_es, 0.1), lambda log_es: to_p(log_es[1])):
        with pytest.raises(ValueError, match="unknown"):
            ask([1.0, math.nan])
    for weights in ([1.0], [0.0, 0.0], [-1.0, 2.0], [math.nan, 1.0], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="weights"):
            mean([1.0, 2.0], weights)
    with pytest.raises(ValueError, match="weights"):
        mean([])
    with pytest.raises(ValueError, match="no product"):
        product([math.inf, -math.inf])
    for fdr in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="rate"):
            discoveries([1.0], fdr)
    for p, power in ((-0.1, None), (1.1, None), (math.nan, None), (0.5, 0.0), (0.5, 1.0)):
        with pytest.raises(ValueError, match="needed"):
            from_p(p, power)
    assert discoveries([], 0.1) == ()
