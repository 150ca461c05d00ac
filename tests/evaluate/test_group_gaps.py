from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from shipworthy.contract.generators.fairness import CALIBRATION_GAPS, RATE_GAPS, RATE_RATIOS
from shipworthy.errors import ContractError
from shipworthy.evaluate import subgroup
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask, CaseShown
from shipworthy.evaluate.group_gaps import run_case
from shipworthy.profile.rows import Value
from shipworthy.stats.calibration import bins_of, ece_corrected, ece_raw
from shipworthy.stats.group_rates import difference, group_counts, ratio
from tests.evaluate.benches import FEATURES, Score, bench, case, model_of, rows, truth

TEST = rows(4000, 104)


def shown(score: Score, metric: str, op: str = "<=", target: float = 0.15, **given: object) -> CaseShown:
    test = given.pop("test", TEST)
    one = case(generator={"name": "group_gaps", **given}, metric=metric, op=op, target=target)
    return run_case(one, bench(score, datasets={"test": test}), 1)  # type: ignore[dict-item]


def harsh(row: Mapping[str, Value]) -> float:
    """Never answers high for one sex."""
    return min(truth(row), 0.3) if row["sex"] == "f" else truth(row)


def late(row: Mapping[str, Value]) -> float:
    """As accurate, but scores of one sex are pushed up by a tenth."""
    return min(1.0, truth(row) + 0.1) if row["sex"] == "f" else max(0.0, truth(row) - 0.1)


def test_a_group_that_is_never_selected_is_red_and_named() -> None:
    for metric in ("selection_rate_gap", "true_positive_rate_gap", "false_negative_rate_gap", "equalized_odds_gap"):
        found = shown(harsh, metric).result
        assert found.status == "fail", metric
        assert "sex: " in found.worst[0].told


@pytest.mark.parametrize("metric", [*RATE_GAPS, *CALIBRATION_GAPS])
def test_an_even_model_is_green_by_every_gap(metric: str) -> None:
    assert shown(truth, metric).result.status == "pass"


@pytest.mark.parametrize("metric", RATE_RATIOS)
def test_a_ratio_is_judged_the_other_way_round(metric: str) -> None:
    assert shown(truth, metric, ">=", 0.7).result.status == "pass"
    assert shown(harsh, metric, ">=", 0.7).result.status == "fail"


def test_the_points_are_the_largest_difference_and_the_smallest_ratio_of_the_groups() -> None:
    on = bench(harsh, datasets={"test": TEST})
    seen = answer(on, TEST)
    selected = [one.score is not None and one.score >= 0.5 for one in seen]
    labels, groups = [float(row["y"] or 0) for row in TEST], [str(row["sex"]) for row in TEST]
    for rate in ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"):
        counts = group_counts(rate, selected, labels, groups)
        assert shown(harsh, f"{rate}_gap", by=["sex"]).result.value == pytest.approx(difference(counts), abs=1e-12)
        if f"{rate}_ratio" in RATE_RATIOS:
            found = shown(harsh, f"{rate}_ratio", ">=", 0.5, by=["sex"]).result.value
            assert found == pytest.approx(ratio(counts), abs=1e-12)


def test_a_gap_is_the_same_number_as_the_indicator_of_that_metric() -> None:
    on = bench(harsh, datasets={"test": TEST})
    seen = answer(on, TEST)
    for rate in ("selection_rate", "true_positive_rate", "accuracy"):
        there = subgroup.evaluate(on, [Ask(indicator="subgroup_gap", metric=rate)], seen)[0]
        here = shown(harsh, f"{rate}_gap").result
        assert (here.value, here.lo, here.hi) == (there.value, there.lo, there.hi)


def test_scores_too_high_here_and_too_low_there_add_up() -> None:
    found = shown(late, "calibration_gap", by=["sex"]).result
    assert found.status == "fail"
    assert found.value == pytest.approx(0.18, abs=0.04)
    told = shown(late, "calibration_gap", by=["sex"], target=0.3).result
    assert told.status == "pass"


def test_the_gap_of_the_calibration_errors_is_that_of_the_groups_alone() -> None:
    def off(row: Mapping[str, Value]) -> float:
        return 1.0 - truth(row) if row["sex"] == "f" else truth(row)

    found = shown(off, "ece_gap", by=["sex"]).result
    apart = []
    for sex in ("f", "m"):
        inside = [row for row in TEST if row["sex"] == sex]
        apart.append(ece_corrected(bins_of([off(row) for row in inside], [float(row["y"] or 0) for row in inside])))
    assert found.status == "fail"
    assert found.value == pytest.approx(apart[0] - apart[1], abs=0.01)


