"""Every example in a docstring of this room is run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import shipworthy.stats

MODULES = sorted(module.name for module in pkgutil.iter_modules(shipworthy.stats.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"shipworthy.stats.{name}"))
    assert result.failed == 0
