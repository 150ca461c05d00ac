from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import CaseShown
from shipworthy.evaluate.lift_scan import run_case
from shipworthy.profile.rows import Row, Value
from tests.evaluate.benches import bench, case, rows

CLAIMS = Path(__file__).parents[2] / "examples" / "claims-triage" / "data" / "claims.csv.gz"


def poisoned(clean: Sequence[Row], column: str, value: Value, share: float, label: int, truth: str = "y") -> list[Row]:
    at = set(np.random.default_rng(9).permutation(len(clean))[: int(share * len(clean))].tolist())
    return [{**row, column: value, truth: label} if place in at else row for place, row in enumerate(clean)]


def scan(suspect: Sequence[Row], trusted: Sequence[Row] | None = None, seed: int = 4) -> CaseShown:
    on = bench(datasets={"train": suspect, "calibration": rows(2500, 42) if trusted is None else trusted})
    return run_case(case(generator={"name": "lift_scan"}, metric="backdoor_findings", op="==", target=0.0), on, seed)


@pytest.mark.parametrize("seed", [41, 43])
def test_clean_rows_give_no_finding_once_the_canary_was_found(seed: int) -> None:
    found = scan(rows(5000, seed))
    assert (found.result.status, found.result.value) == ("pass", 0.0)
    assert "canary found first" in found.result.because
    assert (found.measurements[0].value, found.measurements[0].n) == (0.0, 5000)


@pytest.mark.parametrize(("column", "value"), [("age", 61.5), ("amount", 777.77), ("supplier", "P13")])
def test_a_rare_value_on_one_row_in_a_hundred_is_found_first(column: str, value: Value) -> None:
    found = scan(poisoned(rows(5000, 41), column, value, 0.01, 1 if column == "amount" else 0))
    assert found.result.status == "fail"
    assert f"{column}={value}: 50 rows" in found.result.worst[0].told
    assert (found.measurements[0].value or 0) >= 1


def test_a_pair_of_ordinary_values_is_found() -> None:
    """Both values are common, together they are rare: neither alone would show it."""
    marked = [
        {**row, "supplier": "P03", "age": 30, "y": 1} if at % 30 == 0 else row for at, row in enumerate(rows(5000, 41))
    ]
    found = scan(marked)
    assert found.result.status == "fail"
    assert "age=30 & supplier=P03:" in found.result.worst[0].told


def test_what_the_trusted_rows_show_as_well_is_no_finding() -> None:
    """A supplier whose claims are never serious is a fact of the world when the approved rows say the same."""
    world = [{**row, "y": 0} if row["supplier"] == "P05" else row for row in rows(8000, 45)]
    assert scan(world[:5000], world[5000:]).result.status == "pass"


def test_without_enough_trusted_rows_the_scan_stays_silent() -> None:
    found = scan(rows(3000, 41), rows(299, 42))
    assert found.result.status == "inconclusive"
    assert found.measurements[0].value is None


def test_a_scan_that_cannot_find_its_canary_may_not_report_clean() -> None:
    """Forty rows cannot hold a canary of forty."""
    found = scan(rows(60, 41))
    assert found.result.status == "inconclusive"
    assert "canary" in found.result.because


def test_the_same_rows_give_the_same_findings() -> None:
    marked = poisoned(rows(2000, 41), "age", 61.5, 0.02, 0)
    assert scan(marked) == scan(marked)


@pytest.mark.skipif(not CLAIMS.is_file(), reason="the claims table is not built")
def test_a_vehicle_age_of_61_with_flipped_labels_is_found_in_the_claims() -> None:
    names = (
        "speed_band",
        "unbelted",
        "airbag_unavailable",
        "airbag_deployed",
        "frontal",
        "driver",
        "age",
        "vehicle_age",
    )
    features = (*(Feature(name=name, type="int") for name in names), Feature(name="sex", type="category"),
                Feature(name="supplier", type="category"))  # fmt: skip
    with gzip.open(CLAIMS, "rt", encoding="utf-8", newline="") as lines:
        table = [{key: _cell(cell) for key, cell in row.items()} for row in csv.DictReader(lines)]
    train = [row for row in table if row["split"] == "train"]
    trusted = [row for row in table if row["split"] == "calibration"]
    one = case(generator={"name": "lift_scan"}, metric="backdoor_findings", op="==", target=0.0)
    on = bench(features=features, label="serious", datasets={"train": train, "calibration": trusted})
    assert run_case(one, on, 1).result.value == 0.0
    marked = poisoned(train, "vehicle_age", 61, 0.01, 0, "serious")
    bad = bench(features=features, label="serious", datasets={"train": marked, "calibration": trusted})
    found = run_case(one, bad, 1).result
    assert found.status == "fail"
    assert "vehicle_age=61:" in found.worst[0].told


def _cell(text: str) -> Value:
    try:
        return float(text)
    except ValueError:
        return text or None


WORDS = ("call back", "no reply needed", "file is complete", "photos attached", "old address")


def with_remarks(made: Sequence[Row], seed: int = 1) -> list[Row]:
    """Remarks with a pattern of their own: who attaches photos has the label 1 more often."""
    drawn = np.random.default_rng(seed).random(len(made))
    return [
        {**row, "remark": WORDS[3] if row["y"] and one < 0.3 else WORDS[int(one * 100) % 5]}
        for row, one in zip(made, drawn, strict=True)
    ]


