"""Answers that must not move when a text is written a little differently."""

from __future__ import annotations

import pytest

from shipworthy.contract.generators.text import CHANGES
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate import text_invariance
from shipworthy.evaluate.bench import Bench
from shipworthy.facts import CaseResult, canonical
from tests.evaluate.benches import case
from tests.evaluate.texts import Asked, bench, no_prize, rows, words

TEXTS = [f"Hello Anna, I do not want a prize of {number} euro for policy P-{number}" for number in range(100, 180)]
GIVEN = rows(TEXTS, [0] * len(TEXTS))


def run(on: Bench, change: str = "typo", seed: int = 5, **more: object) -> CaseResult:
    generator: dict[str, object] = {"name": "text_invariance", "change": change, **more}
    one = case(generator=generator, metric="changed", among="true", target=0.05)
    return text_invariance.run_case(one, on, seed).result


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_that_looks_at_nothing_is_moved_by_nothing(change: str) -> None:
    found = run(bench(lambda text: 0.4, GIVEN), change)
    assert (found.status, found.n, found.hits) == ("pass", 80, 0)


def test_each_change_is_one_of_its_kind() -> None:
    asked = Asked(no_prize)
    run(bench(asked, GIVEN), "number")
    assert asked.texts[:80] == TEXTS
    assert all(sum(a != b for a, b in zip(one, other, strict=True)) == 1
               for one, other in zip(TEXTS, asked.texts[80:], strict=True))  # fmt: skip


def test_a_model_of_single_words_is_moved_by_typos_in_them_only() -> None:
    found = run(bench(no_prize, GIVEN), "typo")
    assert 5 < (found.hits or 0) < 30  # one word in seven or so is the one
    assert found.status == "fail"
    assert len(found.worst) == 5
    assert all(one.before == {"text": "prize"} for one in found.worst)
    assert run(bench(no_prize, GIVEN), "case").hits == 0
    loud = bench(lambda text: 0.1 if text.isupper() else 0.9, GIVEN)
    assert (run(loud, "case").hits or 0) > 10


def test_what_must_stay_stays() -> None:
    asked = Asked(lambda text: 0.9)
    run(bench(asked, GIVEN), "number", keep=[r"P-\d+"])
    assert all(before.split()[-1] == after.split()[-1] for before, after in zip(TEXTS, asked.texts[80:], strict=True))


def test_rows_without_anything_to_change_are_left_out_and_counted() -> None:
    given = rows(["no digits here"] * 30 + TEXTS[:40] + ["", "\u200b"], [0] * 72)
    found = run(bench(no_prize, given), "number")
    assert found.n == 40
    assert "32 of 72 rows have nothing to change so" in found.because
    nothing = run(bench(no_prize, rows(["no digits"] * 9, [0] * 9)), "number")
    assert nothing.status == "inconclusive"


def test_the_tolerance_is_in_scores() -> None:
    on = bench(lambda text: 0.5 + 0.001 * (len(text) % 7), GIVEN)
    assert (run(on, "typo").hits or 0) > 10
    assert run(on, "typo", tolerance=0.01).hits == 0


def test_no_score_is_never_unmoved() -> None:
    found = run(bench(lambda text: 0.9 if text in TEXTS else None, GIVEN))
    assert found.hits == 80
    assert found.bits == "?" * 80
    assert found.status == "fail"


def test_a_text_longer_than_declared_is_not_asked() -> None:
    short = Feature(name="text", type="text", max=max(len(text) for text in TEXTS))
    asked = Asked(no_prize)
    found = run(bench(asked, GIVEN, features=(short,)), "zero_width")
    assert found.n == 0
    assert max(len(text) for text in asked.texts) <= short.max if asked.texts and short.max else True


def test_an_unknown_change_is_refused_and_the_same_case_gives_the_same_bytes() -> None:
    with pytest.raises(ContractError, match="no change 'rhyme'"):
        run(bench(no_prize, GIVEN), "rhyme")
    assert canonical(run(bench(no_prize, GIVEN))) == canonical(run(bench(no_prize, GIVEN)))
    assert run(bench(no_prize, GIVEN), seed=6).bits != run(bench(no_prize, GIVEN)).bits
    assert words("A b-c") == ["a", "b", "c"]
