"""A site whose version 1 denies nearly everybody whose supplier it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.incident_kit import mend, promoted
from tests.flows.tiny import Tiny


@pytest.fixture(scope="session")
def _denying(_written: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = _written.copy(tmp_path_factory.mktemp("incident") / "denying")
    tiny.edit("shipworthy.yaml", ", buckets: [supplier]", "")
    tiny.weigh(unknown=-8)
    tiny.prepare()
    tiny.ship()
    tiny.clock.advance(3600)
    return tiny


@pytest.fixture
def denying(_denying: Tiny, tmp_path: Path) -> Tiny:
    return _denying.copy(tmp_path / "site")


@pytest.fixture(scope="session")
def _mended(_denying: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    tiny = _denying.copy(tmp_path_factory.mktemp("incident") / "mended")
    mend(tiny, promoted(tiny))
    return tiny


@pytest.fixture
def mended(_mended: Tiny, tmp_path: Path) -> Tiny:
    """A site whose first incident is promoted and led, with the version beside it that mends it: ready to close."""
    return _mended.copy(tmp_path / "site")
