"""Claim: gaps between groups equal fairlearn's to 1e-9, raw calibration errors netcal's to 1e-6, in less time.

The same labels, decisions and groups go to both; any difference beyond that is an error, not a figure. Ours also gives
bounds in the second row, which fairlearn gives by bootstrap only. fairlearn 0.15 (with pandas) and netcal are no
dependencies: one that is not installed is said so. netcal 1.1.3 is the last that does without torch; it names numpy's
aliases of before 1.24, which are given back to it here.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.harness import Result, compare, show
from shipworthy.evaluate.worst_pair import Pair, worst
from shipworthy.stats.bounds import newcombe_difference
from shipworthy.stats.calibration import bins_of, ece_raw
from shipworthy.stats.group_rates import difference, group_counts, ratio

ROWS, DATA_SETS = 20_000, 20
GAPS = {
    "demographic_parity_difference": ("selection_rate", difference),
    "demographic_parity_ratio": ("selection_rate", ratio),
    "true_positive_rate_difference": ("true_positive_rate", difference),
    "false_positive_rate_difference": ("false_positive_rate", difference),
    "false_negative_rate_difference": ("false_negative_rate", difference),
    "true_positive_rate_ratio": ("true_positive_rate", ratio),
    "accuracy_score_difference": ("accuracy", difference),
}


def run() -> str:
    """Return what was equal, and the time of each."""
    told, results = list[str](), list[Result]()
    if find_spec("fairlearn") is None:
        told.append("fairlearn is not installed: its gaps are not compared (pip install fairlearn==0.15.0)")
    else:
        told.append(_against_fairlearn(results))
    netcal = _netcal()
    if netcal is None:
        told.append(
            "netcal is not installed: calibration errors are not compared (pip install --no-deps netcal==1.1.3)"
        )
    else:
        told.append(_against_netcal(netcal, results))
    return "\n".join([*told, show(results)] if results else told)


def _against_fairlearn(results: list[Result]) -> str:
    theirs = importlib.import_module("fairlearn.metrics")
    largest = 0.0
    for seed in range(DATA_SETS):
        labels, chosen, groups, _ = _drawn(seed, ROWS // 10)
        for name, (rate, form) in GAPS.items():
            other = float(getattr(theirs, name)(labels, chosen, sensitive_features=groups))
            largest = max(largest, abs(form(group_counts(rate, chosen, labels, groups)) - other))
        odds = float(theirs.equalized_odds_difference(labels, chosen, sensitive_features=groups))
        largest = max(largest, abs(_odds(labels, chosen, groups) - odds))
    if not largest <= 1e-9:
        raise ArithmeticError(f"a gap is {largest} off fairlearn's")
    labels, chosen, groups, _ = _drawn(99, ROWS)

    def peer() -> object:
        return theirs.demographic_parity_difference(labels, chosen, sensitive_features=groups)

    def odds_of_peer() -> object:
        return theirs.equalized_odds_difference(labels, chosen, sensitive_features=groups)

    results += [
        compare(
            "difference in selection",
            "fairlearn",
            lambda: difference(group_counts("selection_rate", chosen, labels, groups)),
            peer,
        ),
        compare("with bounds of every pair", "fairlearn", lambda: _bounded(labels, chosen, groups), peer),
        compare("equalized odds difference", "fairlearn", lambda: _odds(labels, chosen, groups), odds_of_peer),
    ]
    many = len(GAPS) + 1
    return f"{many} gaps on {DATA_SETS} data sets: largest difference to fairlearn {largest:.1e}"


def _against_netcal(theirs: Any, results: list[Result]) -> str:  # noqa: ANN401
    largest = 0.0
    for seed in range(DATA_SETS):
        labels, _, _, scores = _drawn(seed, ROWS // 10)
        largest = max(largest, abs(ece_raw(bins_of(scores, labels)) - float(theirs.ECE(15).measure(scores, labels))))
    if not largest <= 1e-6:
        raise ArithmeticError(f"a calibration error is {largest} off netcal's")
    labels, _, _, scores = _drawn(99, ROWS)
    results.append(
        compare(
            "calibration error, 15 bins",
            "netcal",
            lambda: ece_raw(bins_of(scores, labels)),
            lambda: theirs.ECE(15).measure(scores, labels),
        )
    )
    return f"raw calibration error on {DATA_SETS} data sets: largest difference to netcal {largest:.1e}"


def _odds(labels: Any, chosen: Any, groups: Any) -> float:  # noqa: ANN401
    rates = ("true_positive_rate", "false_positive_rate")
    return max(difference(group_counts(rate, chosen, labels, groups)) for rate in rates)


def _bounded(labels: Any, chosen: Any, groups: Any) -> object:  # noqa: ANN401
    counts = sorted(
        group_counts("selection_rate", chosen, labels, groups).items(), key=lambda one: -one[1][0] / one[1][1]
    )

    def pair(high: tuple[int, int], low: tuple[int, int]) -> Pair:
        def bounds(level: float) -> tuple[float, float, float]:
            return high[0] / high[1] - low[0] / low[1], *newcombe_difference(*high, *low, level)

        return Pair("pair", "group", min(high[1], low[1]), bounds)

    return worst([pair(a[1], b[1]) for at, a in enumerate(counts) for b in counts[at + 1 :]], 0.95)


def _drawn(seed: int, n: int) -> tuple[Any, Any, list[str], Any]:
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    labels = (rng.random(n) < scores).astype(int)
    groups = rng.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.15, 0.05])
    chosen = (scores + 0.1 * (groups == "a") >= 0.5).astype(int)
    return labels, chosen, groups.tolist(), scores


def _netcal() -> Any:  # noqa: ANN401
    if find_spec("netcal") is None:
        return None
    for name, kind in {"int": int, "float": float, "bool": bool, "object": object}.items():
        if name not in np.__dict__:
            setattr(np, name, kind)
    try:
        return importlib.import_module("netcal.metrics")
    except ImportError:  # a newer one wants torch
        return None
