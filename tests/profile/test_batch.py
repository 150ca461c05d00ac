"""Many rows at once are scored as each is alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.errors import UsageError
from shipworthy.profile import batch
from shipworthy.profile.batch import TOLD, BatchScorer, Scored
from shipworthy.profile.columns import Coded, columns_of
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.score import OodScore, Scorer
from tests.messages import messages
from tests.profile.tables import FEATURES, rows

TEXT = Feature(name="text", type="text", max=160)


def worded(n: int, seed: int) -> list[dict[str, Value]]:
    """Rows of the table with a text each."""
    texts = [row["text"] for row in messages(n, seed)]
    return [{**row, "text": str(text)} for row, text in zip(rows(n, seed), texts, strict=True)]


def clouded(n: int, seed: int) -> list[dict[str, Value]]:
    """Rows of several clouds, so that the profile has centres."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 3, n)
    x, y = rng.normal(size=n) + 9.0 * (at == 1), rng.normal(size=n) + 9.0 * (at == 2)
    return [{"amount": float(a), "paid": float(b), "colour": "rgb"[c]} for a, b, c in zip(x, y, at, strict=True)]


PROFILES = {
    "table": fit_profile(FEATURES, rows(1200, 1), rows(600, 2)),
    "numbers": fit_profile(FEATURES[:2], rows(400, 1), rows(600, 2)),
    "words": fit_profile(FEATURES[6:], rows(400, 1), rows(600, 2)),
    "texts": fit_profile((*FEATURES[:2], TEXT, FEATURES[6]), worded(300, 1), worded(400, 2)),
    "clouds": fit_profile(
        (Feature(name="amount", type="float"), Feature(name="paid", type="float"), FEATURES[6]),
        clouded(900, 1),
        clouded(400, 2),
    ),
}
NAMES = [*(one.name for one in FEATURES), "text"]
cell = st.one_of(
    st.none(),
    st.integers(-120, 120),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=4),
    st.sampled_from(["P01", "P42", "red", "", "nan", 3.0, 9e299, 10**400, math.nextafter(1.0, 2.0)]),
)
ORDINARY = {"clouds": clouded(300, 5), "texts": worded(300, 5)}


def alone(scored: Scored, features: tuple[str, ...], at: int) -> OodScore:
    """One entry of a batch, as one row is told."""
    feature = int(scored.feature[at])
    return OodScore(
        p=float(scored.p[at]),
        view=TOLD[scored.view[at]],
        feature=features[feature] if feature >= 0 else "",
        flag=bool(scored.flag[at]),
    )


def same(one: Scored, other: Scored) -> bool:
    """True when every entry of every array is."""
    return [column.tolist() for column in one] == [column.tolist() for column in other]


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(sorted(PROFILES)),
    st.lists(st.tuples(st.integers(0, 299), st.dictionaries(st.sampled_from(NAMES), cell, max_size=3)), max_size=6),
)
def test_a_row_in_a_batch_is_told_to_the_last_bit_as_it_is_alone(
    name: str, changed: list[tuple[int, dict[str, Value]]]
) -> None:
    one, many = Scorer(PROFILES[name]), BatchScorer(PROFILES[name])
    ordinary = ORDINARY.get(name) or rows(300, 5)
    asked: list[Row] = [{**ordinary[at], **change} for at, change in changed]
    got = many.score_rows(asked)
    wanted = [one.score(row) for row in asked]
    assert [alone(got, many.features, at) for at in range(len(asked))] == [
        OodScore(p=seen.p, view=seen.view, feature=seen.feature, flag=seen.flag) for seen in wanted
    ]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_chunks_make_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    many, asked = BatchScorer(PROFILES[name]), ORDINARY.get(name) or rows(300, 5)
    whole = many.score_rows(asked)
    monkeypatch.setattr(batch, "CHUNK", 77)
    parts = many.score_rows(asked)
    assert same(whole, parts)


