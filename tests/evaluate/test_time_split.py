from __future__ import annotations

import numpy as np
import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.evaluate.time_split import changes, split
from shipworthy.facts import CaseResult, seed_of
from shipworthy.profile.rows import Row, Value
from shipworthy.stats.calibration import bins_of, ece_bounds
from tests.evaluate.benches import bench, case, model_of
from tests.evaluate.benches import rows as made

BY_YEAR: dict[str, object] = {"name": "time_split", "column": "year", "newest": 0.25}
WRONG = "(score >= 0.5 and label == 0) or (score < 0.5 and label == 1)"


def dated(n: int, seed: int) -> list[dict[str, Value]]:
    return [{**row, "year": 2000 + at * 8 // n} for at, row in enumerate(made(n, seed))]


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"hits": WRONG, "among": "true", "op": "<=", "target": 0.5, **oracle}
    one = case(generator=generator, **given)  # type: ignore[arg-type]
    return GENERATORS["time_split"](one, on or bench(datasets={"test": dated(2000, 104)}), 3).result


def test_the_oracle_judges_the_newest_rows() -> None:
    found = run(BY_YEAR, hits="year >= 2006", op=">=", target=0.9)
    assert (found.value, found.n) == (1.0, 500)
    assert "500 newest of 2000 rows, year from 2006" in found.because


@pytest.mark.parametrize(
    ("years", "newest", "older", "first"),
    [
        ([1, 2, 3, 4], 0.5, 2, 3),
        ([1, 2, 3, 3], 0.25, 2, 3),  # the last moment alone, whatever its size
        ([1, 2, 2, 3], 0.5, 3, 3),  # whole moments only
        ([4, 3, 2, 1], 0.25, 3, 4),
        ([5, 5, 5, 5], 0.5, 0, 5),
        ([1, 2, 3, 4], 0.1, 3, 4),
        (["2001-02-03", "2001-02-04", "2002-01-01", "2001-01-01"], 0.25, 3, "2002-01-01"),
    ],
)
def test_moments_are_never_parted(years: list[Value], newest: float, older: int, first: Value) -> None:
    rows: list[Row] = [{"year": year} for year in years]
    before, after, cut = split(rows, "year", newest)
    assert (len(before), len(before) + len(after), cut) == (older, len(rows), first)
    assert all(row["year"] != cut for row in before)


def test_one_moment_alone_leaves_nothing_to_compare_with() -> None:
    same = [{**row, "year": 2000} for row in made(400, 5)]
    found = run(BY_YEAR, bench(datasets={"test": same}))
    assert found.n == 400
    assert "no change measured" in found.because
    rise = run(BY_YEAR, bench(datasets={"test": same}), hits=None, metric="error_rate_rise")
    assert rise.status == "inconclusive"


def test_rows_without_a_moment_are_left_out_and_counted() -> None:
    rows = [{**row, "year": None if at % 4 == 0 else row["year"]} for at, row in enumerate(dated(400, 6))]
    found = run(BY_YEAR, bench(datasets={"test": rows}))
    assert "100 without year left out" in found.because


def test_a_model_that_goes_stale_is_seen_and_an_honest_one_is_not() -> None:
    rows = dated(4000, 71)
    late = [{**row, "y": 1 - int(row["y"] or 0) if int(row["year"] or 0) >= 2006 else row["y"]} for row in rows]
    broken = bench(datasets={"test": late})
    rise = run(BY_YEAR, broken, hits=None, metric="error_rate_rise", op="<=", target=0.1)
    assert rise.status == "fail"
    assert rise.value is not None
    assert rise.value > 0.2
    fall = run(BY_YEAR, broken, hits=None, metric="auroc_fall", op="<=", target=0.1)
    assert fall.status == "fail"
    assert run(BY_YEAR, broken, hits=None, metric="ece_rise", op="<=", target=0.1).status == "fail"
    honest = bench(datasets={"test": rows})
    assert run(BY_YEAR, honest, hits=None, metric="error_rate_rise", op="<=", target=0.1).status == "pass"
    assert run(BY_YEAR, honest, hits=None, metric="auroc_fall", op="<=", target=0.15).status == "pass"


def test_a_silent_model_has_nothing_to_lose_and_does_not_pass() -> None:
    silent = bench(model=model_of(lambda row: None), datasets={"test": dated(800, 8)})
    for metric in ("error_rate_rise", "auroc_fall", "ece_rise"):
        assert run(BY_YEAR, silent, hits=None, metric=metric).status == "inconclusive"


def test_the_bounds_of_every_change_hold_in_95_of_100_samples() -> None:
    """One honest model, rows from one source: each true change is zero. And a drop of the AUROC that is known."""
    zero = {"error_rate_rise": 0.0, "auroc_fall": 0.0, "ece_rise": 0.0}
    low, high = dict.fromkeys(zero, 0), dict.fromkeys(zero, 0)
    on = bench(unit=None, scorer=None)
    for at in range(100):
        seen = answer(on, made(240, 5000 + at))
        found = changes(on, seen[:120], seen[120:], 0.95, at)
        for name, (value, lo, hi) in found.items():
            assert lo <= value <= hi
            low[name] += lo > 0.0
            high[name] += hi < 0.0
    assert max(*low.values(), *high.values()) <= 11  # P(more than 11 of 100 | 5 %) < .01


def test_the_bounds_of_the_ece_are_those_of_both_parts_at_half_the_error() -> None:
    on = bench(unit=None, scorer=None)
    seen = answer(on, made(600, 77))
    _, lo, hi = changes(on, seen[:300], seen[300:], 0.9, 5)["ece_rise"]
    bins = [
        bins_of([one.score or 0.0 for one in part], [one.label or 0 for one in part])
        for part in (seen[:300], seen[300:])
    ]
    (old_lo, old_hi), (new_lo, new_hi) = (ece_bounds(one, 0.95, seed_of(5, "ece")) for one in bins)
    assert (lo, hi) == (new_lo - old_hi, new_hi - old_lo)


def test_the_auroc_that_normal_scores_lose_lies_within_its_bounds() -> None:
    """Positives N(d, 1), negatives N(0, 1): AUROC = Phi(d / sqrt 2). From d = 2 to d = 1 it falls by .1611."""
    rng, missed = np.random.default_rng(3), [0, 0]
    on = bench(unit=None, scorer=None, thresholds=None)
    for _ in range(200):
        parts = []
        for distance in (2.0, 1.0):
            labels = rng.integers(0, 2, 300)
            scores = 1.0 / (1.0 + np.exp(-(rng.normal(size=300) + distance * labels)))
            rows = [{"y": int(label), "s": float(score)} for label, score in zip(labels, scores, strict=True)]
            there = bench(unit=None, scorer=None, thresholds=None, model=lambda _, s=scores: _Given(s.tolist()))
            parts.append(answer(there, rows))
        value, lo, hi = changes(on, parts[0], parts[1], 0.95, 1)["auroc_fall"]
        assert lo <= value <= hi
        missed[0] += lo > 0.16110
        missed[1] += hi < 0.16110
    assert max(missed) <= 18  # 5 % of 200 is 10; P(more than 18 | 5 %) < .01


class _Given:
    def __init__(self, scores: list[float | None]) -> None:
        self.scores = scores
        self.decisions = None


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "time_split"},
        {"name": "time_split", "column": "year", "newest": 0.0},
        {"name": "time_split", "column": "year", "newest": 1.0},
        {"name": "time_split", "column": 3},
        {"name": "time_split", "column": "year", "older": 0.5},
    ],
)
def test_a_split_that_is_not_told_whole_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)


def test_the_column_of_the_bench_is_the_default() -> None:
    assert run({"name": "time_split"}, bench(datasets={"test": dated(800, 9)}, time="year")).n == 100
