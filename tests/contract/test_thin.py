from __future__ import annotations

import pytest

from shipworthy.contract.problems import Findings
from shipworthy.contract.thin import rows_needed, too_thin
from shipworthy.facts import Case
from tests.evaluate.benches import case


def told(one: Case, most: int | None) -> list[str]:
    found = Findings("robustness-pack.yaml", {})
    too_thin([one], lambda _: most, found)
    return [problem.what for problem in found.problems]


# 0 of n proves <= t at 95 % when 1 - .05 ** (1 / n) <= t (Clopper-Pearson): 59 for .05, 14 for .2, 299 for .01.
@pytest.mark.parametrize(("target", "needed"), [(0.05, 59), (0.2, 14), (0.01, 299)])
def test_the_rows_needed_are_those_of_a_perfect_answer(target: float, needed: int) -> None:
    one = case(target=target)
    assert rows_needed(one) == needed
    assert told(one, needed) == []
    assert told(one, needed - 1) == [
        f"case 'case.one': {needed - 1} rows can count, {needed} are needed before a perfect answer could pass"
    ]


def test_a_share_that_must_be_high_needs_as_many() -> None:
    assert rows_needed(case(op=">=", target=0.95)) == 59


def test_a_minor_or_trial_case_is_kept() -> None:
    assert told(case(target=0.01, severity="minor"), 3) == []
    assert told(case(target=0.01, trial=True), 3) == []
    assert told(case(target=0.01, severity="major"), 3) != []


@pytest.mark.parametrize(("op", "target"), [("<=", 0.0), (">=", 1.0)])
def test_what_no_number_of_rows_proves_is_refused(op: str, target: float) -> None:
    assert told(case(op=op, target=target), 10**6) == [
        f"case 'case.one': no number of rows proves a share {op} {target:g}"
    ]
    assert told(case(op=op, target=target, severity="minor"), 10**6) == []


def test_what_cannot_be_told_before_it_runs_is_left_to_the_evaluation() -> None:
    assert told(case(target=0.01), None) == []
    assert rows_needed(case(op="==", target=0.0)) is None
    scan = case(generator={"name": "lift_scan"}, metric="backdoor_findings", op="<=", target=0.0)
    assert rows_needed(scan) is None
    told_apart = case(generator={"name": "membership"}, metric="membership_tpr", target=0.03)
    assert rows_needed(told_apart) is None
    flips = case(generator={"name": "nearest_flip"}, metric="feasible_flip_rate", target=0.1)
    assert rows_needed(flips) == 29