def test_the_lower_bound_of_a_picked_pair_allows_for_the_picking() -> None:
    """Forty even groups of 120: the largest gap of 780 pairs is wide, and not one in twenty such sets shows a lower
    bound above zero (2 of 20 allowed: P(more) < .08 at a rate of .05)."""
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = [{**row, "team": f"t{rng.integers(0, 40)}"} for row in rows(4800, 900 + seed % 4)]
        one = shown(truth, "selection_rate_gap", by=["team"], test=made).result
        assert (one.value or 0.0) > 0.1
        found += (one.lo or 0.0) > 0.0
    assert found <= 2


def test_columns_that_are_no_features_make_groups_too() -> None:
    made = [{**row, "branch": "north" if row["sex"] == "f" else "south"} for row in TEST]
    assert shown(harsh, "selection_rate_gap", by=["branch"], test=made).result.status == "fail"


def test_a_column_that_nobody_has_is_an_error() -> None:
    with pytest.raises(ContractError, match="brnch"):
        shown(truth, "selection_rate_gap", by=["brnch"])


def test_two_columns_together_show_what_either_hides() -> None:
    def crossed(row: Mapping[str, Value]) -> float:
        young = isinstance(row["age"], int) and row["age"] < 55
        return 0.9 if young == (row["sex"] == "f") else 0.1

    made = [{**row, "old": "no" if int(row["age"] or 0) < 55 else "yes"} for row in TEST]
    assert shown(crossed, "selection_rate_gap", by=["sex", "old"], test=made).result.status == "pass"
    both = shown(crossed, "selection_rate_gap", by=["sex", "old"], pairs=True, test=made).result
    assert both.status == "fail"
    assert "sex & old" in both.because


def test_handfuls_are_listed_when_single_and_passed_over_when_crossed() -> None:
    thin = [{**row, "sex": "x" if at < 60 else row["sex"]} for at, row in enumerate(TEST)]
    parts = shown(truth, "selection_rate_gap", pairs=True, test=thin).measurements
    listed = [one for one in parts if one.part and "x" in one.part.split(": ")[1]]
    assert len(listed) == 2
    assert all("not judged" in one.method for one in listed)


def test_a_column_of_which_no_two_groups_were_judged_is_no_pass() -> None:
    thin = [{**row, "sex": "x" if at < 60 else "f"} for at, row in enumerate(TEST)]
    found = shown(truth, "selection_rate_gap", test=thin).result
    assert found.status == "inconclusive"
    assert "not judged for want of rows: sex" in found.because
    alone = shown(truth, "selection_rate_gap", by=["sex"], test=thin).result
    assert alone.value is None
    assert alone.status == "inconclusive"


def test_a_failure_stays_one_when_another_column_is_thin() -> None:
    thin = [{**row, "branch": "a" if at < 60 else "b"} for at, row in enumerate(TEST)]
    assert shown(harsh, "selection_rate_gap", by=["sex", "branch"], test=thin).result.status == "fail"


def test_what_counts_as_selected_is_written() -> None:
    none = shown(harsh, "selection_rate_gap", selected="score >= 0.0").result
    assert none.value == 0.0
    assert shown(harsh, "selection_rate_gap", selected="score >= 0.31").result.status == "fail"


def test_rows_without_an_answer_are_no_pass() -> None:
    for metric in ("selection_rate_gap", "calibration_gap"):
        found = shown(lambda row: None if row["sex"] == "f" else truth(row), metric).result
        assert found.status == "inconclusive"
        assert "without an answer" in found.because


def test_nobody_selected_has_no_ratio() -> None:
    found = shown(lambda row: 0.1, "selection_rate_ratio", ">=", 0.8).result
    assert found.status == "inconclusive"
    assert (found.lo, found.hi) == (0.0, 1.0)


def test_without_protected_features_and_without_by_there_is_nothing_to_judge() -> None:
    plain = tuple(one for one in bench().features if not one.protected)
    one = case(generator={"name": "group_gaps"}, metric="selection_rate_gap")
    on = bench(datasets={"test": TEST}, features=plain, model=model_of(lambda row: 0.5, plain))
    found = run_case(one, on, 1).result
    assert found.status == "inconclusive"
    assert "no feature is declared protected" in found.because


