"""The join of postures: order never matters, and nothing in it can loosen."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import NORMAL, Decider, Named, Posture, Source, join, resolve, tightens

postures = st.builds(Posture, source=st.sampled_from(Source), decider=st.sampled_from(Decider))
EVERY = [Posture(source=source, decider=decider) for source, decider in itertools.product(Source, Decider)]


@given(postures, postures, postures)
def test_joining_is_commutative_associative_and_idempotent(a: Posture, b: Posture, c: Posture) -> None:
    assert join((a, b)) == join((b, a))
    assert join((join((a, b)), c)) == join((a, join((b, c))))
    assert join((a, a)) == a
    assert join((a, NORMAL)) == a


@given(st.lists(postures), postures)
def test_one_more_order_never_loosens(held: list[Posture], more: Posture) -> None:
    assert tightens(join(held), join([*held, more]))


@given(postures, postures)
def test_tightening_means_nowhere_looser(before: Posture, after: Posture) -> None:
    sources, deciders = list(Source), list(Decider)
    nowhere_looser = sources.index(after.source) >= sources.index(before.source) and deciders.index(
        after.decider
    ) >= deciders.index(before.decider)
    assert tightens(before, after) is nowhere_looser


def test_the_loosest_is_normal_and_the_tightest_is_nobody_from_nothing() -> None:
    assert join(()) == NORMAL
    assert join(EVERY) == Posture(source=Source.NONE, decider=Decider.NOBODY)


@pytest.mark.parametrize("fallback", ["baseline", "human_review", "refuse"])
@pytest.mark.parametrize("kill_fallback", ["human_review", "nobody"])
@pytest.mark.parametrize("named", Named)
def test_every_named_posture_is_at_least_as_tight_as_normal(named: Named, fallback: str, kill_fallback: str) -> None:
    assert tightens(NORMAL, resolve(named, fallback, kill_fallback))


@pytest.mark.parametrize(
    ("named", "fallback", "source", "decider"),
    [
        (Named.NORMAL, "refuse", "candidate", "machine"),
        (Named.HUMAN_REVIEW, "refuse", "candidate", "person"),
        (Named.SAFE_MODE, "baseline", "baseline", "machine"),
        (Named.SAFE_MODE, "human_review", "none", "person"),
        (Named.SAFE_MODE, "refuse", "none", "nobody"),
        (Named.KILLED, "baseline", "none", "nobody"),
    ],
)
def test_named_postures_stand_where_the_table_says(named: Named, fallback: str, source: str, decider: str) -> None:
    assert resolve(named, fallback, None) == Posture(source=Source(source), decider=Decider(decider))


def test_killed_may_go_to_people_when_the_contract_says_so() -> None:
    assert resolve(Named.KILLED, "refuse", "human_review").decider is Decider.PERSON


def test_an_unknown_fallback_is_an_error_and_not_a_loose_posture() -> None:
    with pytest.raises(KeyError):
        resolve(Named.SAFE_MODE, "hope", None)
