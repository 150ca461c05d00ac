"""Cases that test the detector: a fault of a known kind must be flagged, and the case says on how many rows."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate.probe_case import run_case
from shipworthy.facts import CaseResult
from tests.evaluate.benches import FEATURES, bench, case


def run(generator: dict[str, Any], **changes: Any) -> CaseResult:
    one = case(hits="ood_flag == true", among="true", op=">=", target=0.9, generator={"name": "probe", **generator})
    return run_case(one, bench(**changes), 3).result


@pytest.mark.parametrize("kind", ["unseen", "sentinel", "null"])
def test_a_fault_of_a_plain_kind_is_flagged(kind: str) -> None:
    found = run({"probe": kind, "sample": 200})
    assert (found.status, found.n) == ("pass", 200)


def test_a_fault_is_put_where_the_case_says() -> None:
    assert run({"probe": "unseen", "feature": "supplier", "sample": 100}).value == 1.0


def test_a_detector_that_sees_nothing_fails_the_case() -> None:
    found = run({"probe": "swap", "sample": 200})
    assert found.status == "fail"


def test_without_a_detector_nothing_is_known() -> None:
    assert run({"probe": "unseen", "sample": 100}, scorer=None).status != "pass"


def test_the_same_seed_gives_the_same_result() -> None:
    assert run({"probe": "sentinel", "sample": 150}) == run({"probe": "sentinel", "sample": 150})


@pytest.mark.parametrize(
    ("generator", "told"),
    [
        ({"probe": "gremlin"}, "no probe 'gremlin'"),
        ({}, "probe is missing"),
        ({"probe": "unseen", "sampel": 10}, "unknown parameter 'sampel'"),
    ],
)
def test_a_case_that_cannot_be_understood_is_refused(generator: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        run(generator)


def test_a_kind_that_no_field_can_have_is_refused() -> None:
    numbers = tuple(feature for feature in FEATURES if feature.type != "category")
    with pytest.raises(ContractError, match="no row has a field"):
        run({"probe": "unseen"}, features=numbers, scorer=None, thresholds=None)
