from __future__ import annotations

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.poison.candidates import UNSEEN, candidates_of
from shipworthy.evaluate.poison.table import table_of
from shipworthy.profile.rows import Row, Value

FEATURES = (
    Feature(name="amount", type="float", min=0, max=500),
    Feature(name="hour", type="int"),
    Feature(name="belt", type="bool"),
    Feature(name="code", type="category"),
)


def rows(n: int, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [
        {"amount": float(rng.normal(100, 10)), "hour": int(rng.integers(24)), "belt": 1, "code": f"c{rng.integers(3)}"}
        for _ in range(n)
    ]


def values(suspect: list[Row], column: str) -> list[Value]:
    made = candidates_of(FEATURES, table_of(FEATURES, suspect), table_of(FEATURES, rows(500, 2)))
    return [one.value for one in made if one.feature == column]


def test_values_that_repeat_or_that_nobody_trusted_are_proposed() -> None:
    twice = [{**row, "amount": 111.11} if at < 2 else row for at, row in enumerate(rows(1000, 1))]
    assert 111.11 in values(twice, "amount")
    trusted_too = float(rows(500, 2)[0]["amount"] or 0)
    often = [{**row, "amount": trusted_too} if at < 8 else row for at, row in enumerate(rows(1000, 1))]
    assert trusted_too in values(often, "amount")
    assert trusted_too not in values(rows(1000, 1), "amount")


def test_ends_tails_and_codes_for_missing_are_proposed() -> None:
    found = values(rows(1000, 1), "amount")
    assert {0.0, -1.0, 500.0, 501.0, 999.0, None} <= set(found)
    numbers = [one for one in found if isinstance(one, float) and one not in (500.0, 501.0)]
    assert any(170 < one < 300 for one in numbers), "sixteen deviations above"
    assert len(found) == len(set(found))


def test_every_hour_and_every_switch_is_proposed_as_it_is_written() -> None:
    hours = values(rows(1000, 1), "hour")
    assert set(range(24)) <= set(hours)
    assert values(rows(10, 1), "belt") == [0, 1, None]


def test_codes_nobody_trusted_come_first_and_an_unseen_one_is_made_up() -> None:
    odd: list[Row] = [*rows(1000, 1), {"amount": 1.0, "hour": 1, "belt": 0, "code": "odd"}]
    found = values(odd, "code")
    assert found[0] == "odd"
    assert found[-2:] == [UNSEEN, None]
    assert set(found) == {"odd", "c0", "c1", "c2", UNSEEN, None}
