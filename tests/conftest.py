"""The tiny model repository of `tests/flows/tiny.py`, shipped once a session and copied for each test.

It is imported when a test first asks for it: the tests of the pure rooms load no numerical library.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.flows.tiny import Tiny


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    from tests.flows.tiny import write_tiny

    return write_tiny(tmp_path_factory.mktemp("tiny") / "written")


@pytest.fixture(scope="session")
def _prepared(_written: Tiny) -> Tiny:
    tiny = _written.copy(_written.at.parent / "prepared")
    tiny.prepare()
    return tiny


@pytest.fixture(scope="session")
def _shipped(_prepared: Tiny) -> Tiny:
    tiny = _prepared.copy(_prepared.at.parent / "shipped")
    tiny.ship()
    return tiny


@pytest.fixture(scope="session")
def _rolling(_shipped: Tiny) -> Tiny:
    from tests.flows.tiny import FAULTY_AGE

    tiny = _shipped.copy(_shipped.at.parent / "rolling")
    tiny.clock.advance(3600)
    tiny.release("2", slope=0.51, fault=FAULTY_AGE)
    tiny.ship()
    tiny.start("2")
    return tiny


@pytest.fixture
def written(_written: Tiny, tmp_path: Path) -> Tiny:
    """Contract files and keys, note not stamped, nothing built."""
    return _written.copy(tmp_path / "site")


@pytest.fixture
def prepared(_prepared: Tiny, tmp_path: Path) -> Tiny:
    """Stamped, built, signed and evaluated; the gate has not been asked."""
    return _prepared.copy(tmp_path / "site")


@pytest.fixture
def shipped(_shipped: Tiny, tmp_path: Path) -> Tiny:
    """Version 1 shipped: it is the warm baseline."""
    return _shipped.copy(tmp_path / "site")


@pytest.fixture
def rolling(_rolling: Tiny, tmp_path: Path) -> Tiny:
    """Version 2 shipped as well, an hour later, and its rollout started by ana: all of acme, nobody else."""
    return _rolling.copy(tmp_path / "site")
