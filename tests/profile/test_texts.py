"""The reference of a text: what is unlike the texts of training is noticed, and no word of theirs is kept."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.facts import canonical
from shipworthy.profile.probes import probe
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row
from shipworthy.profile.score import Scorer
from shipworthy.profile.shapes import Profile
from shipworthy.profile.texts import BITS, hashes, signs_of
from tests.messages import WORDS, messages

TEXT = Feature(name="text", type="text", max=160)
BOTH = (TEXT, Feature(name="age", type="int", min=0, max=120))


def rows(n: int, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    return [{**row, "age": int(rng.integers(18, 90))} for row in messages(n, seed)]  # type: ignore[dict-item]


PROFILE = fit_profile((TEXT,), rows(800, 1), rows(1500, 2))
SCORER = Scorer(PROFILE)


def test_ordinary_texts_are_rarely_flagged_and_garbled_ones_always() -> None:
    fresh = rows(2000, 3)
    assert sum(SCORER.score(row).flag for row in fresh) <= 30  # one in a hundred is promised
    rng = np.random.default_rng(4)
    garbled = [probe("unseen", row, (TEXT,), rng) for row in fresh[:200]]
    assert all(row is not None and SCORER.score(row).flag for row in garbled)


@pytest.mark.parametrize(
    "text",
    ["\u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439 \u0434\u0440\u0443\u0433", "0" * 60, "#" * 80],
)
def test_another_alphabet_digits_alone_or_signs_alone_are_flagged(text: str) -> None:
    assert SCORER.score({"text": text}).flag


@pytest.mark.parametrize("text", [None, "", "  ", "\u200b\u200c", "\ud800"])
def test_no_text_is_an_override_named_after_the_feature(text: str | None) -> None:
    told = SCORER.score({"text": text})
    assert (told.flag, told.view, told.feature) == (True, "missing", "text")
    assert SCORER.score({}).view == "missing"


def test_a_text_longer_than_declared_is_out_of_range_and_one_as_long_is_not() -> None:
    long = "thanks for the quick answer about the refund " * 4
    assert SCORER.score({"text": long[:161]}).view == "out_of_range"
    assert SCORER.score({"text": long[:160]}).view != "out_of_range"


def test_where_training_had_empty_texts_an_empty_one_is_no_override() -> None:
    some = [{**row, "text": None} if at % 4 == 0 else row for at, row in enumerate(rows(800, 1))]
    scorer = Scorer(fit_profile((TEXT,), some, some))
    assert scorer.profile.texts[0].missing
    assert scorer.score({"text": None}).view != "missing"


def test_the_profile_holds_numbers_and_no_word() -> None:
    written = canonical(PROFILE)
    assert not [word for words in WORDS.values() for word in words if word.lower().encode() in written.lower()]
    assert msgspec.json.decode(written, type=Profile) == PROFILE
    assert canonical(fit_profile((TEXT,), rows(800, 1), rows(1500, 2))) == written
    assert len(written) < 100_000


def test_a_word_is_known_when_two_rows_hold_it() -> None:
    known = bytes.fromhex(fit_profile((TEXT,), [{"text": "once once"}, {"text": "twice"}, {"text": "twice"}] * 1
                                      + [{"text": "filler of words"}] * 60, rows(1500, 2)).texts[0].known)  # fmt: skip
    assert [signs_of(word, known)[4] for word in ("once", "twice", "TWICE", "filler", "other")] == [100, 0, 0, 0, 100]
    assert len(known) * 8 == BITS


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("abc", (32, 100, 0, 0)),
        ("a1", (25, 50, 50, 0)),
        ("\u00e4\u00f6", (25, 100, 0, 100)),
        ("a" * 20_000, (229, 100, 0, 0)),
    ],
)
def test_the_numbers_of_a_text_are_what_they_say(text: str, signs: tuple[int, ...]) -> None:
    assert signs_of(text, bytes(BITS // 8))[:4] == signs


def test_hashes_do_not_depend_on_the_process() -> None:
    assert hashes("Hello hello") == [0x3610A686 % BITS] * 2  # the CRC-32 of "hello", as any table of it has it


def test_texts_and_numbers_are_judged_together() -> None:
    scorer = Scorer(fit_profile(BOTH, rows(800, 1), rows(1500, 2)))
    fine = rows(1, 9)[0]
    assert scorer.score({**fine, "age": 500}).view == "out_of_range"
    assert scorer.score({**fine, "text": ""}).feature == "text"
    assert scorer.unseen(fine) == scorer.bucket(fine) == ()


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()))
def test_any_cell_whatever_gets_a_p_value_and_never_raises(cell: str | float | None) -> None:
    assert 0.0 < SCORER.score({"text": cell}).p <= 1.0
