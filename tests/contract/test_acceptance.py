from __future__ import annotations

import pytest

from shipworthy.contract.acceptance import acceptance_digest, holds_on, leaves_open
from shipworthy.facts import digest
from tests.evaluate.benches import case

OPEN = case(generator={"name": "lift_scan", "trusted": "none"}, metric="backdoor_findings", op="==", target=0.0)
DATA = digest("rows")


def test_only_a_case_that_does_without_its_rows_leaves_something_open() -> None:
    assert leaves_open(OPEN)
    assert not leaves_open(case(generator={"name": "lift_scan"}, metric="backdoor_findings"))
    assert not leaves_open(case(generator={"name": "membership", "train": "none"}, metric="membership_tpr"))
    assert not leaves_open(case())


@pytest.mark.parametrize(
    ("until", "today", "holds"),
    [
        ("2027-01-31", "2027-01-31", True),
        ("2027-01-31", "2027-02-01", False),
        ("2027-01-31", "2026-01-30", True),
        ("2027-01-31", "2026-01-29", False),
        ("9999-12-31", "2027-01-31", False),
        (None, "2027-01-31", False),
        ("", "2027-01-31", False),
        ("soon", "2027-01-31", False),
    ],
)
def test_an_acceptance_ends_and_not_later_than_in_a_year(until: str | None, today: str, holds: bool) -> None:
    assert holds_on(until, today) is holds


def test_what_is_signed_is_this_case_on_these_data_until_that_day() -> None:
    signed = acceptance_digest("m", OPEN, DATA, "2027-01-31")
    other = case(generator={"name": "lift_scan", "trusted": "none", "suspect": "test"}, metric="backdoor_findings")
    assert signed not in {
        acceptance_digest("n", OPEN, DATA, "2027-01-31"),
        acceptance_digest("m", other, DATA, "2027-01-31"),
        acceptance_digest("m", OPEN, digest("other rows"), "2027-01-31"),
        acceptance_digest("m", OPEN, DATA, "2027-02-01"),
    }
