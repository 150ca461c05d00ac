"""The page on the target audit says what happens: its cases are read as they stand and run on people of known need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shipworthy.contract.generators.fairness import NEED_GAPS
from shipworthy.contract.pack import read_pack
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.facts import Case, CaseResult
from tests.evaluate.benches import bench, model_of
from tests.evaluate.clinics import FEATURES, by_cost, by_need, people

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "target-audit.md").read_text(encoding="utf-8")


def cases() -> dict[str, Case]:
    pack, _, problems = read_pack(re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0])
    assert not problems
    assert pack is not None
    return {case.id: case for case in pack.cases}


def run(case: Case, score: object) -> CaseResult:
    on = bench(
        datasets={"test": people(4000, 1)},
        features=FEATURES,
        model=model_of(score, FEATURES),  # type: ignore[arg-type]
        scorer=None,
        thresholds=None,
        unit=None,
    )
    assert case.generator is not None
    return GENERATORS[str(case.generator["name"])](case, on, 3).result


def test_the_case_of_the_page_finds_cost_in_the_place_of_need() -> None:
    assert run(cases()["bias.target"], by_cost).status == "fail"
    assert run(cases()["bias.target"], by_need).status == "pass"


@pytest.mark.parametrize("id", ["bias.proxy", "bias.selection"])
def test_the_other_cases_of_the_page_run(id: str) -> None:
    assert run(cases()[id], by_cost).value is not None


def test_the_lines_that_the_page_explains_are_those_that_are_printed() -> None:
    told = [one.told for one in run(cases()["bias.target"], by_cost).worst]
    for line in told:
        name = re.split(r"[:(]", line)[0].strip()
        assert f"| {name} |" in PAGE


def test_every_metric_is_explained() -> None:
    assert all(f"| `{metric}` |" in PAGE for metric in NEED_GAPS)
