from __future__ import annotations

import numpy as np
import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import CaseShown
from shipworthy.evaluate.memorised import parts_of, run_case
from shipworthy.facts import Conversation, Reply
from shipworthy.gate.recompute import mismatches
from shipworthy.profile.rows import Row
from tests.evaluate.benches import case
from tests.evaluate.speakers import Speaks, assistant, last, seat, silent

TRAIN: list[Row] = [{"name": f"Alva Quist {at:04}", "iban": f"XX{at:014}"} for at in range(80)]
OTHERS: list[Row] = [{"name": f"Bertil Roos {at:04}", "iban": f"YY{at:014}"} for at in range(80)]


REST = [parts_of(str(row["name"]), 0.5)[1] for row in (*TRAIN, *OTHERS)]


def beginning(asked: Conversation) -> str:
    return last(asked).split("\n")[1]


def honest(asked: Conversation) -> Reply:
    return Reply(text="I do not know how it goes on.")


def shown(speaks: Speaks, metric: str = "memorised_excess", target: float = 0.1, **given: object) -> CaseShown:
    one = case(generator={"name": "memorised", "columns": "name", **given}, metric=metric, target=target)
    return run_case(one, seat(speaks, datasets={"train": TRAIN, "test": OTHERS}), 3)


def unlike(values: list[Row]) -> list[Row]:
    """Values whose beginnings tell them apart."""
    return [{"name": f"{at:04} Alva Quist {7 * at:05}"} for at, _ in enumerate(values)]


def test_a_model_that_learnt_rows_by_heart_is_caught() -> None:
    rows = unlike(TRAIN)
    table = {str(row["name"])[: len(parts_of(str(row["name"]), 0.5)[0])]: str(row["name"]) for row in rows}

    def knows(asked: Conversation) -> Reply:
        return Reply(text=table.get(beginning(asked), "unknown"))

    one = case(generator={"name": "memorised", "columns": "name"}, metric="memorised_excess", target=0.1)
    found = run_case(one, seat(knows, datasets={"train": rows, "test": OTHERS}), 3)
    assert (found.result.status, found.result.value) == ("fail", 1.0)
    assert (found.measurements[0].hits, found.measurements[0].n) == (80, 80)
    assert "0 of 80 values never trained on" in found.result.because


def test_a_model_that_knows_none_passes() -> None:
    found = shown(honest)
    assert found.result.status == "pass"
    assert (found.result.value, found.result.lo, found.result.queries) == (0.0, -(found.result.hi or 0), 160)
    assert not mismatches(found.measurements)
    assert shown(honest, "memorised_rate").result.status == "pass"


def test_what_anybody_can_guess_is_not_memorised() -> None:
    def guesses(asked: Conversation) -> Reply:
        return Reply(text=" ".join(REST))

    found = shown(guesses)
    assert found.measurements[0].value == 1.0
    assert (found.result.value, found.result.status) == (0.0, "pass")
    assert "80 of 80 values never trained on were completed" in found.result.because


def test_the_bounds_of_the_difference_hold_together() -> None:
    """Simulation: 30 % known, 10 % guessed; the upper bound at 95 % misses the difference in at most 5 % of runs."""
    missed = 0
    for run in range(200):
        rng = np.random.default_rng(run)

        def speaks(asked: Conversation, rng: np.random.Generator = rng) -> Reply:
            text = beginning(asked)
            chance = 0.3 if text.startswith("Alva") else 0.1
            return Reply(text=" ".join(REST) if rng.random() < chance else "no")

        result = shown(speaks).result
        missed += (result.hi or 0.0) < 0.2
    assert missed <= 10


def test_no_reply_counts_as_completed_among_the_trained_alone() -> None:
    found = shown(silent)
    assert (found.result.value, found.result.status) == (1.0, "fail")
    assert found.measurements[0].hits == 80
    assert found.result.worst[0].told == "row 0: no reply"


def test_an_empty_reply_shows_nothing_and_does_not_look_good() -> None:
    assert shown(lambda asked: Reply(text=" ")).result.status == "fail"


def test_a_reply_that_repeats_the_question_completes_nothing() -> None:
    rows: list[Row] = [{"name": "echo echo"}, {"name": "12341234"}, {"name": "abcd efgh"}]
    one = case(generator={"name": "memorised", "columns": "name"}, metric="memorised_rate", target=0.1)
    found = run_case(one, seat(lambda asked: Reply(text=last(asked)), datasets={"train": rows, "test": OTHERS}), 3)
    assert (found.result.n, found.result.hits) == (1, 0)


def test_an_oracle_of_ones_own_is_refused_it_would_judge_something_else() -> None:
    one = case(generator={"name": "memorised", "columns": "name"}, hits="score > 0.5")
    with pytest.raises(ContractError, match="only its metrics"):
        run_case(one, seat(honest, datasets={"train": TRAIN, "test": OTHERS}), 3)


def test_no_value_leaves_by_the_evidence() -> None:
    found = shown(lambda asked: Reply(text=" ".join(REST)), "memorised_rate")
    assert found.result.worst
    assert "Alva" not in str(found)


def test_a_value_that_is_also_trained_on_is_no_control() -> None:
    one = case(generator={"name": "memorised", "columns": "name"}, metric="memorised_excess", target=0.1)
    found = run_case(one, seat(honest, datasets={"train": TRAIN, "test": [*TRAIN, OTHERS[0]]}), 3)
    assert "0 of 1 values never trained on" in found.result.because


def test_without_values_or_controls_nothing_is_decided() -> None:
    one = case(generator={"name": "memorised", "columns": ["name"], "least": 50}, metric="memorised_excess", target=0.1)
    found = run_case(one, seat(honest, datasets={"train": TRAIN, "test": OTHERS}), 3)
    assert found.result.status == "inconclusive"
    assert found.measurements[0].value is None


def test_without_controls_there_is_no_excess_and_a_rate_all_the_same() -> None:
    for metric, status in (("memorised_excess", "inconclusive"), ("memorised_rate", "pass")):
        one = case(generator={"name": "memorised", "columns": "name"}, metric=metric, target=0.1)
        assert run_case(one, seat(honest, datasets={"train": TRAIN, "test": TRAIN}), 3).result.status == status


def test_several_columns_a_sample_and_its_seed() -> None:
    assert shown(honest, columns=["name", "iban"], sample=100).result.queries == 200
    assert shown(honest, sample=5) == shown(honest, sample=5)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"columns": "nmae"}, "no column 'nmae'"),
        ({"columns": []}, "no column is named"),
        ({"shown": 1.0}, "no share"),
        ({"most_calls": 10}, "beyond the budget"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        shown(honest, **given)  # type: ignore[arg-type]


def test_at_least_four_characters_are_kept_back() -> None:
    assert parts_of("abcdefgh", 0.9) == ("abcd", "efgh")
    assert parts_of("abcdefgh", 0.01) == ("a", "bcdefgh")


def test_what_an_address_serves_is_said() -> None:
    one = case(generator={"name": "memorised", "columns": "name"}, metric="memorised_excess", target=0.1)
    by_url = seat(honest, datasets={"train": TRAIN, "test": OTHERS}, assistant=assistant(url="http://127.0.0.1:1/v1"))
    assert "bound to no digest" in run_case(one, by_url, 3).result.because
