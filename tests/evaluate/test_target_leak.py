from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.target_leak import run_case
from shipworthy.facts import CaseResult
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import FEATURES, bench, case, rows

N = 3000


def judged(made: Sequence[Row], **given: object) -> CaseResult:
    on = bench(features=FEATURES, datasets={"train": made})
    return run_case(
        case(generator={"name": "target_leak", **given}, metric="leaking_columns", op="==", target=0.0), on, 1
    ).result


def with_column(name: str, ones: Sequence[Value], zeros: Sequence[Value]) -> list[Row]:
    rng = np.random.default_rng(2)
    return [
        {**row, name: (ones if row["y"] else zeros)[int(rng.integers(len(ones if row["y"] else zeros)))]}
        for row in rows(N, 51)
    ]


def test_honest_columns_leak_nothing_and_the_most_telling_is_named() -> None:
    found = judged([*rows(N, 51)])
    assert (found.status, found.value) == ("pass", 0.0)
    assert "most telling speed" in found.because


@pytest.mark.parametrize(
    ("ones", "zeros"),
    [
        ([5.0, 6.0], [1.0, 2.0]),
        ([1.0, 2.0], [5.0, 6.0]),
        ([3.0], [1.0, 2.0, 4.0, 5.0]),
        ([None], [1.0, 2.0]),
        (["paid", "settled"], ["closed", "void"]),
    ],
    ids=["upwards", "downwards", "in the middle", "empty", "codes"],
)
def test_a_column_that_gives_the_label_away_is_found_however_it_does(
    ones: Sequence[Value], zeros: Sequence[Value]
) -> None:
    made = with_column("settlement", ones, zeros)
    found = judged(made, columns=["settlement"])
    assert (found.status, found.value) == ("fail", 1.0)
    assert found.worst[0].told.startswith("settlement alone explains the label")
    assert judged(made).status == "pass", "a column nobody named is not looked at"


def test_a_feature_is_looked_at_without_being_named() -> None:
    made = [{**row, "paid": 400.0 if row["y"] else 3.0} for row in rows(N, 51)]
    assert judged(made).worst[0].told.startswith("paid alone")


def test_names_that_never_repeat_tell_nothing() -> None:
    """Their mean label is learnt on other folds, where they do not occur."""
    made = [{**row, "ticket": f"t{at}"} for at, row in enumerate(rows(N, 51))]
    assert judged(made, columns=["ticket"]).status == "pass"


def test_a_column_on_both_sides_of_the_limit_is_not_waved_through() -> None:
    made = with_column("hint", [1.0] * 59 + [0.0], [0.0] * 59 + [1.0])
    found = judged(made, columns=["hint"])
    assert found.status == "inconclusive"
    assert "between the bounds: hint" in found.because
    assert judged(made, columns=["hint"], most=0.9).status == "fail"


def test_too_few_rows_to_prove_a_leak_cannot_show_its_absence() -> None:
    found = judged([*rows(100, 51)])
    assert found.status == "inconclusive"
    assert "copy of the label" in found.because


def test_a_column_that_no_row_has_is_an_error() -> None:
    with pytest.raises(ContractError, match="no column 'passport'"):
        judged([*rows(N, 51)], columns=["passport"])


def test_rows_of_one_class_decide_nothing() -> None:
    assert judged([{**row, "y": 1} for row in rows(N, 51)]).status == "inconclusive"


def test_further_columns_do_not_become_features() -> None:
    assert Feature(name="ticket", type="category") not in bench().features
