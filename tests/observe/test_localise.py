"""What is located is shown bad, explains the breach, and leaves a rest that the judge does not call breached."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shipworthy.decide import Place, judge
from shipworthy.facts import Action, Clause, Outcome, Slo, Target, canonical_segment
from shipworthy.observe.localise import (
    MOST_VALUES,
    Asked,
    Located,
    Spot,
    Tally,
    localise,
    narrowed,
    p_value,
    shown_bad,
    shown_healthy,
)
from shipworthy.observe.measure import rate
from shipworthy.stats.bounds import rate_bounds

ASKED = Asked("<=", 0.1, 0.95)
Op = Literal["<=", ">="]


def at(segment: str, tenant: str = "*") -> Spot:
    return Spot(tenant, segment)


def values(**counts: tuple[int, int]) -> dict[Spot, Tally]:
    """Return parts of the key k by value."""
    return {at(f"k={value}"): Tally(*count) for value, count in counts.items()}


def total(parts: dict[Spot, Tally]) -> Tally:
    """Return the sum over the values of k."""
    known = [parts[spot] for spot in parts if spot.segment.startswith("k=") and ";" not in spot.segment]
    return Tally(sum(one.hits for one in known), sum(one.n for one in known))


def judged(asked: Asked, tally: Tally) -> Outcome:
    """Ask the one judge."""
    slo = Slo(
        name="review_rate",
        indicator="review_rate",
        objective="o",
        target=Target(op=asked.op, value=asked.target),
        window="rolling",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=Clause.ALIGNMENT,
        min_samples=1,
        level=asked.level,
        evidence="point" if asked.point else "bound",
    )
    made = rate("review_rate", tally.hits, tally.n, start=0, end=1, level=asked.level)
    return judge(slo, "*", (made,), None, Place.RUNTIME).outcome


tallies = st.tuples(st.integers(0, 400), st.integers(0, 400)).map(lambda two: Tally(two[0], sum(two)))
asks = st.builds(
    Asked,
    st.sampled_from(("<=", ">=")),
    st.sampled_from((0.0, 0.05, 0.3, 0.9, 1.0)),
    st.sampled_from((0.8, 0.95, 0.99)),
    st.booleans(),
)


@given(asks, st.lists(tallies, min_size=1, max_size=8))
def test_without_what_is_located_the_rest_is_not_breached(asked: Asked, given_: list[Tally]) -> None:
    parts = {at(f"k=v{number}"): tally for number, tally in enumerate(given_)}
    whole = total(parts)
    found = localise(asked, whole, parts)
    if found is None:
        return
    part, rest = Tally(found.hits, found.n), Tally(found.rest_hits, found.rest_n)
    assert Tally(part.hits + rest.hits, part.n + rest.n) == whole
    assert judged(asked, rest) in (Outcome.MET, Outcome.UNDECIDED)
    assert (judged(asked, rest) is Outcome.MET) == (found.grade == "proven")
    assert rest.n >= 20
    assert p_value(asked, part) <= 1.0 - asked.level
    assert found.bound in rate_bounds(*part, asked.level)
    assert found.rest_bound in rate_bounds(*rest, asked.level)


@given(asks, st.lists(tallies, min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_parts_does_not_matter(asked: Asked, given_: list[Tally], random: st.DataObject) -> None:
    parts = {at(f"k=v{number}"): tally for number, tally in enumerate(given_)}
    turned = dict(reversed(parts.items()))
    assert localise(asked, total(parts), parts) == localise(asked, total(parts), turned)


@given(asks, tallies)
def test_shown_bad_and_healthy_are_what_the_judge_says(asked: Asked, tally: Tally) -> None:
    outcome = judged(asked, tally)
    assert shown_bad(asked, tally) == (outcome is Outcome.BREACHED)
    assert shown_healthy(asked, tally) == (outcome is Outcome.MET)


@given(st.sampled_from(("<=", ">=")), st.floats(0.001, 0.999), tallies)
def test_p_values_are_those_of_scipy_and_never_too_small(op: Op, target: float, tally: Tally) -> None:
    bad, allowed = (tally.hits, target) if op == "<=" else (tally.n - tally.hits, 1.0 - target)
    exact = float(binom.sf(bad - 1, tally.n, allowed))
    mine = p_value(Asked(op, target, 0.95), tally)
    assert mine >= exact * (1.0 - 1e-9)
    if exact > 1e-6 and bad > allowed * tally.n:
        assert mine == pytest.approx(exact, rel=1e-8)


def test_one_bad_value_is_located_with_the_numbers_of_both_sides() -> None:
    found = localise(ASKED, Tally(150, 1100), values(a=(120, 200), b=(10, 400), c=(20, 500)))
    assert found == Located(
        tenant="*",
        segment="k=a",
        grade="proven",
        hits=120,
        n=200,
        bound=rate_bounds(120, 200, 0.95)[0],
        rest_hits=30,
        rest_n=900,
        rest_bound=rate_bounds(30, 900, 0.95)[1],
    )


def test_several_bad_values_of_one_key_are_located_together() -> None:
    parts = values(a=(60, 200), b=(70, 200), c=(10, 800))
    found = localise(ASKED, total(parts), parts)
    assert found is not None
    assert (found.segment, found.hits, found.n) == ("k=a,b", 130, 400)


def test_a_bad_value_is_not_left_behind_because_the_rest_dilutes_it() -> None:
    """Without `a` alone, the rest of 5,040 rows has a rate of .037 and would be called healthy."""
    parts = values(a=(450, 500), b=(38, 40), c=(150, 5000))
    assert judged(ASKED, total(parts).less(parts[at("k=a")])) is Outcome.MET
    found = localise(ASKED, total(parts), parts)
    assert found is not None
    assert found.segment == "k=a,b"


def test_what_is_bad_everywhere_lies_nowhere() -> None:
    parts = values(a=(60, 300), b=(62, 310), c=(58, 290))
    assert localise(ASKED, total(parts), parts) is None


def test_values_that_are_no_worse_than_the_rest_explain_nothing() -> None:
    """All are too high; the thin ones are not shown so. That is no reason to spare them."""
    parts = values(a=(300, 2000), b=(290, 2000), c=(16, 120), d=(15, 110))
    assert judged(ASKED, Tally(31, 230)) is Outcome.UNDECIDED
    assert localise(ASKED, total(parts), parts) is None


def test_more_bad_values_than_an_order_should_name_lie_nowhere_smaller() -> None:
    bad = {f"v{number:02d}": (60, 100) for number in range(MOST_VALUES + 1)}
    parts = values(z=(20, 4000), **bad)
    assert localise(ASKED, total(parts), parts) is None
    parts = values(z=(20, 4000), **dict(list(bad.items())[:MOST_VALUES]))
    assert localise(ASKED, total(parts), parts) is not None


def test_a_rest_too_thin_to_tell_is_never_left_alone() -> None:
    parts = values(a=(500, 1000), b=(0, 19))
    assert localise(ASKED, total(parts), parts) is None
    parts = values(a=(500, 1000), b=(0, 20))
    assert localise(ASKED, total(parts), parts) is not None


def test_a_breach_that_has_just_shown_itself_is_located() -> None:
    """The whole has a hundred samples, the rest has not."""
    found = localise(ASKED, Tally(31, 100), values(a=(30, 30), b=(1, 70)))
    assert found is not None
    assert (found.segment, found.grade) == ("k=a", "proven")


def test_a_part_with_nearly_all_of_the_excess_leaves_no_bad_rest() -> None:
    parts = {at("k=a"): Tally(900, 1000)}
    assert shown_bad(ASKED, Tally(80, 500))
    assert localise(ASKED, Tally(980, 1500), parts) is None


def test_what_one_part_alone_would_show_is_chance_among_forty() -> None:
    """17 of 100 has p = .02: enough for one part tried, not for the best of many."""
    whole, one = Tally(17, 130), {at("k=a"): Tally(17, 100)}
    assert localise(ASKED, whole, one) is not None
    quiet = {at(f"j=v{number}"): Tally(0, 3) for number in range(40)}
    assert localise(ASKED, whole, {**one, **quiet}) is None


def test_a_rest_between_the_bounds_is_left_when_four_fifths_of_the_excess_are_explained() -> None:
    parts = values(a=(150, 300), b=(52, 500))
    found = localise(ASKED, total(parts), parts)
    assert found is not None
    assert found.grade == "explains"
    assert found.rest_bound > ASKED.target
    parts = values(a=(16, 50), b=(54, 500))  # 11 and 4 hits too many: 73 %
    assert shown_bad(ASKED, Tally(16, 50))
    assert not shown_bad(ASKED, Tally(54, 500))
    assert localise(ASKED, total(parts), parts) is None


def test_a_chance_find_among_many_values_is_not_located() -> None:
    """5 of 20 alone has p = .043; the rest of forty values makes it a matter of chance."""
    quiet = {f"v{number}": (5, 50) for number in range(40)}
    assert p_value(ASKED, Tally(5, 20)) < 0.05
    parts = values(a=(5, 20), **quiet)
    assert localise(ASKED, total(parts), parts) is None


def test_parts_too_small_to_show_anything_cost_nothing() -> None:
    parts = values(a=(11, 40), b=(110, 1100))
    small = {at(f"j=v{number}"): Tally(0, 1) for number in range(500)}
    found = localise(ASKED, total(parts), {**parts, **small})
    assert found == localise(ASKED, total(parts), parts)
    assert found is not None


def test_of_a_pair_and_its_keys_the_one_that_explains_most_is_located() -> None:
    """Bad is only a with b: each key alone is shown bad too."""
    parts = {
        at("k=a"): Tally(110, 400),
        at("k=z"): Tally(20, 800),
        at("j=b"): Tally(112, 500),
        at("j=z"): Tally(18, 700),
        at("j=b;k=a"): Tally(104, 150),
        at("j=z;k=a"): Tally(6, 250),
        at("j=b;k=z"): Tally(8, 350),
        at("j=z;k=z"): Tally(12, 450),
    }
    found = localise(ASKED, Tally(130, 1200), parts)
    assert found is not None
    assert found.segment == "j=b;k=a"


def test_a_pair_inside_a_bad_value_is_not_taken_for_it() -> None:
    """The pair alone, half of the bad value, would leave a rest that dilution makes healthy."""
    parts = {
        at("k=a"): Tally(120, 200),
        at("k=z"): Tally(60, 5000),
        at("j=b;k=a"): Tally(62, 100),
        at("j=c;k=a"): Tally(58, 100),
    }
    whole = Tally(180, 5200)
    asked = ASKED._replace(target=0.02)
    assert judged(asked, whole.less(Tally(62, 100))) is not Outcome.BREACHED
    found = localise(asked, whole, parts)
    assert found is not None
    assert found.segment == "k=a"


def test_the_same_rows_under_two_keys_are_named_by_the_first_text() -> None:
    same = {at("region=N"): Tally(80, 100), at("office=P43"): Tally(80, 100)}
    found = localise(ASKED, Tally(90, 500), same)
    assert found is not None
    assert found.segment == "office=P43"


def test_of_two_keys_over_the_same_hits_the_smaller_part_is_named() -> None:
    wide = {at("region=N"): Tally(81, 160), at("office=P43"): Tally(80, 100)}
    found = localise(ASKED, Tally(90, 500), wide)
    assert found is not None
    assert found.segment == "office=P43"


@pytest.mark.parametrize(
    ("acme", "birch", "located"),
    [
        ((40, 100), (5, 400), "acme"),
        ((20, 60), (5, 400), None),  # 25 hits: fewer than thirty
        ((40, 100), (14, 400), None),  # 40 of 54: less than four in five
        ((60, 120), (0, 19), None),  # nobody else sent twenty
    ],
)
def test_one_tenant_is_named_only_when_it_explains_the_hits(
    acme: tuple[int, int], birch: tuple[int, int], located: str | None
) -> None:
    parts = {at("*", "acme"): Tally(*acme), at("*", "birch"): Tally(*birch)}
    whole = Tally(acme[0] + birch[0], acme[1] + birch[1])
    found = localise(ASKED._replace(target=0.04), whole, parts)
    assert (found.tenant if found else None) == located


def test_a_tenant_that_may_not_be_named_is_not_replaced_by_a_worse_explanation() -> None:
    parts = {
        at("*", "acme"): Tally(60, 100),
        at("*", "birch"): Tally(30, 900),
        **values(a=(40, 150), b=(50, 850)),
    }
    assert localise(ASKED._replace(target=0.08), Tally(90, 1000), values(a=(40, 150), b=(50, 850))) is not None
    assert localise(ASKED._replace(target=0.08), Tally(90, 1000), parts) is None


def test_inside_one_tenant_its_segments_are_located_without_asking_for_others() -> None:
    parts = {at("k=a", "acme"): Tally(60, 100), at("k=b", "acme"): Tally(4, 400)}
    found = localise(ASKED, Tally(64, 500), parts, at("*", "acme"))
    assert found is not None
    assert (found.tenant, found.segment) == ("acme", "k=a")


def test_a_segment_of_one_tenant_is_found_in_two_steps() -> None:
    parts = {
        at("*"): {at("k=a"): Tally(95, 300), at("k=b"): Tally(6, 700), at("*", "acme"): Tally(96, 500)},
        at("k=a"): {at("k=a", "acme"): Tally(92, 120), at("k=a", "birch"): Tally(3, 180)},
    }

    def inside(spot: Spot) -> tuple[Tally, dict[Spot, Tally]]:
        return parts[at("*")].get(spot, Tally(101, 1000)), parts[spot]

    found = narrowed(ASKED, Tally(101, 1000), at("*"), inside)
    assert found is not None
    assert (found.tenant, found.segment, found.hits, found.rest_hits) == ("acme", "k=a", 92, 9)
    assert found.rest_n == 880


def test_rates_that_should_be_high_are_located_where_they_are_low() -> None:
    asked = Asked(">=", 0.9, 0.95)
    parts = values(a=(50, 100), b=(480, 500))
    found = localise(asked, total(parts), parts)
    assert found is not None
    assert found.segment == "k=a"
    assert found.bound == rate_bounds(50, 100, 0.95)[1]


def test_a_part_larger_than_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="no part"):
        localise(ASKED, Tally(50, 100), values(a=(60, 90)))


def test_planted_parts_are_found_and_uniform_trouble_is_not_pinned_on_anybody() -> None:
    """40 worlds each; of 40 uniform ones, at most 5 % may be pinned on a part, so 6 or more would be a failure."""
    wrong, exact = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        value, other = rng.integers(0, 8, 3000), rng.integers(0, 5, 3000)
        bad = int(rng.integers(0, 8))
        uniform = rng.random(3000) < 0.14
        planted = rng.random(3000) < np.where(value == bad, 0.6, 0.07)
        wrong += localise(ASKED, *counted(value, other, uniform)) is not None
        found = localise(ASKED, *counted(value, other, planted))
        exact += found is not None and found.segment == f"k=v{bad}"
    assert wrong <= 5
    assert exact >= 38


def counted(
    value: np.ndarray[tuple[int], np.dtype[np.int64]],
    other: np.ndarray[tuple[int], np.dtype[np.int64]],
    hit: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> tuple[Tally, dict[Spot, Tally]]:
    """Return the whole and all single values and pairs."""

    def tally(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Tally:
        return Tally(int(hit[mask].sum()), int(mask.sum()))

    parts = {at(f"k=v{one}"): tally(value == one) for one in range(8)}
    parts |= {at(f"j=v{one}"): tally(other == one) for one in range(5)}
    parts |= {
        at(canonical_segment({"k": [f"v{one}"], "j": [f"v{two}"]})): tally((value == one) & (other == two))
        for one in range(8)
        for two in range(5)
    }
    return Tally(int(hit.sum()), hit.size), parts


def test_far_out_the_bound_of_chernoff_stands_for_the_p_value() -> None:
    tally = Tally(200, 1000)
    exact = float(binom.logsf(199, 1000, 0.1))
    assert exact <= math.log(p_value(ASKED, tally)) <= exact + 10.0
