from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import UsageError
from shipworthy.profile.probes import KINDS, PLAIN, not_accepted, nullable_features, probe
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row
from shipworthy.profile.score import Scorer
from tests.profile.tables import FEATURES, rows

ROWS = rows(1500, 5)


@given(st.sampled_from(KINDS), st.integers(0, 1499), st.integers(0, 2**32))
def test_a_probe_changes_only_features_and_never_the_row_it_was_made_from(kind: str, index: int, seed: int) -> None:
    row = {**ROWS[index], "claim": "C1"}
    before = dict(row)
    made = probe(kind, row, FEATURES, np.random.default_rng(seed), donors=ROWS)
    assert row == before
    assert made is not None
    changed = {name for name in made if made[name] != row.get(name)}
    assert changed <= {one.name for one in FEATURES}
    if kind in PLAIN:
        assert len(changed) == 1
    if kind == "swap":
        assert len(changed) == 2


@given(st.sampled_from(KINDS), st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_probe(kind: str, seed: int) -> None:
    made = [probe(kind, ROWS[0], FEATURES, np.random.default_rng(seed), donors=ROWS) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("kind", "names"),
    [("unit", ("paid", "belt", "supplier")), ("sentinel", ("belt", "supplier")), ("unseen", ("age",))],
)
def test_without_an_eligible_field_there_is_no_probe(kind: str, names: tuple[str, ...]) -> None:
    features = [one for one in FEATURES if one.name in names]
    assert probe(kind, ROWS[0], features, np.random.default_rng(0)) is None


def test_a_zero_is_the_same_in_every_unit() -> None:
    assert probe("unit", {"age": 0}, FEATURES[:1], np.random.default_rng(0)) is None


def test_a_field_that_may_be_empty_is_never_emptied() -> None:
    made = [probe("null", ROWS[i], FEATURES, np.random.default_rng(i), nullable={"note"}) for i in range(200)]
    assert all(one is not None and one["note"] == ROWS[i]["note"] for i, one in enumerate(made))


def test_what_training_had_empty_may_be_empty() -> None:
    assert nullable_features(fit_profile(FEATURES, rows(400, 1), rows(300, 2))) == {"note"}


def test_rows_with_a_value_that_the_contract_has_come_to_accept_are_no_fault() -> None:
    kept: list[Row] = [{"supplier": "P41"}, {"supplier": None}, {"colour": "P42"}]
    assert not_accepted([*kept, {"supplier": "P42"}], FEATURES) == kept


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError):
        probe("gremlin", ROWS[0], FEATURES, np.random.default_rng(0))


def test_nearly_every_plain_probe_is_noticed() -> None:
    scorer = Scorer(fit_profile(FEATURES, rows(4000, 1), rows(2000, 2)))
    found = {kind: 0 for kind in PLAIN}
    for kind in PLAIN:
        rng = np.random.default_rng(7)
        for row in ROWS[:300]:
            made = probe(kind, row, FEATURES, rng, nullable={"note"})
            assert made is not None
            found[kind] += scorer.score(made).flag
    assert found["null"] == found["unseen"] == 300
    assert min(found.values()) >= 240
