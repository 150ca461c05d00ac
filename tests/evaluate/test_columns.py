from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.columns import Table, encoded, table_of, tell, tell_answered
from shipworthy.evaluate.metered import Metered, Remembering
from shipworthy.evaluate.rows_case import run_case
from shipworthy.evaluate.run.engine import known_answers
from shipworthy.expr import compile_expr
from tests.evaluate.benches import bench, case

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "b", "1"]),
    st.sampled_from([0.0, 1.0, -1.5, float("nan"), float("inf")]),
)  # fmt: skip
ROWS = st.lists(st.dictionaries(st.sampled_from(["x", "y", "kind"]), CELLS), max_size=12)
TEXTS = (
    "x > 0",
    "x == y",
    "x > 0 and kind in ('a', '1')",
    "not (x + y > 1) or kind == 'b'",
    "x / y >= 1",
    "x == true",
    "absent > 3",
    "true",
    "kind != 'a' and absent == 1",
)


@given(rows=ROWS, text=st.sampled_from(TEXTS))
def test_by_column_an_expression_says_of_every_row_what_it_says_of_it_alone(
    rows: list[dict[str, object]], text: str
) -> None:
    one = compile_expr(text)
    table = Table(rows)  # type: ignore[arg-type]
    assert tell(one, {name: table.column(name) for name in one.names}, len(rows)) == [one(row) for row in rows]


@given(cells=st.lists(CELLS, max_size=30))
def test_codes_give_back_the_very_cells(cells: list[object]) -> None:
    found = encoded(cells)
    for code, cell in zip(found.codes, cells, strict=True):
        assert found.values[code] is cell or (found.values[code] == cell and type(found.values[code]) is type(cell))


def test_an_expression_is_told_once_per_combination() -> None:
    rows = [{"x": at % 3, "y": at % 5} for at in range(3000)]
    seen: list[object] = []
    one = compile_expr("x > y")
    run = one._run

    def counting(values: object) -> object:
        seen.append(values)
        return run(values)  # type: ignore[arg-type]

    one._run = counting
    table = Table(rows)
    assert tell(one, {"x": table.column("x"), "y": table.column("y")}, 3000) == [row["x"] > row["y"] for row in rows]
    assert len(seen) == 15


@pytest.mark.parametrize("segment", ["*", "sex=f", "supplier=P01,P02"])
@pytest.mark.parametrize(
    ("hits", "among"),
    [
        ("decision == 'auto_deny'", "label == 1"),
        ("score > 0.5", "speed >= 2 and label == 1"),
        ("route == 'person' and uncertainty > 0.2", "true"),
        ("ood", "bucket == '*'"),
        ("no_such > 1", "true"),
    ],
)
def test_a_case_shows_the_same_by_row_and_by_table(hits: str, among: str, segment: str) -> None:
    one = case(hits=hits, among=among, where="age >= 40 and speed != 1", segment=segment, op=">=", target=0.4)
    here = bench()
    plain = run_case(one, here, 5).result
    known, problem = known_answers(here, [one])
    assert problem is None
    remembering = Remembering(here.model, known)
    meter = Metered(remembering)
    for _ in range(2):  # the second time from what the first has left
        fast = run_case(one, replace(here, model=meter, charge=meter.charge, known=remembering), 5).result
        assert fast == plain
    assert meter.asked == 2 * len(plain.bits)
    assert msgspec.structs.asdict(fast)["worst"] == plain.worst


def test_answers_are_told_like_their_names() -> None:
    here = bench()
    seen = answer(here, here.rows("test")[:300], with_ood=True)
    for text in ("decision == 'auto_deny' and uncertainty > 0.30", "ood or speed == 4", "label == 1", "absent > 1"):
        one = compile_expr(text)
        assert tell_answered(one, seen) == [one(each.named()) for each in seen]


def test_the_answers_names_lie_over_the_columns_of_a_row() -> None:
    misled = [{**row, "decision": "auto_approve", "score": 0.0} for row in bench().rows("test")[:200]]
    here = bench(datasets={"test": misled})
    one = compile_expr("decision == 'auto_approve' and score < 0.2")
    told = table_of(here, "test").told(here, one)
    assert told.tolist() == [int(bool(one(each.named()))) for each in answer(here, misled)]
    assert told.sum() == 0


def test_a_table_is_made_once_and_places_are_those_of_the_filter() -> None:
    here = bench()
    table = table_of(here, "test")
    assert table_of(replace(here, seed=9), "test") is table
    rows = here.rows("test")
    found = table.places(here, "speed == 3", "*")
    assert found.tolist() == [at for at, row in enumerate(rows) if row["speed"] == 3]
    assert isinstance(found, np.ndarray)
