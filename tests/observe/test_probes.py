"""Recall by kind, judged at its weakest; a kind that nobody probed is not good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import Measurement
from shipworthy.observe.probes import PLAIN, STRUCTURAL, Row, ood_recall, replay
from shipworthy.stats.bounds import rate_bounds
from tests.observe.made import T0


@dataclass(frozen=True)
class Flag:
    flag: bool


class Detector:
    def score(self, row: Mapping[str, float | int | str | None]) -> Flag:
        return Flag(row["x"] == "odd")


COUNTS = st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def judged(got: tuple[Measurement, ...], indicator: str) -> Measurement:
    (one,) = [each for each in got if each.indicator == indicator and each.part is None]
    return one


def test_a_round_counts_flags_by_kind() -> None:
    rows: dict[str, list[Row]] = {"unit": [{"x": "odd"}, {"x": 1}], "null": [{"x": "odd"}]}
    assert replay(rows, Detector()) == {"unit": (2, 1), "null": (1, 1)}


@given(st.fixed_dictionaries({kind: COUNTS for kind in PLAIN}))
def test_the_least_kind_is_judged_with_the_least_of_everything(one: dict[str, tuple[int, int]]) -> None:
    got = judged(ood_recall([one], T0, T0 + 60), "ood_recall")
    assert got.value == min(hits / n for n, hits in one.values())
    assert got.lo == min(rate_bounds(hits, n)[0] for n, hits in one.values())
    assert got.hi == min(rate_bounds(hits, n)[1] for n, hits in one.values())
    assert got.n == min(n for n, _ in one.values())


@given(st.fixed_dictionaries({kind: COUNTS for kind in PLAIN}), st.sampled_from(PLAIN))
def test_a_plain_kind_without_probes_is_no_number(one: dict[str, tuple[int, int]], lost: str) -> None:
    without = {kind: counts for kind, counts in one.items() if kind != lost}
    got = judged(ood_recall([without], T0, T0 + 60), "ood_recall")
    assert (got.n, got.value, got.lo, got.hi) == (0, None, None, None)


def test_structural_kinds_without_probes_are_listed_and_not_judged() -> None:
    got = ood_recall([{"swap": (100, 70), "hidden_cohort": (60, 2)}], T0, T0 + 60)
    assert judged(got, "ood_recall_structural").value == 2 / 60
    listed = {one.part: one.n for one in got if one.indicator == "ood_recall_structural" and one.part}
    assert listed == {"swap": 100, "hidden_cohort": 60, "shuffle": 0, "incident": 0}
    assert set(listed) == set(STRUCTURAL)
    assert judged(ood_recall([], T0, T0 + 60), "ood_recall_structural").value is None


def test_the_same_rows_again_are_no_new_rows_and_the_worst_round_counts() -> None:
    good, bad = dict.fromkeys(PLAIN, (100, 99)), dict.fromkeys(PLAIN, (100, 40))
    got = judged(ood_recall([good, bad, good], T0, T0 + 180), "ood_recall")
    assert (got.n, got.value) == (100, 0.4)
    assert got.source == "online"
