from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.evaluate import held_out, subgroup
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, Baseline, Bench
from shipworthy.evaluate.measure import units_of
from shipworthy.evaluate.paired import LARGEST, compared, paired_rows, quantised, restored
from shipworthy.evaluate.paired_gap import square_and_add
from shipworthy.facts import Comparison, Measurement
from shipworthy.profile.rows import Value
from shipworthy.stats import normal
from shipworthy.stats.bounds import newcombe_difference, wilson
from shipworthy.stats.paired import paired_difference
from tests.evaluate.benches import Score, bench, model_of, rows, truth

OLD = "sha256:" + "1" * 64


def weak(row: Mapping[str, Value]) -> float:
    return 0.35 + 0.15 * float(truth(row) > 0.9)


def baseline_of(score: Score, on: Bench | None = None) -> Baseline:
    on = on or bench()
    older = bench(datasets=on.datasets, model=model_of(score))
    return Baseline(artefact=OLD, paired=paired_rows(answer(older, older.rows("test"))))


def against(score: Score, candidate: Score = truth, segment: str = "*") -> dict[str, Measurement]:
    on = bench(baseline=baseline_of(score), model=model_of(candidate))
    seen = answer(on, on.rows("test"))
    asks = [Ask(indicator=name, segment=segment) for name in ("error_rate", "auroc", "decision_ece", "review_rate")]
    found = compared(on, seen, held_out.evaluate(on, asks, seen))
    return {one.indicator: one for one in found if one.segment == segment}


