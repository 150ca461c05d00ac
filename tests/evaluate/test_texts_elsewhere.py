"""What the evaluators of tables do with a text: they leave it alone and say so, or refuse the case."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate import direction, faulty_cells, feasible_flip, lift_scan, membership
from shipworthy.evaluate.feasible import Space
from shipworthy.evaluate.poison.cells import cuts_of
from shipworthy.evaluate.poison.surrogate import Surrogate
from shipworthy.evaluate.poison.table import table_of
from shipworthy.profile.probes import UNSEEN, probe
from shipworthy.profile.rows import Row
from tests.evaluate.benches import case
from tests.evaluate.texts import TEXT, Asked, bench, no_prize, rows

AMOUNT = Feature(name="amount", type="float", mutable="yes", min=0, max=100)
BOTH = (TEXT, AMOUNT)
GIVEN: list[Row] = [
    {"text": f"{'won a prize' if at % 2 else 'my invoice'} {at}", "amount": float(at % 97), "y": 1 - at % 2}
    for at in range(400)
]


def test_a_text_never_changes_in_the_space_of_tables() -> None:
    space = Space(BOTH, (), GIVEN)
    assert [block.name for block in space.blocks] == ["amount"]
    start = space.encode(GIVEN[:3])
    assert np.isnan(start[:, 0]).all()
    moved = space.project(space.encode(GIVEN[50:53]), start)
    for at in range(3):
        assert space.decode(moved[at], start[at], GIVEN[at])["text"] == GIVEN[at]["text"]
    assert not space.valid(GIVEN[0], {**GIVEN[0], "text": "another"})
    assert not space.valid({**GIVEN[0], "text": 5}, {**GIVEN[0], "text": 6})
    assert space.valid(GIVEN[0], {**GIVEN[0], "amount": 3.0})


def test_a_text_that_spells_a_number_is_no_number() -> None:
    spelled: list[Row] = [{**row, "text": at} for at, row in enumerate(GIVEN)]
    assert np.isnan(Space(BOTH, (), spelled).encode(spelled)[:, 0]).all()


def test_the_attack_on_tables_has_nothing_to_change_in_a_text() -> None:
    one = case(generator={"name": "nearest_flip"}, metric="feasible_flip_rate", among="true")
    shown = feasible_flip.run_case(one, bench(no_prize, GIVEN), 3)
    assert shown.result.status == "inconclusive"


def test_texts_make_no_cells_and_the_scan_of_values_works_beside_them() -> None:
    table = table_of(BOTH, GIVEN)
    assert {cut.column for cut in cuts_of(table, table.n)} == {"amount"}
    labels = np.array([row["y"] for row in GIVEN], dtype=np.float64)
    assert Surrogate(table, labels).features == (AMOUNT,)


def test_texts_alone_are_scanned_by_their_words() -> None:
    one = case(generator={"name": "lift_scan"}, metric="backdoor_findings", among="true", op="==", target=0)
    approved: list[Row] = [{**row, "text": f"{row['text']} again"} for row in GIVEN]
    on = bench(no_prize, GIVEN, datasets={"test": GIVEN, "train": GIVEN, "calibration": approved})
    shown = lift_scan.run_case(one, on, 3)
    assert (shown.result.status, shown.result.value) == ("pass", 0.0)
    assert "in text, on more than two neighbouring words" in shown.result.because
    assert shown.measurements[0].value == 0.0


def test_no_score_rises_with_a_text() -> None:
    one = case(generator={"name": "monotone", "feature": "text"}, hits="fell", among="true")
    with pytest.raises(ContractError, match="needs number"):
        direction.monotone(one, bench(no_prize, GIVEN), 3)


def test_a_hidden_text_is_a_missing_one() -> None:
    asked = Asked(no_prize)
    one = case(generator={"name": "hide_feature", "feature": "text"}, hits="score == 0", among="true")
    found = faulty_cells.hide_feature(one, bench(asked, GIVEN), 3).result
    assert asked.texts == []
    assert found.bits == "?" * 400


def test_membership_is_asked_of_texts_as_of_anything() -> None:
    one = case(generator={"name": "membership"}, metric="membership_tpr", among="true", target=0.1)
    trained: list[Row] = [{**row, "text": f"{row['text']} again"} for row in GIVEN]
    on = bench(no_prize, GIVEN, datasets={"test": GIVEN, "train": trained})
    assert membership.run_case(one, on, 3).measurements[0].n == 200


def test_a_model_is_asked_texts_as_they_were_sent() -> None:
    asked = Asked(no_prize, at=1)
    on = bench(asked, GIVEN, features=(AMOUNT, TEXT))
    given: list[str | int | None] = [" Two  blanks ", 72, "\u200b", None]
    scores, _ = on.ask([{"text": text, "amount": 1.0} for text in given])
    assert asked.texts == [" Two  blanks ", "72"]
    assert [score is None for score in scores] == [False, False, True, True]


def test_an_unseen_text_is_one_of_words_that_nobody_knows() -> None:
    rng = np.random.default_rng(1)
    made = probe("unseen", {"text": "Hello, my 2 friends!"}, (TEXT,), rng)
    assert made is not None
    said = str(made["text"])
    assert [len(part) for part in said.split()] == [6, 2, 1, 8]
    assert said[5] == ","
    assert not set(said) & set("aeiouHf2")
    assert str(probe("unseen", {"text": "..."}, (TEXT,), rng)["text"]).startswith(UNSEEN)  # type: ignore[index]
    assert probe("unseen", {"text": ""}, (TEXT,), rng) is None
    assert probe("sentinel", {"text": 5}, (TEXT,), rng) is None
    assert probe("null", {"text": "a"}, (TEXT,), rng) == {"text": None}
    assert rows(["a"], [1])[0]["text"] == "a"
