"""Columns of scores are answered as each row alone, never events included."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.deploy.answer import answer
from shipworthy.deploy.batch.answers import Asked, Flagged, answers
from shipworthy.deploy.batch.table import Table, cells_of
from shipworthy.deploy.limits import UNLIMITED
from shipworthy.facts import NORMAL
from tests.deploy.kit import cut, release
from tests.deploy.test_answer import LIMITED, NEVER, OWN, POSTURE

N = 12
BASE = st.builds(
    lambda fallback, limit: release(fallback=fallback, max_uncertainty=limit),
    st.sampled_from(["baseline", "human_review", "refuse"]),
    st.sampled_from([None, 0.4, 0.5]),
)
VIEWS = ("", "marginal", "covariance", "not_finite", "out_of_range")
CELLS = st.sampled_from([None, 500.0, 50, "much", math.nan, 2**60, True])


def listed(of: st.SearchStrategy[Any], n: int = N) -> st.SearchStrategy[list[Any]]:
    return st.lists(of, min_size=n, max_size=n)


PLACE = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 4), st.booleans())
FEW = st.sampled_from([None, 0.2, 0.3, 0.5, 0.7, 0.9, math.nan])  # so that scores meet edges


@settings(max_examples=300)
@given(
    base=BASE,
    events=NEVER,
    score=listed(FEW),
    own=st.none() | listed(OWN),
    bounds=listed(st.sampled_from([(NORMAL, UNLIMITED)] * 3) | st.tuples(POSTURE, LIMITED), 3),
    cuts=listed(st.sampled_from([None, cut(deny=0.3, approve=0.7), cut(deny=0.5, approve=None)]), 2),
    places=listed(PLACE, 2).flatmap(lambda few: listed(st.sampled_from(few))),
    unsure=listed(st.sampled_from([0.1, 0.4, 0.6, math.nan])),
    amount=listed(CELLS),
)
def test_a_column_is_answered_as_each_row_alone(
    base: Any,
    events: Any,
    score: list[Any],
    own: list[Any] | None,
    bounds: list[Any],
    cuts: list[Any],
    places: list[Any],
    unsure: list[float],
    amount: list[Any],
) -> None:
    held = replace(base, never=events)
    place, bucket, view, flag = (np.array(column) for column in zip(*places, strict=True))
    table = Table(N, {"amount": cells_of(amount)})
    p = np.linspace(0.01, 1.0, N)
    asked = Asked(
        release=held,
        table=table,
        score=np.array([math.nan if one is None else one for one in score]),
        own=None if own is None else cells_of(own),
        place=place,
        bounds=bounds,
        bucket=bucket,
        cuts=cuts,
        p=p,
        view=view,
        views=VIEWS,
        flag=flag.astype(bool),
        uncertainty=np.array(unsure),
        told={"tenant": "acme", "version": "2", "arm": "candidate"},
    )
    made = answers(asked)
    for row in range(N):
        ood = Flagged(float(p[row]), VIEWS[view[row]], bool(flag[row]))
        alone = answer(
            held,
            score=score[row],
            own=None if own is None else own[row],
            ood=ood,
            cut=cuts[bucket[row]],
            uncertainty=None if math.isnan(unsure[row]) else unsure[row],
            posture=bounds[place[row]][0],
            limited=bounds[place[row]][1],
            fields={**table.row(row), "tenant": "acme", "version": "2", "arm": "candidate", "ood_p": ood.p,
                    "ood_flag": ood.flag},
        )  # fmt: skip
        got = made.kinds[made.kind[row]]
        score_, unsure_ = float(made.score[row]), float(made.uncertainty[row])
        mine = (None if math.isnan(score_) else score_, None if math.isnan(unsure_) else unsure_)
        assert mine == (alone.score, alone.uncertainty)
        assert (got.decision, got.route, got.why, got.suggestion, got.violated, got.unknown, got.failed) == (
            alone.decision, alone.route, alone.why, alone.suggestion, alone.violated, alone.unknown, alone.failed,
        )  # fmt: skip