def comparison(one: Measurement) -> Comparison:
    assert one.comparison is not None
    return one.comparison


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=50))
def test_a_score_comes_back_within_half_a_step(scores: list[float | None]) -> None:
    back = restored(quantised(scores))
    assert len(back) == len(scores)
    for before, after in zip(scores, back, strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert abs(before - after) <= 0.5 / LARGEST + 1e-12
    assert quantised(back) == quantised(scores)


def test_the_same_model_is_not_worse_than_itself() -> None:
    for name in ("error_rate", "auroc", "decision_ece"):
        found = comparison(against(truth)[name])
        assert found.delta == 0.0
        assert found.lo <= 0.0 <= found.hi
        assert found.p_worse > 0.05
        assert (found.baseline, found.n) == (OLD, 2000)


def test_a_weaker_candidate_is_shown_to_be_worse_on_error_and_area() -> None:
    found = against(truth, weak)
    for name in ("error_rate", "auroc"):
        assert comparison(found[name]).delta > 0.02
        assert comparison(found[name]).p_worse < 0.001
        assert comparison(found[name]).lo > 0.0


def test_a_better_candidate_has_a_negative_difference() -> None:
    found = against(weak)
    for name in ("error_rate", "auroc"):
        assert comparison(found[name]).hi < 0.0
        assert comparison(found[name]).p_worse > 0.99


def test_a_calibration_that_got_worse_is_shown_and_one_that_got_better_is_not() -> None:
    def bold(row: object) -> float:
        return min(1.0, max(0.0, 2.5 * (truth(row) - 0.5) + 0.5))  # type: ignore[arg-type]

    worse, better = comparison(against(truth, bold)["decision_ece"]), comparison(against(bold)["decision_ece"])
    assert worse.lo > 0.02
    assert worse.p_worse < 0.01
    assert better.hi < -0.02
    assert better.p_worse > 0.9


def test_a_segment_is_compared_on_its_own_rows() -> None:
    found = comparison(against(weak, segment="sex=f")["error_rate"])
    assert found.n == sum(row["sex"] == "f" for row in rows(2000, 104))


def test_what_a_threshold_chooses_is_never_compared() -> None:
    assert against(weak)["review_rate"].comparison is None


@pytest.mark.parametrize(
    "changed",
    [
        lambda table: table[::-1],
        lambda table: table[:-1],
        lambda table: [{**table[0], "y": 1 - int(table[0]["y"])}, *table[1:]],
        lambda table: [{**table[0], "amount": 1.0}, *table[1:]],
    ],
)
def test_rows_that_are_not_the_same_are_not_paired(changed: object) -> None:
    old = baseline_of(truth)
    on = bench(baseline=old, datasets={"test": changed(rows(2000, 104))})  # type: ignore[operator]
    seen = answer(on, on.rows("test"))
    assert all(one.comparison is None for one in compared(on, seen, held_out.evaluate(on, [], seen)))


def test_a_baseline_of_another_length_is_not_paired() -> None:
    old = baseline_of(truth)
    short = Baseline(artefact=OLD, paired=msgspec.structs.replace(old.paired, scores=old.paired.scores[:-4]))
    on = bench(baseline=short)
    seen = answer(on, on.rows("test"))
    assert all(one.comparison is None for one in compared(on, seen, held_out.evaluate(on, [], seen)))


def test_a_baseline_with_holes_is_wrong_there_and_has_no_area() -> None:
    found = against(lambda row: None if row["speed"] == 4 else truth(row))
    assert comparison(found["error_rate"]).hi < 0.0
    assert found["auroc"].comparison is None


def test_rows_without_a_unit_are_units_of_their_own() -> None:
    on = bench(datasets={"test": [{**row, "crash": None} for row in rows(300, 104)]})
    units = units_of(on, answer(on, on.rows("test")))
    assert units is not None
    assert len(set(units)) == 300


def gap(score: Score, candidate: Score, metric: str = "error_rate") -> Comparison | None:
    on = bench(baseline=baseline_of(score), model=model_of(candidate))
    seen = answer(on, on.rows("test"))
    measured = subgroup.evaluate(on, [Ask(indicator="subgroup_gap", metric=metric)], seen)
    return compared(on, seen, measured)[0].comparison


def partial(row: Mapping[str, Value]) -> float:
    return 0.01 if row["sex"] == "f" else truth(row)


def test_a_gap_that_opened_is_shown_to_be_worse_and_one_that_closed_is_not() -> None:
    opened, closed, same = gap(truth, partial), gap(partial, truth), gap(truth, truth)
    assert opened is not None
    assert opened.lo > 0.05
    assert opened.p_worse < 0.001
    assert closed is not None
    assert closed.hi < -0.05
    assert closed.p_worse > 0.999
    assert same is not None
    assert (same.delta, same.p_worse) == (0.0, 0.5)


def test_a_gap_that_thresholds_make_is_not_compared() -> None:
    assert gap(truth, partial, "review_rate") is None
    assert gap(truth, partial, "serious_auto_denied") is None
    assert gap(truth, partial, "false_negative_rate") is not None


def test_square_and_add_of_two_rates_gives_newcombes_interval() -> None:
    """With Wilson bounds of each rate the method is Newcombe's method 10, whose published values are in stats."""
    z = normal.quantile(0.975)
    first, second = ((middle, low, high) for low, middle, high in (wilson(56, 70, z), wilson(48, 80, z)))
    delta, lo, hi, _ = square_and_add(first, second, 0.975)
    assert (round(lo, 4), round(hi, 4)) == (0.0524, 0.3339)
    assert delta == pytest.approx(0.2)


def test_equal_gaps_are_called_worse_no_more_often_than_said() -> None:
    """2,000 pairs of measured gaps with the same truth: at p < .05 at most 5 % (and a half for the simulation)."""
    draws = np.random.default_rng(5)
    called = 0
    for _ in range(2000):
        pairs = [(draws.binomial(200, 0.30), draws.binomial(200, 0.20)) for _ in range(2)]
        gaps_ = [(a / 200 - b / 200, *newcombe_difference(a, 200, b, 200)) for a, b in pairs]
        called += square_and_add(gaps_[0], gaps_[1], 0.95)[3] < 0.05
    assert called / 2000 <= 0.055


def test_the_counts_of_an_error_comparison_make_its_bounds_again() -> None:
    found = comparison(against(truth, weak)["error_rate"])
    assert found.worse is not None
    assert found.better is not None
    again = paired_difference(found.worse, found.better, found.n, found.level, found.design_effect)
    assert (found.delta, found.lo, found.hi) == again
