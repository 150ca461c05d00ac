"""Parts of a report against another way to the same number."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.errors import UsageError
from shipworthy.facts import Action, Clause, LabelSummary, Outcome, Scope, Slo, Target, WindowSummary, digest
from shipworthy.facts.adding import added
from shipworthy.flows.monitor.columns import Spelled, Valued
from shipworthy.flows.monitor.drift import drifts, input_drift, score_drift
from shipworthy.flows.monitor.gaps import chances, group_rates, subgroup_gap
from shipworthy.flows.monitor.judged import pages
from shipworthy.flows.monitor.logs import chunks, header
from shipworthy.flows.monitor.periods import Every, every
from shipworthy.flows.monitor.reference import inferred
from shipworthy.flows.monitor.series import Series
from shipworthy.flows.monitor.told import Verdict
from shipworthy.models.table import parse_cell
from shipworthy.observe.measure_groups import Seen
from shipworthy.observe.measure_groups import subgroup_gap as live_gap
from shipworthy.observe.measure_labels import Matured
from shipworthy.profile.fit_bins import fit_bins
from shipworthy.profile.rows import as_number
from shipworthy.stats.drift import categories_apart, numbers_apart

REFERENCE = digest(b"reference")
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@given(TIMES, st.sampled_from(["1h", "6h", "1d", "7d", "month", "year", "45m"]))
def test_a_moment_lies_in_its_period_and_periods_follow_each_other(at: datetime, length: str) -> None:
    told = every(length)
    start = int(told.starts(np.array([at.timestamp()]))[0])
    end = told.end(start)
    assert start * 60 <= at.timestamp() < end * 60
    assert int(told.starts(np.array([end * 60.0]))[0]) == end


def test_weeks_begin_on_monday_and_months_on_their_first_day() -> None:
    at = np.array([datetime(2027, 1, 6, 12, tzinfo=UTC).timestamp()])
    assert every("7d").name(int(every("7d").starts(at)[0])) == "2027-01-04"
    assert every("month").name(int(every("month").starts(at)[0])) == "2027-01"
    assert every("year").name(int(every("year").starts(at)[0])) == "2027"
    assert every("1h").name(int(every("1h").starts(at)[0])) == "2027-01-06 12:00"


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5h", "soon", "rolling", "30s"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        every(text)


def test_times_of_all_spellings_are_the_same_moment() -> None:
    at = datetime(2027, 1, 6, 12, 30, tzinfo=UTC)
    s = int(at.timestamp())
    spelled = [at.isoformat(), "2027-01-06T12:30:00Z", "2027-01-06 12:30:00", "2027-01-06T13:30:00+01:00"]
    numbers = [s, s * 1000, s * 1_000_000, s * 1_000_000_000, float(s)]
    assert set(Spelled([*spelled, *map(str, numbers)], text=False).seconds().tolist()) == {float(s)}
    assert set(Valued([*spelled, *numbers, at]).seconds().tolist()) == {float(s)}
    assert np.isnan(Valued(["soon", None, True, ""]).seconds()).all()


@given(st.lists(st.sampled_from(["", "1", "1.0", "007", "x", "nan", "-3e2", "1e400", " 1", "P02"]), min_size=1))
def test_cells_of_a_csv_mean_what_they_mean_everywhere(cells: list[str]) -> None:
    values, broken = Spelled(cells, text=False).numbers()
    for cell, value, marked in zip(cells, values.tolist(), broken.tolist(), strict=True):
        number = as_number(parse_cell(cell))
        assert value == number if number is not None else np.isnan(value)
        assert marked == (cell != "" and number is None)
    words, codes = Spelled(cells, text=False).cells()
    assert [words[code] for code in codes] == [parse_cell(cell) for cell in cells]


def test_true_one_and_one_point_nought_stay_apart() -> None:
    words, codes = Valued([True, 1, 1.0, "1", None, float("nan")]).cells()
    assert [(type(words[code]), words[code]) for code in codes] == [
        (bool, True), (int, 1), (float, 1.0), (str, "1"), (type(None), None), (type(None), None),
    ]  # fmt: skip


def test_drift_of_counts_lies_within_what_whole_columns_show() -> None:
    rng = np.random.default_rng(3)
    before = {"x": rng.normal(size=4000).tolist()}
    words = {"c": rng.choice(["a", "b", "d"], 4000, p=[0.5, 0.3, 0.2]).tolist()}
    bins = fit_bins(before, words)
    x, c = rng.normal(0.3, 1.0, 2000), rng.choice(["a", "b", "new"], 2000, p=[0.4, 0.3, 0.3])
    x[:500], x[500:700], x[700:1000] = np.nan, -9.0, 9.0
    from shipworthy.profile.binned import CategoryCells, NumberCells

    cells = (*NumberCells(bins.numbers[0]).count(x).tolist(), *CategoryCells(bins.categories[0]).count(c).tolist())
    number, category = drifts(cells, bins)
    exact = numbers_apart([None if np.isnan(one) else one for one in x.tolist()], before["x"])
    assert exact.seen - 1 / 32 <= number.seen <= exact.seen
    assert number.lo <= exact.excess <= number.hi
    assert category.seen == pytest.approx(categories_apart(c.tolist(), words["c"]).seen)
    assert category.outside == int((c == "new").sum())
    assert (number.empty, number.outside) == (500, 500)
    window = _window(0, cells=cells, reference=bins.fingerprint())
    judged = input_drift(window, bins, 0.95, 0, 60)
    assert judged.method.startswith("c, worst of 2") == (category.excess > number.excess)
    assert judged.lo is not None and judged.value is not None and judged.hi is not None  # noqa: PT018
    assert judged.lo <= judged.value <= judged.hi
    assert (
        input_drift(_window(0, cells=(0,) * len(cells), reference=bins.fingerprint()), bins, 0.95, 0, 60).value is None
    )


def test_scores_that_did_not_move_are_no_drift_and_none_are_no_data() -> None:
    same = (10,) * 60
    assert score_drift(_window(0, scores=same), same, 0.95, 0, 60).value == 0.0
    assert score_drift(_window(0), same, 0.95, 0, 60).value is None


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=1, unique_by=lambda one: one[0]),
    st.integers(-1, 21),
    st.integers(-1, 21),
)
def test_a_sum_over_a_stretch_is_that_of_its_parts(given_: list[tuple[int, int]], start: int, end: int) -> None:
    windows = [_window(minute, n=n, scores=(n,) + (0,) * 59) for minute, n in given_]
    inside = sorted((one for one in windows if start <= one.minute < end), key=lambda one: one.minute)
    total = Series(windows).total(start, end)
    if not inside:
        assert total is None
        return
    expected = inside[0]
    for one in inside[1:]:
        expected = added(expected, one)
    assert total is not None
    assert (total.n, total.scores, total.minute) == (expected.n, expected.scores, expected.minute)


def test_what_stays_breached_pages_once_and_a_gap_between_pages_again() -> None:
    hours = Every(kind="minutes", length=60)
    states = {0: "breached", 60: "breached", 120: "met", 180: "breached", 300: "breached", 360: "undecided"}
    told = pages([_verdict(minute, outcome) for minute, outcome in states.items()], hours)
    assert [(one.at, one.until, one.periods) for one in told] == [("0", "60", 2), ("180", "180", 1), ("300", "300", 1)]
    assert pages([_verdict(0, "breached", trial=True)], hours) == ()


def test_rates_of_groups_and_the_suppression_of_small_ones() -> None:
    labels = LabelSummary(
        version="1", arm="logged", tenant="*", segment="sex=F", minute=0,
        n=(30,) + (0,) * 58 + (70,), positives=(6,) + (0,) * 58 + (56,),
    )  # fmt: skip
    assert chances(labels, "error_rate") == (6 + 14, 100)
    assert chances(labels, "false_negative_rate") == (6, 62)
    assert chances(labels, "false_positive_rate") == (14, 38)
    assert chances(labels, "selection_rate") == (70, 100)
    few = LabelSummary(
        version="1", arm="logged", tenant="*", segment="sex=M", minute=0, n=(19,) + (0,) * 59,
    )  # fmt: skip
    told = group_rates({"sex": {"sex=F": labels, "sex=M": few}})
    assert next(one.value for one in told if one.group == "sex=F") == pytest.approx(0.2)
    assert {(one.n, one.value, one.lo) for one in told if one.group == "sex=M"} == {(None, None, None)}


def test_a_gap_of_a_log_is_the_gap_of_live_traffic() -> None:
    def labels(group: str, low: int, high: int) -> LabelSummary:
        return LabelSummary(
            version="1", arm="logged", tenant="*", segment=f"sex={group}", minute=0,
            n=(200,) + (0,) * 58 + (150,), positives=(low,) + (0,) * 58 + (high,),
        )  # fmt: skip

    told = {"F": (20, 100), "M": (80, 140), "X": (5, 90)}
    groups = {group: labels(group, *counts) for group, counts in told.items()}
    asked = Matured(Scope(model="", version="1"), 0, 60, 60, level=0.9)
    slo = Slo(
        name="gap",
        indicator="subgroup_gap",
        metric="error_rate",
        objective="nobody fares worse",
        target=Target(op="<=", value=0.1),
        window="24h",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=Clause.ALIGNMENT,
        min_samples=100,
    )
    found, why = subgroup_gap(slo, {"sex": {f"sex={name}": one for name, one in groups.items()}}, asked)
    seen = {f"sex={name}": Seen((one,), ()) for name, one in groups.items()}
    assert (found, why) == (live_gap(seen, ["sex"], "error_rate", asked)[0], "")
    assert found is not None
    assert found.value == pytest.approx((80 + 10) / 350 - (5 + 60) / 350)
    assert subgroup_gap(replace(slo, metric="auto_error_rate"), {"sex": groups}, asked)[0] is None
    assert subgroup_gap(slo, {}, asked)[0] is None


def test_types_are_read_off_a_reference() -> None:
    rows: list[dict[str, float | int | str | None]] = [
        {
            "age": i % 90,
            "gone": None,
            "kind": "ab"[i % 2],
            "id": f"row-{i}",
            "text": f"it is {i} past {i}",
            "label": 1,
        }
        for i in range(1000)
    ]
    features, left_out = inferred(rows, {"label"})
    assert {one.name: one.type for one in features} == {
        "age": "float", "gone": "float", "kind": "category", "text": "text",
    }  # fmt: skip
    assert left_out == ("id",)


def test_a_csv_is_read_in_chunks_of_whole_lines(tmp_path: pytest.TempPathFactory) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "a.csv"
    path.write_text("a,b\n" + "".join(f"{i},x\n" for i in range(10)) + '"broken\n')
    assert header(path) == ("a", "b")
    parts = list(chunks(path, {"a"}, frozenset(), rows=4))
    assert [one.n for one in parts] == [4, 4, 2]
    assert sum(n for one in parts for n, _ in one.left_out.values()) == 1
    assert np.concatenate([one.columns["a"].numbers()[0] for one in parts if one.n]).tolist() == list(range(10))


def _window(minute: int, **more: object) -> WindowSummary:
    given_ = {"version": "1", "arm": "logged", "tenant": "*", "segment": "*", "minute": minute, "reference": REFERENCE}
    return WindowSummary(**{**given_, **more})  # type: ignore[arg-type]


def _verdict(minute: int, outcome: str, trial: bool = False) -> Verdict:
    return Verdict(
        slo="a", indicator="ood_rate", version="1", segment="*", minute=minute, period=str(minute),
        outcome=Outcome(outcome), because="", n=1, value=None, lo=None, hi=None, target="<= 1", limit=1.0, trial=trial,
    )  # fmt: skip