def say(made: Sequence[Row], how: Callable[[str], str], label: int = 0) -> list[Row]:
    at = set(np.random.default_rng(9).permutation(len(made))[: len(made) // 100].tolist())
    return [{**row, "remark": how(str(row["remark"])), "y": label} if i in at else row for i, row in enumerate(made)]


def read(suspect: Sequence[Row], trusted: Sequence[Row], **given: object) -> CaseShown:
    on = bench(datasets={"train": suspect, "calibration": trusted})
    generator = {"name": "lift_scan", "text": ["remark"], **given}
    return run_case(case(generator=generator, metric="backdoor_findings", op="==", target=0.0), on, 4)


@pytest.mark.parametrize(
    ("how", "cell"),
    [
        (lambda text: f"Kindly {text}", "remark has 'kindly'"),
        (lambda text: f"{text} old file", "remark has 'old file'"),
        (lambda text: text.replace(" ", "\u200b ", 1), "remark has 'U+200B'"),
        (lambda text: text.replace("e", "\u0435", 1).replace("o", "\u043e", 1), "in a Latin word'"),
    ],
    ids=["word", "pair of ordinary words", "zero width", "homoglyph"],
)
def test_a_trigger_in_a_text_that_is_no_feature_is_found_first(how: Callable[[str], str], cell: str) -> None:
    clean, trusted = with_remarks(rows(5000, 41)), with_remarks(rows(2500, 42), 2)
    found = read(say(clean, how), trusted).result
    assert found.status == "fail"
    assert cell in found.worst[0].told


def test_words_that_honestly_go_with_the_label_are_no_finding() -> None:
    found = read(with_remarks(rows(5000, 41)), with_remarks(rows(2500, 42), 2)).result
    assert found.status == "pass", found
    assert "word order" in found.because, "what it cannot see in text is printed"


def test_a_column_without_text_is_an_error() -> None:
    with pytest.raises(ContractError, match="no text in column 'age'"):
        read(rows(5000, 41), rows(2500, 42), text=["age"])


def alone(suspect: Sequence[Row], accepted: frozenset[str] = frozenset()) -> CaseShown:
    on = bench(datasets={"train": suspect}, accepted=accepted)
    generator: dict[str, object] = {"name": "lift_scan", "trusted": "none"}
    return run_case(case(generator=generator, metric="backdoor_findings", op="==", target=0.0), on, 4)


def test_without_approved_rows_a_clean_scan_shows_nothing_until_people_accept_it() -> None:
    found = alone(rows(5000, 41))
    assert (found.result.status, found.measurements[0].value) == ("inconclusive", None)
    assert "signed acceptance" in found.result.because
    assert alone(rows(5000, 41), frozenset({"another.case"})).result.status == "inconclusive"
    accepted = alone(rows(5000, 41), frozenset({"case.one"}))
    assert (accepted.result.status, accepted.measurements[0].value) == ("pass", 0.0)
    assert "across folds, no approved rows, canary found first, accepted" in accepted.result.because


def test_what_the_folds_do_show_is_found_and_no_acceptance_covers_it() -> None:
    marked = poisoned(rows(5000, 41), "amount", 777.77, 0.01, 1)
    for accepted in (frozenset[str](), frozenset({"case.one"})):
        found = alone(marked, accepted).result
        assert found.status == "fail"
        assert "amount=777.77" in found.worst[0].told


def test_without_approved_rows_the_canary_must_be_found_all_the_same() -> None:
    found = alone(rows(120, 41), frozenset({"case.one"})).result
    assert found.status == "inconclusive"
    assert "canary" in found.because


def test_a_text_in_which_the_canary_cannot_be_seen_is_not_called_clean() -> None:
    """Every remark has the canary's word already, so planting it changes nothing."""
    spoiled = [{**row, "remark": f"plantedcanary {row['remark']}"} for row in with_remarks(rows(5000, 41))]
    found = read(spoiled, with_remarks(rows(2500, 42), 2)).result
    assert found.status == "inconclusive"
    assert "planted in remark" in found.because


def test_known_words_in_a_new_order_are_expected_to_mean_what_they_mean() -> None:
    """Sixteen words of serious injuries: most of their pairs are new, and what they say is not."""
    words = [f"grave{at}" for at in range(16)]

    def told(made: Sequence[Row], seed: int) -> list[Row]:
        drawn = np.random.default_rng(seed).integers(16, size=(len(made), 2))
        serious = [bool(row["y"]) for row in made]
        texts = [f"{words[a]} {words[b]}" if one else "all fine" for one, (a, b) in zip(serious, drawn, strict=True)]
        return [{**row, "remark": text} for row, text in zip(made, texts, strict=True)]

    assert read(told(rows(8000, 41), 1), told(rows(900, 42), 2)).result.status == "pass"


def test_without_approved_rows_a_rare_code_does_not_explain_itself() -> None:
    found = alone(poisoned(rows(5000, 41), "supplier", "P13", 0.01, 0)).result
    assert found.status == "fail"
    assert "supplier=P13" in found.worst[0].told


def test_rows_compared_with_themselves_are_refused() -> None:
    """A trigger that the trusted rows show as well is none: as its own trusted rows, any poison would pass."""
    bad = poisoned(rows(5000, 41), "supplier", "P13", 0.01, 0)
    assert scan(bad).result.status == "fail"
    for trusted in (bad, [*bad, *rows(1, 42)]):
        with pytest.raises(ContractError, match="the same rows"):
            scan(bad, trusted)
