"""Units stay where they are, and a growing share only moves units towards the candidate."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from shipworthy.deploy.routing import CANDIDATE, Routes, arm

UNITS = [f"claim-{number}" for number in range(10_000)]
WEIGHTS = (0, 100, 500, 1_000, 5_000, 10_000)


def chosen(share_bp: int, salt: str = "s") -> set[str]:
    routes = Routes(baseline="1", candidate="2", share_bp=share_bp, tenants=("*",), salt=salt)
    return {unit for unit in UNITS if arm(routes, "acme", unit) == CANDIDATE}


@pytest.mark.parametrize("share_bp", WEIGHTS)
@pytest.mark.parametrize("salt", ["s", "tiny|ROL-2027-0001", ""])
def test_ten_thousand_units_lie_within_three_sigma_of_each_weight(share_bp: int, salt: str) -> None:
    share = share_bp / 10_000
    sigma = math.sqrt(len(UNITS) * share * (1 - share))
    assert abs(len(chosen(share_bp, salt)) - len(UNITS) * share) <= 3 * sigma


def test_the_units_of_a_smaller_weight_are_among_those_of_a_larger_one() -> None:
    for smaller, larger in pairwise(WEIGHTS):
        assert chosen(smaller) < chosen(larger)


def test_a_new_rollout_deals_new_places() -> None:
    one, other = chosen(5_000, "a"), chosen(5_000, "b")
    both = len(one & other)
    assert abs(both - 2_500) <= 4 * math.sqrt(10_000 * 0.25 * 0.75)