def test_rows_of_one_unit_widen_the_bounds() -> None:
    many = [{**row, "crash": f"c{at // 20}", "sex": "f" if at // 20 % 2 else "m"} for at, row in enumerate(TEST)]
    same = [{**many[at], "speed": many[at - at % 20]["speed"], "amount": 40.0} for at in range(len(many))]
    one = case(generator={"name": "group_gaps", "by": ["sex"]}, metric="selection_rate_gap")
    units = run_case(one, bench(truth, datasets={"test": same}), 1).result
    rows_alone = run_case(one, bench(truth, datasets={"test": same}, unit=None), 1).result
    assert units.value == rows_alone.value
    assert (units.hi or 0.0) > (rows_alone.hi or 1.0) + 0.02


def test_every_pair_is_a_part_and_none_is_judged_as_the_indicator() -> None:
    parts = shown(harsh, "selection_rate_gap").measurements
    assert len(parts) == 4
    assert all(one.part is not None for one in parts)


def test_equalized_odds_need_both_rates() -> None:
    """Hardly a label 1 in one group: its false positives alone do not make the odds equal."""
    thin = [row for at, row in enumerate(TEST) if row["sex"] == "m" or row["y"] == 0 or at < 60]
    found = shown(truth, "equalized_odds_gap", by=["sex"], test=thin, target=0.9).result
    assert found.status == "inconclusive"
    assert "sex, true_positive_rate" in found.because


def test_every_group_is_told_by_itself() -> None:
    on = bench(harsh, datasets={"test": TEST})
    chosen = [one.score is not None and one.score >= 0.5 for one in answer(on, TEST)]
    told = shown(harsh, "equalized_odds_gap", pairs=True).result.because
    for rate in ("true_positive_rate", "false_positive_rate"):
        counts = group_counts(rate, chosen, [float(row["y"] or 0) for row in TEST], [str(row["sex"]) for row in TEST])
        assert f"sex=m: {rate} {counts['m'][0] / counts['m'][1]:.3f} [" in told
        assert f"of {counts['m'][1]}" in told
    assert "age=lt_25: true_positive_rate" in told
    assert "age & sex=" not in told


def test_calibration_is_told_group_by_group() -> None:
    told = shown(late, "calibration_gap", by=["sex"]).result.because
    inside = [row for row in TEST if row["sex"] == "f"]
    scores, labels = [late(row) for row in inside], [float(row["y"] or 0) for row in inside]
    off = abs(float(np.mean(scores)) - float(np.mean(labels)))
    assert f"sex=f: score off label by {off:.3f}, ECE {ece_raw(bins_of(scores, labels)):.3f} raw" in told
    assert f"of {len(inside)}" in told


@pytest.mark.parametrize("metric", [*RATE_GAPS, *CALIBRATION_GAPS, *RATE_RATIOS])
def test_the_judged_number_is_the_worst_part_and_lies_between_its_bounds(metric: str) -> None:
    found = shown(harsh, metric, by=["age", "speed"])
    values = [one.value for one in found.measurements if one.value is not None and "not judged" not in one.method]
    assert len(values) > 3
    one = found.result
    assert one.value == (min(values) if metric in RATE_RATIOS else max(values))
    assert one.lo is not None
    assert one.hi is not None
    assert one.lo <= one.value <= one.hi
    assert one.hi > one.value or one.hi == 1.0


def test_harm_that_even_a_few_rows_prove_is_no_pass() -> None:
    """Ninety people of whom nobody is selected: too few to be judged as a group, and yet beyond any doubt."""
    few = [{**row, "branch": "c" if at < 90 else "ab"[at % 2]} for at, row in enumerate(TEST)]
    names = [one.name for one in FEATURES]
    refused = {tuple(str(row[name]) for name in names) for row in few[:90]}

    def harsh_on_few(row: Mapping[str, Value]) -> float:
        return 0.05 if tuple(str(row[name]) for name in names) in refused else 0.9

    found = shown(harsh_on_few, "selection_rate_gap", by=["branch"], test=few).result
    assert found.status == "fail"
    assert "few rows, and yet beyond the target: branch: " in found.because
    assert shown(lambda row: 0.9, "selection_rate_gap", by=["branch"], test=few).result.status == "pass"
