"""Matured labels: numbers against other libraries and simulations, and never a good number from too few."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from sklearn.metrics import roc_auc_score

from shipworthy.facts import FIXED, SCORE_BINS, LabelSummary, Measurement
from shipworthy.observe.labels import ShadowScore, label_summary, merged, review_summary
from shipworthy.observe.measure_labels import (
    MIN_LABELS,
    Matured,
    blocks,
    covered,
    error_rate,
    from_labels,
    pooled_ece,
    provisional,
)
from shipworthy.observe.measure_labels import labelled as within
from shipworthy.observe.measure_reviews import overturn_rate
from shipworthy.observe.minutes import start_of
from shipworthy.observe.segment_table import segment_table
from tests.observe.made import SCOPE, T0, WORDS, collector, event, labelled, receipt

ASKED = Matured(SCOPE, T0, T0 + 48 * 60, T0 + 150 * 60)


def drawn(n: int, seed: int, gap: float = 0.0) -> list[tuple[float, int]]:
    """Scores of Beta(2, 5) and labels whose true rate is the score plus `gap`."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(2, 5, n)
    labels = rng.random(n) < np.clip(scores + gap, 0, 1)
    return [(float(p), int(y)) for p, y in zip(scores, labels, strict=True)]


def summed(pairs: list[tuple[float, int]], minute: int, segment: str = "*") -> LabelSummary:
    """One summary for all tenants, made at once: what merging one by one gives."""
    columns = np.zeros((4, SCORE_BINS), dtype=np.int64)
    for score, label in pairs:
        place = min(int(score * SCORE_BINS), SCORE_BINS - 1)
        columns[:, place] += (1, label, round(score * FIXED), round(score * (1 - score) * FIXED))
    n, positives, sum_p, sum_pq = (tuple(column.tolist()) for column in columns)
    return LabelSummary(
        version="2.0",
        arm="candidate",
        tenant="*",
        segment=segment,
        minute=minute,
        n=n,
        positives=positives,
        sum_p=sum_p,
        sum_pq=sum_pq,
    )


def named(labels: list[LabelSummary]) -> dict[tuple[str, int | None], Measurement]:
    return {(one.indicator, one.quantile): one for one in from_labels(labels, [], ASKED)}


def test_the_quick_sum_is_the_merged_one() -> None:
    pairs = drawn(50, 1)
    slow = next(one for one in labelled(pairs) if (one.tenant, one.segment) == ("*", "*"))
    quick = summed(pairs, T0)
    assert (slow.n, slow.positives, slow.sum_p) == (quick.n, quick.positives, quick.sum_p)


def test_auroc_agrees_with_scikit_learn() -> None:
    pairs = drawn(4000, 2)
    got = named([summed(pairs, T0)])["auroc", None]
    scores, labels = zip(*pairs, strict=True)
    assert got.value == pytest.approx(roc_auc_score(labels, scores), abs=0.004)
    assert got.lo is not None
    assert got.hi is not None
    assert got.lo < roc_auc_score(labels, scores) < got.hi


def test_error_rate_is_at_one_half() -> None:
    pairs = drawn(1000, 3)
    got = named([summed(pairs, T0)])["error_rate", None]
    assert got.hits == sum((score >= 0.5) != label for score, label in pairs)


def test_a_calibrated_model_is_not_called_miscalibrated_and_a_bad_one_is() -> None:
    good = [pooled_ece([summed(drawn(1000, seed), T0)], ASKED) for seed in range(60)]
    bad = [pooled_ece([summed(drawn(1000, seed, gap=0.12), T0)], ASKED) for seed in range(20)]
    assert sum(one.lo is not None and one.lo > 0.0 for one in good) <= 8, "5 % of 60, with room for chance"
    assert all(one.value is not None and one.value < 0.05 for one in good)
    assert all(one.lo is not None and one.lo > 0.05 for one in bad)


def test_fewer_than_three_hundred_labels_say_only_how_many() -> None:
    got = named([summed(drawn(MIN_LABELS - 1, 4), T0)])
    for key in (("decision_ece", None), ("decision_ece", 95)):
        assert (got[key].n, got[key].value, got[key].lo, got[key].hi) == (MIN_LABELS - 1, None, None, None)
    assert named([summed(drawn(MIN_LABELS, 4), T0)])["decision_ece", 95].value is not None


def test_nothing_labelled_is_no_number() -> None:
    assert all(one.value is None for one in from_labels([], [], ASKED))


def test_blocks_are_runs_of_hours_with_enough_labels() -> None:
    hourly = [summed(drawn(120, hour), T0 + 60 * hour) for hour in range(10)]
    cut = blocks(hourly)
    assert [len(block) for block in cut] == [3, 3, 4]
    assert [one for block in cut for one in block] == hourly
    assert blocks(hourly[:2]) == []


def test_twenty_blocks_give_a_percentile_and_nineteen_the_pooled_number() -> None:
    hourly = [summed(drawn(300, hour, gap=0.2 if hour < 2 else 0.0), T0 + 60 * hour) for hour in range(20)]
    got = named(hourly)["decision_ece", 95]
    assert "20 blocks" in got.method
    assert got.value is not None
    assert got.value > 0.1
    fewer = named(hourly[:19])
    assert fewer["decision_ece", 95].value == fewer["decision_ece", None].value
    assert "pooled" in fewer["decision_ece", 95].method
    assert "19 blocks" in fewer["decision_ece", 95].method
    assert fewer["decision_ece", 95].n == 19 * 300


