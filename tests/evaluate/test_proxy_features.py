from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pytest

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate import proxy_features
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.encoded import MOST_CODES, Encoding
from shipworthy.evaluate.proxy_features import canary_is_found, carried, run_case, table_of
from shipworthy.profile.rows import Row, Value
from shipworthy.stats.auc import auroc
from tests.evaluate.benches import FEATURES, Score, bench, case, model_of, rows, truth


@cache
def told() -> tuple[Row, ...]:
    """Rows whose supplier and amount give the sex away, and nothing else does."""
    rng = np.random.default_rng(8)
    made = []
    for row in rows(2400, 61):
        her = row["sex"] == "f"
        supplier = "P01" if rng.random() < (0.8 if her else 0.2) else "P02"
        made.append({**row, "supplier": supplier, "amount": float(rng.gamma(2.0, 20.0) + 15.0 * her)})
    return tuple(made)


def on(test: Sequence[Row], score: Score = truth, features: tuple[Feature, ...] = FEATURES, **more: object) -> Bench:
    return bench(score, datasets={"test": test}, features=features, scorer=None, thresholds=None, **more)


def shown(test: Sequence[Row], score: Score = truth, target: float = 0.6, **given: object) -> CaseShown:
    one = case(generator={"name": "proxy_features", **given}, metric="proxy_features_auc", op="<=", target=target)
    return run_case(one, on(test, score), 2)


def test_a_group_that_other_features_give_away_is_red_and_they_are_named() -> None:
    found = shown(told(), by=["sex"]).result
    assert found.status == "fail"
    assert "sex=f: AUC 0.8" in found.worst[0].told
    assert "carried by supplier" in found.worst[0].told
    assert "amount" in found.worst[0].told.partition("carried by ")[2]
    assert "belt" not in found.worst[0].told


def test_features_that_say_nothing_are_green_and_no_carrier_is_made_up() -> None:
    found = shown(rows(2400, 61), by=["sex"]).result
    assert found.status == "pass"
    assert "not proven to be more than chance" in found.worst[0].told


def test_the_use_of_it_stands_beside() -> None:
    def uses(row: Mapping[str, Value]) -> float:
        return 0.6 * truth(row) + (0.4 if row["supplier"] == "P01" else 0.0)

    even, used = shown(told(), by=["sex"]).result.because, shown(told(), uses, by=["sex"]).result.because
    for text in (even, used):
        assert "from the score given the label 0." in text
        assert "gap in selection 0." in text

    def area(text: str) -> float:
        return float(text.partition("given the label ")[2].split()[0])

    assert area(used) > area(even) + 0.02


def test_the_protected_feature_itself_and_its_group_of_columns_are_left_out() -> None:
    hot = tuple(Feature(name=f"sex_{one}", type="bool", group="sex", protected=True) for one in ("f", "m"))
    plain = tuple(one for one in FEATURES if one.name != "sex")
    made = [{**row, "sex_f": int(row["sex"] == "f"), "sex_m": int(row["sex"] == "m")} for row in rows(600, 61)]
    here = on(made, features=(*plain, *hot), model=model_of(lambda row: 0.5, (*plain, *hot)))
    table = table_of(here, answer(here, made), "sex_f", 3, 0)
    assert table is not None
    assert not {"sex_f", "sex_m"} & set(table.names)
    assert "age" in table.names


def test_a_learner_that_cannot_see_what_is_planted_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of the canary turned up to pure chance: nothing can find it, and so nothing is judged."""
    monkeypatch.setattr(proxy_features, "CANARY_NOISE", 1.0)
    found = shown(told(), by=["sex"]).result
    assert found.status == "inconclusive"
    assert "planted copy of sex was not found" in found.because


def test_the_canary_is_found_whatever_else_the_features_tell() -> None:
    here = on(told())
    table = table_of(here, answer(here, told()), "sex", 3, 0)
    assert table is not None
    for test in (told(), rows(2400, 61)):
        member = np.array([float(row["sex"] == "f") for row in test])
        assert canary_is_found(table, member, 1)


def test_the_area_is_judged_on_one_row_a_unit() -> None:
    twice = [{**row, "crash": str(at)} for at, row in enumerate(told()[:900]) for _ in range(2)]
    here = on(twice)
    table = table_of(here, answer(here, twice), "sex", 3, 0)
    assert table is not None
    assert table.alone.size == 900
    assert len({twice[at]["crash"] for at in table.alone}) == 900
    assert all(len(set(table.folds[at : at + 2].tolist())) == 1 for at in range(0, 1800, 2))


def test_a_feature_of_which_no_group_has_enough_rows_is_no_pass() -> None:
    thin = [{**row, "sex": "x" if at < 50 else "f"} for at, row in enumerate(rows(1500, 61))]
    found = shown(thin, by=["sex"]).result
    assert found.status == "inconclusive"
    both = shown(thin, by=["sex", "belt"], target=0.7).result
    assert both.status == "inconclusive"
    assert "not judged for want of rows: sex" in both.because
    assert all(one.told.startswith("belt=") for one in both.worst)


def test_too_few_units_or_no_other_feature_is_no_pass() -> None:
    assert shown(told()[:2], by=["sex"]).result.status == "inconclusive"
    alone = (next(one for one in FEATURES if one.name == "sex"),)
    one = case(generator={"name": "proxy_features"}, metric="proxy_features_auc", target=0.6)
    here = on(told(), features=alone, model=model_of(lambda row: 0.5, alone))
    assert "no feature beside sex" in run_case(one, here, 1).result.because


def test_without_a_protected_feature_nothing_is_proven() -> None:
    plain = tuple(one for one in FEATURES if not one.protected)
    one = case(generator={"name": "proxy_features"}, metric="proxy_features_auc", target=0.6)
    here = on(told(), features=plain, model=model_of(lambda row: 0.5, plain))
    assert run_case(one, here, 1).result.status == "inconclusive"


def test_shuffling_the_only_carrier_takes_the_whole_area() -> None:
    here = on(told())
    table = table_of(here, answer(here, told()), "sex", 3, 0)
    assert table is not None
    member = np.array([float(row["supplier"] == "P01") for row in told()])
    scores, carriers = carried(table, member, 1)
    assert auroc(scores, member) > 0.99
    assert carriers[0][0] == "supplier"
    assert carriers[0][1] == pytest.approx(0.5, abs=0.05)


def test_categories_become_codes_and_what_is_unknown_shares_one() -> None:
    features = (Feature(name="code", type="category"), Feature(name="n", type="float"))
    known: list[Row] = [{"code": "b", "n": 1.0}, {"code": "b", "n": None}, {"code": "a", "n": 2}]
    encoding = Encoding(features, known)
    asked: list[Row] = [*known, {"code": "new", "n": "x"}, {"code": None, "n": 3.5}]
    table = encoding.matrix(asked)
    assert encoding.categories == [True, False]
    assert table[:, 0].tolist() == [0.0, 0.0, 1.0, 2.0, 2.0]
    assert np.isnan(table[:, 1]).tolist() == [False, True, False, True, False]
    many = Encoding(features[:1], [{"code": f"c{at}"} for at in range(MOST_CODES + 100)])
    assert many.matrix([{"code": f"c{at}"} for at in range(MOST_CODES + 100)]).max() == MOST_CODES
