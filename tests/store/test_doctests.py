"""The examples in the docstrings of the store are true."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from shipworthy.store import entries, instants


@pytest.mark.parametrize("module", [entries, instants])
def test_examples_are_true(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
