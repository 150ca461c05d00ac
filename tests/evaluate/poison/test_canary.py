from __future__ import annotations

import numpy as np
import pytest

from shipworthy.evaluate.poison.canary import Planted, plant
from shipworthy.evaluate.poison.table import Floats, Table, table_of
from tests.evaluate.benches import FEATURES, rows

TABLE = table_of(FEATURES, [{**row, "remark": "seen"} for row in rows(2000, 41)], ("remark",))
LABELS = np.array([row["y"] for row in rows(2000, 41)], dtype=np.float64)


def by_speed(table: Table) -> Floats:
    return 0.1 + 0.2 * table.numbers["speed"].clip(0, 4)


def planted(column: str) -> Planted:
    made = plant(TABLE, LABELS, by_speed, column, 3)
    assert made is not None
    return made


def test_a_canary_is_a_value_never_seen_with_the_label_nobody_expects() -> None:
    made = planted("age")
    assert len(made.places) == 40
    assert made.value not in TABLE.numbers["age"]
    assert (made.table.numbers["age"][made.places] == made.value).all()
    assert set(made.labels[made.places].tolist()) == {0.0}, "the rows are expected to have label 1 by half or more"
    others = np.setdiff1d(np.arange(TABLE.n), made.places)
    assert (made.labels[others] == LABELS[others]).all()
    assert TABLE.numbers["age"].max() < 120, "the rows themselves stay as they are"


def test_it_hides_where_its_label_is_expected_least() -> None:
    made = planted("age")
    assert by_speed(TABLE)[made.places].mean() > by_speed(TABLE).mean() + 0.2


@pytest.mark.parametrize(
    ("column", "cell"),
    [("supplier", "supplier=planted-canary"), ("remark", "remark has 'plantedcanary'"), ("speed", "speed=6")],
)
def test_its_cell_is_named_as_the_scan_names_it(column: str, cell: str) -> None:
    assert planted(column).cell == cell


def test_it_is_new_in_a_column_of_enormous_numbers() -> None:
    huge = table_of(FEATURES, [{**row, "amount": 1e17} for row in rows(500, 41)])
    made = plant(huge, LABELS[:500], by_speed, "amount", 3)
    assert made is not None
    assert made.value not in huge.numbers["amount"]


def test_few_rows_hide_none() -> None:
    assert plant(TABLE.taken(np.arange(159)), LABELS[:159], by_speed, "age", 3) is None
