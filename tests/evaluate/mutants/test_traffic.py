"""Live rows go wrong in one way each; a kind of trouble that these features cannot have is not made."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from shipworthy.evaluate.mutants.catalogue import ALL, BY_ID, HEALTHY, MUTANTS
from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.evaluate.mutants.traffic import CHANGES, Sent, mutated
from shipworthy.profile.probes import UNSEEN
from tests.evaluate.mutants.known import known


def made(name: str) -> list[Sent]:
    return mutated(known().train, known(), BY_ID[name])


def test_every_mutant_of_traffic_is_made_here() -> None:
    assert set(CHANGES) == {one.id for one in ALL if one.place == "traffic"}


def test_there_are_twenty_mutants_five_a_clause_and_five_healthy_ones() -> None:
    assert Counter(one.clause for one in MUTANTS) == Counter(
        {"robustness": 5, "monitoring": 5, "alignment": 5, "systemic_safety": 5}
    )
    assert len(HEALTHY) == 5
    assert all(one.asks_for for one in MUTANTS)
    assert len(BY_ID) == 25


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_without_traffic_nothing_is_made(name: str) -> None:
    with pytest.raises(NotMade, match="no traffic"):
        mutated([], known(), BY_ID[name])


def test_drift_keeps_a_fifth_with_the_highest_values_each_row_once_in_its_order() -> None:
    sent = made("traffic.drifted")
    assert len(sent) == 120
    assert {row["speed"] for row in sent} <= {3, 4}
    places = [[dict(row) for row in known().train].index(row) for row in sent]
    assert places == sorted(set(places))


def test_unseen_categories_come_in_three_rows_of_ten() -> None:
    sent = made("traffic.unseen")
    hit = sum(row["sex"] == UNSEEN for row in sent)
    assert 0.24 * 600 < hit < 0.36 * 600
    assert [{**row, "sex": ""} for row in sent] == [{**row, "sex": ""} for row in known().train]


def test_the_largest_sender_changes_its_unit_and_nobody_else() -> None:
    sent = made("traffic.unit")
    for now, then in zip(sent, known().train, strict=True):
        factor = 12.0 if then["tenant"] == "acme" else 1.0
        assert now["amount"] == float(str(then["amount"])) * factor


def test_without_senders_all_rows_change_their_unit() -> None:
    sent = mutated(known().train, replace(known(), tenant=None), BY_ID["traffic.unit"])
    assert all(now["amount"] != then["amount"] for now, then in zip(sent, known().train, strict=True))


@pytest.mark.parametrize(("name", "why"), [("traffic.unseen", "category"), ("traffic.unit", "unit")])
def test_features_that_cannot_go_wrong_so_are_told(name: str, why: str) -> None:
    plain = tuple(one for one in known().features if one.unit is None and one.type != "category")
    with pytest.raises(NotMade, match=why):
        mutated(known().train, replace(known(), features=plain), BY_ID[name])
