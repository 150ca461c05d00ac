"""What the page on own evaluators shows is run, and the evaluator on it keeps the rules that it lists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shipworthy.testing import evaluators
from shipworthy.testing.evaluators import broken_rules

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "own-evaluator.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TOML = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shown() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": __name__}
    for block in PYTHON:
        exec(compile(block, "own-evaluator.md", "exec"), names)
    return names


def test_the_evaluator_on_the_page_keeps_the_rules(shown: dict[str, Any]) -> None:
    assert len(PYTHON) == 2
    assert broken_rules(shown["EVALUATOR"], {"feature": "amount"}) == ()


def test_the_entry_point_is_of_the_group_that_is_loaded(shown: dict[str, Any]) -> None:
    (block,) = TOML
    ((name, where),) = tomllib.loads(block)["project"]["entry-points"]["shipworthy.evaluators"].items()
    assert name == shown["SHAPE"].name
    assert where.endswith(":EVALUATOR")


def test_every_rule_of_the_kit_is_on_the_page() -> None:
    rules = re.findall(r"^(\w+) +- ", evaluators.__doc__ or "", re.MULTILINE)
    assert rules == ["results", "seeds", "refusals", "empty", "models", "cost", "manners"]
    table = re.findall(r"^\| ([\w ]+) \|", PAGE, re.MULTILINE)
    assert all(any(rule in row for row in table) for rule in rules)
