"""A site whose version 1 denies nearly everybody whose supplier it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.tiny import Tiny


@pytest.fixture(scope="module")
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