def test_a_flag_and_a_whole_number_are_two_categories_though_python_calls_them_equal() -> None:
    flat: list[Row] = [{"colour": 1}, {"colour": 0}] * 200
    profile = fit_profile(FEATURES[6:], flat, flat)
    asked: list[Row] = [{"colour": 1}, {"colour": True}, {"colour": 1.0}, {"colour": "1"}]
    one, many = Scorer(profile), BatchScorer(profile)
    assert many.score_rows(asked).flag.tolist() == [one.score(row).flag for row in asked] == [False, True, False, False]
    assert many.score({"colour": np.array([1, 0, 7])}).flag.tolist() == [False, False, True]


def test_columns_are_arrays_with_nan_for_what_is_missing() -> None:
    many, asked = BatchScorer(PROFILES["table"]), rows(200, 6)
    columns = {
        "age": np.array([row["age"] for row in asked], dtype=np.float64),
        "note": np.array([row["note"] for row in asked], dtype=np.float64),
        "supplier": np.array([row["supplier"] for row in asked]),
        "colour": np.array([row["colour"] for row in asked], dtype=object),
        **{name: np.array([row[name] for row in asked], dtype=np.float64) for name in ("amount", "paid", "belt")},
        "unknown to the model": np.zeros(3),
    }
    got, wanted = many.score(columns), many.score_rows(asked)
    assert same(got, wanted)
    columns["colour"][:2] = [math.nan, None]
    assert [TOLD[view] for view in many.score(columns).view[:2]] == ["missing", "missing"]


def test_a_coded_column_is_the_same_as_its_cells() -> None:
    many, asked = BatchScorer(PROFILES["table"]), rows(200, 6)
    asked[3]["supplier"], asked[4]["supplier"] = "P99", None
    columns = columns_of(many.profile, asked)
    values = sorted({str(row["supplier"]) for row in asked if row["supplier"]})
    codes = np.array([values.index(str(row["supplier"])) if row["supplier"] else -1 for row in asked])
    assert same(many.score({**columns, "supplier": Coded(values, codes)}), many.score_rows(asked))
    texts, read = BatchScorer(PROFILES["texts"]), worded(3, 6)
    columns = columns_of(texts.profile, read)
    in_one = Coded([row["text"] for row in read], np.array([0, 1, 2]))
    assert same(texts.score({**columns, "text": in_one}), texts.score_rows(read))


def test_edges_and_words_that_are_no_number_are_told_as_alone() -> None:
    one, many = Scorer(PROFILES["table"]), BatchScorer(PROFILES["table"])
    edges = [edge for number in PROFILES["table"].numbers if number.name == "amount" for edge in number.edges]
    asked: list[Row] = [{**rows(1, 5)[0], "amount": edge} for edge in edges]
    asked.append({**rows(1, 5)[0], "colour": math.nan})
    assert many.score_rows(asked).p.tolist() == [one.score(row).p for row in asked]
    assert TOLD[many.score_rows(asked).view[-1]] == one.score(asked[-1]).view == "unseen_category"
    number = many._exactly[1]  # "amount"
    quick = many._quickly[1]
    for edge in edges:
        calm_rows = quick(np.array([edge]))[0]
        surprise = number(np.array([edge]))[1][0]
        assert calm_rows.size or surprise <= many._calm


def test_a_column_that_is_not_given_is_empty() -> None:
    many = BatchScorer(PROFILES["table"])
    columns = columns_of(many.profile, rows(5, 1))
    del columns["note"]
    assert set(many.score(columns).view.tolist()) <= {TOLD.index("covariance"), TOLD.index("marginal")}
    del columns["age"]
    told = many.score(columns)
    assert told.flag.all()
    assert {many.features[at] for at in told.feature} == {"age"}


def test_no_rows_give_no_scores_and_uneven_columns_none_at_all() -> None:
    many = BatchScorer(PROFILES["table"])
    assert many.score_rows([]).p.shape == (0,)
    for columns in ({"age": np.zeros(3), "paid": np.zeros(2)}, {"other": np.zeros(3)}):
        with pytest.raises(UsageError, match="columns of"):
            many.score(columns)
