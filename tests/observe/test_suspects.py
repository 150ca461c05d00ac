"""An honest source is doubted no more often than stated, a poisoner soon, and too little is never a reason."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shipworthy.contract.manifest import Decisions
from shipworthy.facts import FIXED, Receipt
from shipworthy.observe.suspects import (
    ALPHA,
    LEAST,
    MARGIN,
    MOST_LOOKS,
    Counts,
    contradicts,
    is_due,
    is_suspect,
    same_hours,
)

WORDS = Decisions()


def receipt(route: str = "machine", decision: str = "deny", score: float | None = 0.1) -> Receipt:
    q = -1 if score is None else round(score * FIXED)
    return Receipt(
        request="r", version="1", tenant="acme", segments=(), minute=0, score_bin=0, score_q=q, arm="baseline",
        route=route, decision=decision,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "label", "against"),
    [
        (receipt(), 1, True),
        (receipt(), 0, False),
        (receipt(decision="approve"), 0, True),
        (receipt(decision="approve"), 1, False),
        (receipt("person", "review", 0.2), 1, True),
        (receipt("person", "review", 0.5), 1, False),
        (receipt("person", "review", None), 1, None),
        (receipt("refused", "", None), 1, None),
    ],
)
def test_what_a_label_contradicts(one: Receipt, label: int, against: bool | None) -> None:
    assert contradicts(one, label, WORDS) is against


def test_looks_come_at_twice_as_many_labels_each_time() -> None:
    due = [n for n in range(1, 1000) if is_due(n, sum(n > LEAST << k for k in range(5)))]
    assert due == [50, 100, 200, 400, 800]
    assert not is_due(10**12, MOST_LOOKS)
    assert sum(ALPHA / ((k + 1) * (k + 2)) for k in range(MOST_LOOKS)) < ALPHA


def test_only_hours_that_both_labelled_are_compared() -> None:
    mine = {1: Counts(10, 5), 2: Counts(10, 10)}
    own, rest = same_hours(mine, [{1: Counts(20, 1), 3: Counts(9, 9)}, {1: Counts(5, 1)}])
    assert (own, rest) == (Counts(10, 5), Counts(25, 2))
    assert same_hours(mine, []) == (Counts(), Counts())


@given(st.integers(0, LEAST - 1), st.integers(0, 10**4))
def test_too_little_of_either_is_no_reason(few: int, many: int) -> None:
    assert is_suspect(Counts(few, few), Counts(many + LEAST, 0), 0) is None
    assert is_suspect(Counts(many + LEAST, many + LEAST), Counts(few, 0), 0) is None


@given(st.integers(50, 400), st.integers(0, 400), st.integers(50, 400), st.integers(0, 400), st.integers(0, 9))
def test_who_contradicts_less_is_never_more_suspect(n: int, k: int, m: int, j: int, look: int) -> None:
    k, j = min(k, n), min(j, m)
    if is_suspect(Counts(n, k), Counts(m, j), look):
        assert k / n > j / m + MARGIN
        assert is_suspect(Counts(n, min(n, k + 1)), Counts(m, max(0, j - 1)), look)


def test_the_bounds_are_those_of_the_published_table_method() -> None:
    """Clopper & Pearson by beta quantiles of scipy, at the level of the first look."""
    alpha = ALPHA / 4
    for n, k, m, j in ((50, 30, 500, 50), (50, 22, 500, 50), (200, 70, 200, 20), (100, 45, 100, 10)):
        low = stats.beta.ppf(alpha, k, n - k + 1)
        high = stats.beta.ppf(1 - alpha, j + 1, m - j)
        assert is_suspect(Counts(n, k), Counts(m, j), 0) is bool(low > high + MARGIN)


@cache
def judged(n: int, k: int, m: int, j: int, look: int) -> bool:
    return bool(is_suspect(Counts(n, k), Counts(m, j), look))


def doubted(own: float, others: float, runs: int, looks: int, seed: int) -> np.ndarray:
    """Return at which look each run was doubted; `looks` where it never was."""
    drawn = np.random.default_rng(seed)
    at = np.full(runs, looks)
    for run in range(runs):
        k = j = n = m = 0
        for look in range(looks):
            more = (LEAST << look) - n
            k, j = k + int(drawn.binomial(more, own)), j + int(drawn.binomial(4 * more, others))
            n, m = n + more, m + 4 * more
            if judged(n, k, m, j, look):
                at[run] = look
                break
    return at


def test_an_honest_source_is_doubted_no_more_often_than_stated() -> None:
    """3,000 runs of seven looks (3,200 labels) each: at the very margin, and with the same rate as the others'."""
    runs = 3000
    for own, others in ((0.10 + MARGIN, 0.10), (0.30 + MARGIN, 0.30)):
        false = int((doubted(own, others, runs, 7, 1) < 7).sum())
        assert false <= stats.binom.ppf(0.999, runs, ALPHA), (own, others, false)
    assert (doubted(0.10, 0.10, runs, 7, 2) == 7).all()
    assert (doubted(0.15, 0.10, runs, 7, 3) == 7).all()


def test_a_source_that_turns_labels_around_is_doubted_at_the_first_looks() -> None:
    all_turned = doubted(0.90, 0.10, 300, 7, 4)
    half_turned = doubted(0.50, 0.10, 300, 7, 5)
    assert (all_turned == 0).all()
    assert (half_turned <= 2).mean() > 0.95  # within 200 labels
