"""The attack on texts: it finds the word that decides, as few as can be, and asks nothing that could not be sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from shipworthy.contract.generators.text import ATTACKS
from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate import text_flip
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.text.attack import CONFIRM
from shipworthy.evaluate.text.edits import EDITS
from shipworthy.facts import canonical
from tests.evaluate.benches import case
from tests.evaluate.texts import TEXT, Asked, bench, no_prize, rows, weighed, words
from tests.messages import messages

LURES = [f"dear customer {number} you have won a prize in policy P-{number}7 today" for number in range(40)]
PLAIN = [f"my invoice for policy P-{number}3 is missing since the month of may" for number in range(40)]
GIVEN = rows(LURES + PLAIN, [0] * 40 + [1] * 40)


def run(on: Bench, seed: int = 3, target: float = 0.1, **more: Any) -> CaseShown:
    one = case(generator={"name": "text_flip", **more}, metric="text_flip_rate", among="true", target=target)
    return text_flip.run_case(one, on, seed)


def test_the_names_of_attacks_are_those_of_the_edits() -> None:
    assert set(ATTACKS) == set(EDITS)


def test_every_text_with_the_deciding_word_is_flipped_by_that_word_alone() -> None:
    shown = run(bench(no_prize, GIVEN))
    assert (shown.result.n, shown.result.hits, shown.result.status) == (80, 40, "fail")
    assert shown.result.bits == "1" * 40 + "0" * 40
    assert "median words changed 1" in shown.result.because
    assert len(shown.result.worst) == 5
    for one in shown.result.worst:
        assert one.before == {"text": "prize"}
        assert one.after["text"] != "prize"
        assert "1 of 12 words" in one.told or "1 of 13 words" in one.told


def test_the_measurement_is_the_rate_with_a_part_for_each_kind_of_edit() -> None:
    shown = run(bench(no_prize, GIVEN))
    judged, *parts = shown.measurements
    assert (judged.indicator, judged.part, judged.hits, judged.n) == ("text_flip_rate", None, 40, 80)
    assert [part.part for part in parts] == list(ATTACKS)
    assert sum(part.hits or 0 for part in parts) == 40


@pytest.mark.parametrize(
    "kind", ["swap", "delete", "insert", "substitute", "keyboard", "homoglyph", "zero_width", "whitespace"]
)
def test_each_kind_of_edit_alone_is_enough_for_a_model_of_words(kind: str) -> None:
    assert run(bench(no_prize, GIVEN), attacks=[kind]).result.hits == 40


@pytest.mark.parametrize("kind", ["case", "number", "name"])
def test_an_edit_that_the_model_does_not_see_flips_nothing(kind: str) -> None:
    assert run(bench(no_prize, GIVEN), attacks=[kind]).result.hits == 0


def test_a_changed_digit_and_another_name_are_found_where_they_decide() -> None:
    texts = [f"pay 500 to Anna before may, note {number}" for number in range(30)]
    given = rows(texts, [0] * 30)
    digits = bench(lambda text: 0.1 if "500" in words(text) else 0.9, given)
    assert run(digits, attacks=["number"]).result.hits == 30
    assert run(digits, attacks=["name"]).result.hits == 0
    names = bench(lambda text: 0.1 if "anna" in words(text) else 0.9, given)
    assert run(names, attacks=["name"]).result.hits == 30


def test_what_must_stay_is_never_asked_otherwise() -> None:
    asked = Asked(lambda text: 0.1 if re.search(r"P-\d+7", text) else 0.9)
    shown = run(bench(asked, GIVEN), keep=[r"P-\d+"])
    assert shown.result.hits == 0
    assert all(re.search(r"\bP-\d+", text) for text in asked.texts)
    assert set(re.findall(r"P-\d+", " ".join(asked.texts))) == set(re.findall(r"P-\d+", " ".join(LURES + PLAIN)))
    assert (run(bench(asked, GIVEN)).result.hits or 0) >= 40  # it would have been enough


def test_a_word_that_an_edit_would_make_into_what_stays_is_not_asked() -> None:
    asked = Asked(lambda text: 0.1 if "prize" in words(text) else 0.9)
    shown = run(bench(asked, rows(["a prize for you"] * 30, [0] * 30)), keep=["[a-z]{5}"], attacks=["delete"])
    assert shown.result.status == "inconclusive" or shown.result.hits == 0
    assert all("prize" in text for text in asked.texts)


def test_no_text_longer_than_declared_is_asked() -> None:
    asked = Asked(no_prize)
    text = Feature(name="text", type="text", mutable="yes", max=len(LURES[0]))
    given = rows([LURES[0]] * 30, [0] * 30)
    assert run(bench(asked, given, features=(text,)), attacks=["insert", "zero_width"]).result.hits == 0
    assert max(len(text) for text in asked.texts) <= len(LURES[0])
    assert run(bench(asked, given, features=(text,)), attacks=["substitute"]).result.hits == 30


def test_no_more_than_the_share_of_words_is_changed() -> None:
    both = weighed({"prize": 0.3, "won": 0.3})  # .3 with both, .6 with one of them: one word is enough
    needs_two = weighed({"prize": 0.3, "won": 0.3, "customer": 0.3})
    given = rows(LURES, [0] * 40)
    assert run(bench(both, given), most_changed=0.01).result.hits == 40
    assert run(bench(needs_two, given), most_changed=0.1).result.hits == 0
    found = run(bench(needs_two, given), most_changed=0.2)
    assert found.result.hits == 40
    assert "median words changed 2" in found.result.because


def test_words_that_need_not_be_changed_are_put_back() -> None:
    """Leaving gamma out goes furthest, so that it is changed first; misspelling beta alone is enough."""

    def score(text: str) -> float:
        found = words(text)
        if len(found) < 7:
            return 0.1 if "gamma" in found else 0.3
        if "beta" not in found:
            return 0.9
        return 0.1 if "gamma" in found else 0.4

    given = rows(["alpha beta gamma delta of the day"] * 30, [0] * 30)
    shown = run(bench(score, given), most_changed=0.5, attacks=["substitute"])
    assert shown.result.hits == 30
    assert "median words changed 1" in shown.result.because


def test_no_text_with_more_changed_words_is_asked() -> None:
    asked = Asked(weighed({"prize": 0.3, "won": 0.3, "customer": 0.3}))
    run(bench(asked, rows(LURES, [0] * 40)), most_changed=0.1, attacks=["substitute", "homoglyph"])
    known = {word for text in LURES for word in words(text)}
    assert max(len(set(words(text)) - known) for text in asked.texts) == 1


def test_a_word_that_what_stays_leans_on_is_not_asked_otherwise() -> None:
    asked = Asked(no_prize)
    shown = run(bench(asked, rows(["a prize won today"] * 30, [0] * 30)), keep=["(?<= prize )won"])
    assert shown.result.hits == 0
    assert all("prize won" in text for text in asked.texts)


@pytest.mark.parametrize("most", [20, 60, 200])
def test_a_text_is_asked_no_more_often_than_its_budget(most: int) -> None:
    asked = Asked(weighed({"prize": 0.1}))
    shown = run(bench(asked, rows([LURES[0]], [0]) * 1), max_queries=most, n=1)
    assert shown.result.status == "inconclusive"  # the model gets it wrong: nothing to attack
    asked = Asked(lambda text: 0.1)
    shown = run(bench(asked, rows([LURES[0]], [0])), max_queries=most, n=1)
    assert shown.result.most_queries is not None
    assert len(asked.texts) - 1 == shown.result.most_queries <= most


def test_all_rows_go_in_lock_step() -> None:
    few, many = Asked(no_prize), Asked(no_prize)
    run(bench(few, rows(LURES[:5] + PLAIN[:5], [0] * 5 + [1] * 5)))
    run(bench(many, GIVEN))
    assert many.calls <= few.calls + 4
    assert many.calls < 25


def test_a_flip_that_does_not_hold_when_asked_again_is_none() -> None:
    """A model that takes back what it said: every changed text gets the other answer the first time only."""
    seen: set[str] = set()

    def fickle(text: str) -> float:
        first = text not in seen
        seen.add(text)
        return 0.1 if text in LURES or not first else 0.9

    shown = run(bench(fickle, rows(LURES, [0] * 40)))
    assert (shown.result.n, shown.result.hits) == (40, 0)
    assert CONFIRM == 2


def test_a_text_without_a_score_is_no_flip() -> None:
    shown = run(bench(lambda text: 0.1 if text in LURES else None, rows(LURES, [0] * 40)))
    assert (shown.result.n, shown.result.hits) == (40, 0)


def test_a_model_that_always_says_the_same_never_looks_robust() -> None:
    shown = run(bench(lambda text: 0.7, GIVEN))
    assert shown.result.hits == 0
    assert "right on 40 of 80 rows asked" in shown.result.because


def test_a_score_of_one_half_is_of_the_high_class() -> None:
    shown = run(bench(lambda text: 0.1 if "prize" in words(text) else 0.5, GIVEN))
    assert shown.result.hits == 40


def test_nothing_to_attack_is_inconclusive() -> None:
    fixed = Feature(name="text", type="text")
    for on, why in (
        (bench(no_prize, GIVEN, features=(fixed,)), "not mutable"),
        (bench(lambda text: None, GIVEN), "nothing to attack"),
        (bench(no_prize, rows(["... !!", "\u200b"], [1, 1])), "without a free word"),
        (bench(no_prize, []), "nothing to attack"),
    ):
        shown = run(on)
        assert shown.result.status == "inconclusive"
        assert why in shown.result.because
        assert shown.measurements[0].value is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"field": "remark"}, "no text feature"),
        ({"attacks": ["rhyme"]}, "no attack 'rhyme'"),
        ({"attacks": []}, "no attacks"),
        ({"keep": ["("]}, "cannot be read"),
        ({"keep": ["a*"]}, "keeps nothing"),
        ({"most_changed": 0.0}, "out of range"),
        ({"max_queries": 2}, "out of range"),
        ({"n": 0}, "out of range"),
    ],
)
def test_a_case_that_cannot_be_meant_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        run(bench(no_prize, GIVEN), **more)


def test_which_of_two_texts_is_attacked_must_be_said() -> None:
    two = (TEXT, Feature(name="remark", type="text", mutable="yes"))
    on = bench(Asked(no_prize), GIVEN, features=two)
    with pytest.raises(ContractError, match="2 text features"):
        run(on)
    assert run(on, field="text").result.hits == 40


def test_the_same_case_gives_the_same_bytes_and_another_seed_other_edits() -> None:
    def told(seed: int) -> bytes:
        return canonical(run(bench(no_prize, GIVEN), seed).result)

    assert told(3) == told(3)
    assert told(3) != told(4)


def test_strange_letters_are_spelled_out_in_what_is_shown() -> None:
    shown = run(bench(no_prize, GIVEN), attacks=["homoglyph", "zero_width"])
    assert all(one.told.isascii() and str(one.after["text"]).isascii() for one in shown.result.worst)
    assert any("\\u" in str(one.after["text"]) for one in shown.result.worst)


def test_a_real_model_of_words_is_flipped_and_every_flip_is_its_own() -> None:
    train, test = messages(300, 1), messages(120, 2)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=0.3))
    model.fit([row["text"] for row in train], [row["label"] for row in train])
    given = rows([str(row["text"]) for row in test], [int(str(row["label"])) for row in test])
    asked = Asked(no_prize, batch=lambda texts: model.predict_proba(texts)[:, 1].tolist())
    few, more = (run(bench(asked, given), keep=[r"P-\d+"], n=60, most_changed=share) for share in (0.1, 0.4))
    assert (few.result.hits or 0) < (more.result.hits or 0)
    assert few.result.n == more.result.n == 60
    assert (more.result.most_queries or 0) <= 200