def test_a_measurement_is_as_fresh_as_its_making() -> None:
    got = named([summed(drawn(300, 1), T0)])["decision_ece", None]
    assert got.end == start_of(ASKED.as_of)
    assert start_of(ASKED.end) in got.method


def test_only_matured_minutes_of_the_scope_are_taken() -> None:
    pairs = drawn(10, 1)
    others = [summed(pairs, ASKED.end), summed(pairs, T0 - 1), summed(pairs, T0, "supplier=P02")]
    others.append(replace(summed(pairs, T0), version="3.0"))
    assert within([*others, summed(pairs, T0)], ASKED) == [summed(pairs, T0)]


def test_machine_errors_are_among_labelled_machine_answers() -> None:
    wrong = labelled([(0.1, 1)] * 5 + [(0.1, 0)] * 15)
    by_person = labelled([(0.1, 1)] * 30, route="person")
    got = named([*wrong, *by_person])["auto_error_rate", None]
    assert (got.n, got.hits, got.value) == (20, 5, 0.25)


def test_coverage_is_labels_among_scored_decisions() -> None:
    served = collector()
    for _ in range(10):
        served.add(event())
    windows = served.roll(ASKED.end)
    got = {one.indicator: one for one in from_labels(labelled([(0.5, 1)] * 4), windows, ASKED)}["label_coverage"]
    assert (got.n, got.hits, got.value) == (10, 4, 0.4)
    too_many = {one.indicator: one for one in from_labels(labelled([(0.5, 1)] * 11), windows, ASKED)}["label_coverage"]
    assert too_many.value is None
    gap = {one.indicator: one for one in from_labels(labelled([(0.5, 1)]), windows[:-1], ASKED)}["label_coverage"]
    assert gap.value is None


def test_shadow_labels_are_taken_only_when_asked_for() -> None:
    labels = label_summary(receipt(0.5, version="1.0", arm="baseline"), 1, WORDS, ShadowScore("2.0", 0.2))
    assert within(labels, ASKED) == []
    assert len(within(labels, Matured(SCOPE, T0, T0 + 1, T0 + 2, shadow=True))) == 1


def test_the_table_shows_what_pooling_hides() -> None:
    known, unseen = drawn(4000, 5), drawn(400, 6, gap=0.2)
    labels = [
        summed(known, T0, "supplier=P02"),
        summed(unseen, T0, "supplier=__unseen__"),
        summed(known[:200], T0, "supplier=P03"),
        summed([*known, *unseen], T0),
    ]
    segments = ["supplier=P02", "*", "supplier=__unseen__", "supplier=P03", "supplier=P99"]
    rows = segment_table(labels, segments, ASKED, auroc_floor=0.6, ece_target=0.05)
    assert [row.segment for row in rows] == ["supplier=P02", "supplier=__unseen__", "supplier=P03", "supplier=P99", "*"]
    by_segment = {row.segment: row for row in rows}
    assert by_segment["supplier=__unseen__"].ece_outcome == "breached"
    assert by_segment["supplier=P02"].ece_outcome == by_segment["*"].ece_outcome == "met"
    assert by_segment["supplier=P02"].auroc_outcome == "met"
    for segment in ("supplier=P03", "supplier=P99"):
        assert (by_segment[segment].auroc_outcome, by_segment[segment].ece_outcome) == ("no_data", "no_data")
    assert by_segment["supplier=P99"].n == 0
    assert merged(labels)


def test_what_few_labels_say_is_provisional_and_judged_all_the_same() -> None:
    served = collector()
    for _ in range(100):
        served.add(event())
    windows = served.roll(ASKED.end)
    for have, told in ((79, "provisional: 79 % of matured decisions have labels"), (80, ""), (101, "an unknown share")):
        labels = labelled([(0.6, 1)] * have)
        made = error_rate(within(labels, ASKED), ASKED)
        marked = provisional(made, labels, windows, ASKED)
        assert (marked.value, marked.lo, marked.hi, marked.n) == (made.value, made.lo, made.hi, made.n)
        assert told in marked.method
        assert ("provisional" in marked.method) == bool(told)
    none = provisional(made, [], [], ASKED)
    assert "an unknown share" in none.method


def test_shadow_labels_do_not_fill_the_coverage_of_answers() -> None:
    served = collector()
    for _ in range(10):
        served.add(event())
    shadows = label_summary(receipt(0.5, version="1.0", arm="baseline"), 1, WORDS, ShadowScore("2.0", 0.2)) * 10
    assert covered(shadows, served.roll(ASKED.end), ASKED) == (0, 10)


def test_reviews_are_counted_by_the_decision_and_overturns_among_them() -> None:
    told = [one for at in range(60) for one in review_summary(receipt(0.5, request=f"r{at}"), at % 4 == 0)]
    labels = list(merged([*told, *labelled([(0.5, 1)] * 30)]))
    got = overturn_rate(within(labels, ASKED), ASKED)
    assert (got.hits, got.n, got.value) == (15, 60, 0.25)
    assert got.end == start_of(ASKED.as_of)
    where = replace(SCOPE, tenant="acme", segment="supplier=P02")
    there = Matured(where, ASKED.start, ASKED.end, ASKED.as_of)
    assert overturn_rate(within(labels, there), there).n == 60
    assert overturn_rate([], ASKED).value is None
