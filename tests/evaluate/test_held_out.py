from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from shipworthy.evaluate import held_out
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask
from shipworthy.facts import Measurement
from shipworthy.gate.recompute import mismatches
from tests.evaluate.benches import bench, model_of, rows, truth


def measured(asks: list[Ask] | None = None, **changes: object) -> dict[tuple[str, str, int | None], Measurement]:
    on = bench(**changes)  # type: ignore[arg-type]
    found = held_out.evaluate(on, asks or [], answer(on, on.rows("test")))
    return {(one.indicator, one.segment, one.quantile): one for one in found}


def test_every_indicator_of_the_room_is_measured_though_nobody_asks() -> None:
    assert {name for name, _, _ in measured()} == set(held_out.INDICATORS)


def test_the_numbers_are_what_counting_by_hand_gives() -> None:
    on = bench()
    seen = answer(on, on.rows("test"))
    found = measured()
    wrong = sum((one.score is not None and one.score >= 0.5) != (one.label == 1) for one in seen)
    assert found["error_rate", "*", None].hits == wrong
    area = roc_auc_score([one.label for one in seen], [one.score for one in seen])
    assert found["auroc", "*", None].value == pytest.approx(area, abs=1e-12)
    alone = [one for one in seen if one.route == "machine"]
    assert found["auto_error_rate", "*", None].n == len(alone)
    assert found["review_rate", "*", None].hits == len(seen) - len(alone)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_every_rate_recomputes_from_its_own_counts(seed: int) -> None:
    asks = [Ask(indicator="error_rate", segment="sex=f", level=0.99), Ask(indicator="review_rate", segment="speed=9")]
    assert not mismatches(measured(asks, datasets={"test": rows(300, seed)}).values())


def test_an_honest_model_is_calibrated_and_a_bold_one_is_not() -> None:
    def bold(row: object) -> float:
        return min(1.0, max(0.0, 3.0 * (truth(row) - 0.5) + 0.5))  # type: ignore[arg-type]

    honest = measured()["decision_ece", "*", None]
    assert honest.value is not None
    assert honest.value < 0.02
    wrong = measured(model=model_of(bold))["decision_ece", "*", None]
    assert wrong.lo is not None
    assert wrong.lo > 0.05


def test_rows_of_one_crash_prove_less_than_as_many_independent_ones() -> None:
    twice = [row for row in rows(600, 5) for _ in (0, 1)]
    twice = [{**row, "crash": str(at // 2)} for at, row in enumerate(twice)]
    one = measured(datasets={"test": twice})["error_rate", "*", None]
    assert one.design_effect == pytest.approx(2.0, rel=0.05)
    assert measured(datasets={"test": twice}, unit=None)["error_rate", "*", None].design_effect == 1.0


def test_a_percentile_is_over_blocks_when_there_are_enough_rows_and_pooled_otherwise() -> None:
    ask = [Ask(indicator="decision_ece", quantile=95)]
    few = measured(ask)["decision_ece", "*", 95]
    assert few.method.startswith("pooled instead of p95: 6 of 20 blocks")
    many = measured(ask, datasets={"test": rows(6100, 9)})["decision_ece", "*", 95]
    assert many.method.startswith("p95 over 20 blocks, lower by order statistics, too few for an upper")
    assert (many.value or 0) >= (few.value or 0)


def test_blocks_follow_time_where_there_is_one() -> None:
    """Drift in time shows in the blocks; the pooled estimate would average it away."""
    drifting = [{**row, "t": at, "y": row["y"] if at < 5700 else 1 - int(row["y"] or 0)}
                for at, row in enumerate(rows(6000, 11))]  # fmt: skip
    mixed = [drifting[place] for place in np.random.default_rng(0).permutation(6000)]
    ask = [Ask(indicator="decision_ece", quantile=99)]
    in_time = measured(ask, datasets={"test": mixed}, time="t")["decision_ece", "*", 99]
    seeded = measured(ask, datasets={"test": mixed})["decision_ece", "*", 99]
    assert (in_time.value or 0) > (seeded.value or 0) + 0.1


def test_a_segment_is_measured_on_its_own_rows() -> None:
    found = measured([Ask(indicator="error_rate", segment="sex=f;supplier=P01,P02")])
    own = [row for row in rows(2000, 104) if row["sex"] == "f" and row["supplier"] in ("P01", "P02")]
    assert found["error_rate", "sex=f;supplier=P01,P02", None].n == len(own)


def test_a_numeric_segment_key_means_its_declared_bins_and_unseen_its_unknown_categories() -> None:
    odd = [*rows(300, 3), {**rows(1, 4)[0], "supplier": "P99"}]
    asks = [
        Ask(indicator="error_rate", segment="age=25_to_65"),
        Ask(indicator="error_rate", segment="supplier=__unseen__"),
    ]
    found = measured(asks, datasets={"test": odd})
    assert found["error_rate", "age=25_to_65", None].n == sum(25 <= int(row["age"] or 0) < 65 for row in odd)
    assert found["error_rate", "supplier=__unseen__", None].n == 1


def test_a_silent_model_is_wrong_and_neither_ranked_nor_calibrated() -> None:
    silent = measured(model=model_of(lambda row: None if row["speed"] == 4 else truth(row)))
    assert silent["auroc", "*", None].value is None
    assert silent["decision_ece", "*", None].value is None
    assert (silent["error_rate", "*", None].hits or 0) > (measured()["error_rate", "*", None].hits or 0)


@pytest.mark.parametrize("score", [float("nan"), 1.5, -0.1, None])
def test_what_is_no_probability_is_no_score(score: float | None) -> None:
    found = measured(model=model_of(lambda row: score))
    assert found["error_rate", "*", None].value == 1.0
    assert found["review_rate", "*", None].value == 1.0
    assert found["auto_error_rate", "*", None].value is None


def test_without_thresholds_or_decisions_nobody_decides_and_nothing_is_measured() -> None:
    found = measured(thresholds=None)
    assert found["review_rate", "*", None].value is None
    assert "nobody decides" in found["auto_error_rate", "*", None].method


def test_rows_without_a_label_count_where_no_label_is_needed() -> None:
    blank = [{**row, "y": None} for row in rows(100, 1)]
    found = measured(datasets={"test": [*rows(400, 2), *blank]})
    assert found["error_rate", "*", None].n == 400
    assert found["review_rate", "*", None].n == 500


def test_no_rows_give_no_value() -> None:
    assert all(one.value is None for one in measured(datasets={"test": []}).values())


def test_one_class_has_no_area() -> None:
    assert measured(datasets={"test": [{**row, "y": 1} for row in rows(400, 2)]})["auroc", "*", None].value is None
