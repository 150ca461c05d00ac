"""Gaps between groups live, against the offline evaluator on the same rows: the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from shipworthy.evaluate import subgroup
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask
from shipworthy.facts import LabelSummary, Measurement, WindowSummary
from shipworthy.indicators import SCORED_METRICS
from shipworthy.observe.labels import label_summary, merged
from shipworthy.observe.measure import within
from shipworthy.observe.measure_groups import COUNTED, Seen, subgroup_gap
from shipworthy.observe.measure_labels import Matured, labelled
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, bench, model_of, rows, truth
from tests.observe.made import SCOPE, T0, WORDS, collector, event, receipt

ASKED = Matured(SCOPE, T0, T0 + 10, T0 + 20)
PROTECTED = tuple(one for one in FEATURES if one.protected)
NAMES = tuple(one.name for one in PROTECTED)


def unfair(row: Mapping[str, Value]) -> float:
    return 0.6 * truth(row) if row["sex"] == "f" else truth(row)


def seen(labels: list[LabelSummary], windows: list[WindowSummary]) -> dict[str, Seen]:
    named = {one.segment for one in labels} | {one.segment for one in windows}
    texts = {text for text in named if text.partition("=")[0] in NAMES}
    found = {}
    for text in texts:
        here = replace(SCOPE, segment=text)
        mine = labelled(labels, Matured(here, ASKED.start, ASKED.end, ASKED.as_of))
        found[text] = Seen(mine, within(windows, here, ASKED.start, ASKED.end))
    return found


def live(metric: str | None) -> tuple[Measurement, ...]:
    return subgroup_gap(served(), NAMES, metric, ASKED)


@cache
def served() -> dict[str, Seen]:
    """Serve and label the rows of the bench, as the offline evaluator sees them."""
    counting, labels = collector(), list[LabelSummary]()
    for at, row in enumerate(rows(1500, 21)):
        groups = tuple(f"{one.name}={group_of(one, row[one.name])}" for one in PROTECTED)
        score, minute = unfair(row), T0 + at % 7
        counting.add(event(minute, score=score, groups=groups))
        told = receipt(score, minute, groups=groups, decision="auto_approve" if score >= 0.5 else "auto_deny")
        labels += label_summary(told, int(row["y"] or 0), WORDS)
    return seen(list(merged(labels)), counting.roll(T0 + 10))


@pytest.mark.parametrize("metric", [None, *SCORED_METRICS])
def test_online_and_offline_say_the_same_of_the_same_rows(metric: str | None) -> None:
    on = bench(model=model_of(unfair), datasets={"test": rows(1500, 21)}, unit=None)
    offline = subgroup.evaluate(on, [Ask(indicator="subgroup_gap", metric=metric)], answer(on, on.rows("test")))
    online = live(metric)
    assert {one.part: (one.value, one.lo, one.hi, one.n) for one in online} == {
        one.part: (one.value, one.lo, one.hi, one.n) for one in offline
    }
    assert online[0].part is None
    assert online[0].value is not None


def test_machine_errors_of_groups_come_from_their_own_counts() -> None:
    (judged, *_) = live("auto_error_rate")
    assert judged.value == live("error_rate")[0].value  # the machine answers at one half here


@pytest.mark.parametrize(
    ("metric", "segment", "protected", "why"),
    [
        ("serious_auto_denied", "*", NAMES, "in no window"),
        ("error_rate", "supplier=P02", NAMES, "do not cross"),
        ("error_rate", "*", (), "no feature is declared protected"),
    ],
)
def test_what_no_window_shows_is_no_number(metric: str, segment: str, protected: tuple[str, ...], why: str) -> None:
    asked = Matured(replace(SCOPE, segment=segment), T0, T0 + 10, T0 + 20)
    (told,) = subgroup_gap({}, protected, metric, asked)
    assert told.value is None
    assert why in told.method
    assert "review_rate" in COUNTED


def counted(hits: int, n: int, text: str) -> Seen:
    window = WindowSummary(
        version="2.0", arm="candidate", tenant="*", segment=text, minute=T0, reference="sha256:0", n=n, n_review=hits
    )
    return Seen([], [window])


def test_thin_groups_are_listed_and_not_judged_and_a_handful_is_not_shown() -> None:
    groups = {
        f"sex={name}": counted(hits, n, f"sex={name}")
        for name, hits, n in (("a", 50, 200), ("b", 20, 150), ("c", 60, 99), ("d", 10, 19), ("__other__", 90, 100))
    }
    judged, *parts = subgroup_gap(groups, ("sex",), "review_rate", ASKED)
    assert judged.value == pytest.approx(50 / 200 - 20 / 150)
    assert judged.n == 150
    assert {one.part for one in parts} == {"sex: a - b", "sex: c - a", "sex: c - b"}
    assert all("not judged" in one.method for one in parts if one.part and "c" in one.part.split(": ")[1])
    assert "3 pairs with under 20 rows are not shown" in judged.method


def test_two_handfuls_are_not_compared() -> None:
    groups = {f"sex={name}": counted(5, 99, f"sex={name}") for name in "ab"}
    judged, *_ = subgroup_gap(groups, ("sex",), "review_rate", ASKED)
    assert (judged.value, judged.n) == (None, 99)
    assert "no two groups with 100 rows" in judged.method


def test_features_are_not_compared_with_each_other() -> None:
    groups = {text: counted(hits, 200, text) for text, hits in (("sex=a", 10), ("age=b", 150))}
    assert [one.part for one in subgroup_gap(groups, ("sex", "age"), "review_rate", ASKED)] == [None]


def test_a_gap_that_is_there_is_bounded_away_from_zero_and_none_is_not() -> None:
    """40 simulations of three equal groups at .95: over 7 lower bounds above 0 would have a chance < 1 in 1,000."""
    rng, raised, missed = np.random.default_rng(5), 0, 0
    for _ in range(40):
        hits = rng.binomial(400, 0.2, 3)
        groups = {f"sex={at}": counted(int(count), 400, f"sex={at}") for at, count in enumerate(hits)}
        judged = subgroup_gap(groups, ("sex",), "review_rate", ASKED)[0]
        raised += (judged.lo or 0.0) > 0.0
        apart = {
            "sex=0": counted(int(hits[0]), 400, "sex=0"),
            "sex=1": counted(int(rng.binomial(400, 0.4)), 400, "sex=1"),
        }
        far = subgroup_gap(apart, ("sex",), "review_rate", ASKED)[0]
        missed += not (far.lo or 0.0) <= 0.2 <= (far.hi or 0.0)
    assert raised <= 7
    assert missed <= 10


def test_of_several_gaps_the_largest_is_judged_and_its_upper_bound_is_the_largest() -> None:
    groups = {f"sex={name}": counted(hits, 200, f"sex={name}") for name, hits in (("a", 100), ("b", 60), ("c", 50))}
    judged, *parts = subgroup_gap(groups, ("sex",), "review_rate", ASKED)
    assert judged.value == 0.25
    assert judged.hi == max(one.hi or 0.0 for one in parts)
    assert (judged.lo or 0.0) < max(one.lo or 0.0 for one in parts)
    assert [one.part for one in parts] == ["sex: a - b", "sex: a - c", "sex: b - c"]
