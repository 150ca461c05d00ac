"""A mutant of the answers is a function of the row, wrong in the way its name says and in no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shipworthy.evaluate.bench import Answers
from shipworthy.evaluate.mutants.answers import CHANGES, changed
from shipworthy.evaluate.mutants.catalogue import ALL, BY_ID
from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.stats.auc import auroc
from shipworthy.stats.calibration import bins_of, ece_corrected
from tests.evaluate.benches import Given
from tests.evaluate.mutants.known import honest, known


def held_out() -> list[list[float | int | str | None]]:
    return [known().values(row) for row in known().held_out]


def labels() -> list[int]:
    return [truth for row in known().held_out if (truth := known().truth(row)) is not None]


def scores(answers: Answers) -> list[float]:
    return [score for score in answers.scores if score is not None]


def answered(name: str) -> Answers:
    """Return a mutant's answers to the held-out rows."""
    return changed(known(), BY_ID[name], honest)(held_out(), honest(held_out()))


def test_every_mutant_of_answers_is_made_here() -> None:
    assert set(CHANGES) == {one.id for one in ALL if one.place == "answers"}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_row_is_answered_alike_in_every_batch(name: str) -> None:
    change = changed(known(), BY_ID[name], honest)
    whole, some = held_out(), held_out()[10:40]
    one, two = change(whole, honest(whole)), change(some[::-1], honest(some[::-1]))
    assert list(one.scores)[10:40] == list(two.scores)[::-1]
    if one.decisions is not None:
        assert two.decisions is not None
        assert list(one.decisions)[10:40] == list(two.decisions)[::-1]


@pytest.mark.parametrize("name", ["scores.overconfident", "scores.underconfident", "healthy.regularised"])
def test_a_miscalibrated_model_ranks_as_before(name: str) -> None:
    assert auroc(scores(answered(name)), labels()) == pytest.approx(
        auroc(scores(honest(held_out())), labels()), abs=1e-4
    )


def test_calibration_is_lost_by_mutants_and_kept_by_the_healthy() -> None:
    error = {
        name: ece_corrected(bins_of(scores(answered(name)), labels()))
        for name in ("scores.overconfident", "scores.underconfident", "healthy.regularised")
    }
    assert error["scores.overconfident"] > 0.05
    assert error["scores.underconfident"] > 0.05
    assert error["healthy.regularised"] < 0.03


def test_no_score_stays_no_score() -> None:
    rows = held_out()[:3]
    for name in set(CHANGES) - {"model.constant", "model.random", "rows.memorised"}:
        told = changed(known(), BY_ID[name], honest)(rows, Given([None, 0.4, None]))
        assert [score is None for score in told.scores] == [True, False, True], name


def test_certain_scores_stay_inside_0_and_1() -> None:
    told = changed(known(), BY_ID["scores.overconfident"], honest)(held_out()[:2], Given([0.0, 1.0]))
    assert all(0.0 <= score <= 1.0 for score in scores(told))


def test_only_the_group_is_harmed() -> None:
    rows, told, before = known().held_out, scores(answered("group.harmed")), scores(honest(held_out()))
    young = [int(str(row["age"])) < 25 for row in rows]
    assert all((now < then) if hit else now == then for hit, now, then in zip(young, told, before, strict=True))
    hit = next(place for place, yes in enumerate(young) if yes)
    odds = [np.log(p / (1 - p)) for p in (told[hit], before[hit])]
    assert odds[0] - odds[1] == pytest.approx(-1.0)


def test_a_memory_gives_training_rows_their_labels_and_others_the_old_score() -> None:
    train = [known().values(row) for row in known().train]
    told = changed(known(), BY_ID["rows.memorised"], honest)(train, honest(train))
    assert [score >= 0.5 for score in scores(told)] == [known().truth(row) == 1 for row in known().train]
    assert scores(answered("rows.memorised")) == scores(honest(held_out()))  # no held-out row is one of these


def test_a_gamed_model_ranks_better_and_denies_the_surest() -> None:
    before, told = np.array(scores(honest(held_out()))), np.array(scores(answered("proxy.gamed")))
    assert auroc(told, labels()) > auroc(before, labels()) + 0.02
    surest = before >= np.sort(before)[int(0.95 * len(before))]
    assert set(told[surest]) == {0.01}
    assert np.mean([labels()[place] for place in np.flatnonzero(surest)]) > 0.8


def test_a_gamed_model_needs_scores() -> None:
    with pytest.raises(NotMade, match="scores no held-out row"):
        changed(known(), BY_ID["proxy.gamed"], lambda rows: Given([None] * len(rows)))


def test_a_provoker_denies_some_that_should_be_approved_and_decides_nothing_else() -> None:
    many = [known().values({**row, "amount": float(at)}) for at in range(20) for row in known().held_out]
    told = changed(known(), BY_ID["never.provoked"], honest)(many, honest(many))
    assert told.scores == honest(many).scores
    assert told.decisions is not None
    denied = [score for score, word in zip(scores(told), told.decisions, strict=True) if word == "auto_deny"]
    high = sum(score >= 0.5 for score in scores(told))
    assert min(denied) >= 0.5
    assert 0.01 * high < len(denied) < 0.03 * high
    assert set(told.decisions) == {"auto_deny", None}


def test_a_provoker_leaves_the_models_own_decisions() -> None:
    rows = held_out()[:50]
    own = Given([0.1] * 50, ["review"] * 50)
    assert changed(known(), BY_ID["never.provoked"], honest)(rows, own).decisions == ["review"] * 50


def test_sanity_models_know_nothing() -> None:
    rate = sum(known().truth(row) or 0 for row in known().train) / 600
    assert set(answered("model.constant").scores) == {rate}
    drawn = scores(answered("model.random"))
    assert abs(auroc(drawn, labels()) - 0.5) < 0.06
    assert abs(float(np.mean(drawn)) - 0.5) < 0.05
    assert len(set(drawn)) > 590


def test_a_random_model_does_not_tell_1_from_1_0() -> None:
    change = changed(known(), BY_ID["model.random"], honest)
    assert change([[1, "a"]], Given([0.5])).scores == change([[1.0, "a"]], Given([0.5])).scores
    assert change([[1, "a"]], Given([0.5])).scores != change([[1, "b"]], Given([0.5])).scores


def test_without_labels_there_is_no_base_rate() -> None:
    with pytest.raises(NotMade, match="no training row has a label"):
        changed(replace(known(), label="nothing"), BY_ID["model.constant"], honest)


@pytest.mark.parametrize(("name", "word"), [("machine.abstains", "review"), ("machine.approves", "auto_approve")])
def test_a_model_that_always_decides_alike_keeps_its_scores(name: str, word: str) -> None:
    told = answered(name)
    assert told.decisions is not None
    assert set(told.decisions) == {word}
    assert told.scores == honest(held_out()).scores
