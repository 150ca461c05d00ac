"""The tiny model repository of `tests/flows/tiny.py`, shipped once a run and copied for each test.

It is imported when a test first asks for it: the tests of the pure rooms load no numerical library. `make test` shares
the files out between workers; a busy machine makes a test slow and must never make it fail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.once import once, run_folder

if TYPE_CHECKING:
    from tests.flows.tiny import Tiny

_NOT_TRACED = [phase for phase in Phase if phase is not Phase.explain]  # explaining traces every line of every example
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=_NOT_TRACED)
settings.load_profile("untimed")

Kept = Callable[[str, "Callable[[Path], Tiny]"], "Tiny"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what asks for more time than usual: begun last, it would run on alone."""
    if hasattr(config, "workerinput"):
        items.sort(key=_limit_s, reverse=True)


def _limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark and mark.args else 0.0


@pytest.fixture(scope="session")
def _kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Make a repository once a run, with the time its clock showed."""
    from shipworthy.testing.clock import HandClock
    from tests.flows.tiny import Tiny

    base = run_folder(request.config, tmp_path_factory)

    def kept(name: str, make: Callable[[Path], Tiny]) -> Tiny:
        def made(fresh: Path) -> None:
            tiny = make(fresh / "tiny")
            (fresh / "clock").write_text(tiny.clock().isoformat())

        folder = once(base, name, made)
        return Tiny(folder / "tiny", HandClock(datetime.fromisoformat((folder / "clock").read_text())))

    return kept


@pytest.fixture(scope="session")
def _written(_kept: Kept) -> Tiny:
    from tests.flows.tiny import write_tiny

    return _kept("written", write_tiny)


@pytest.fixture(scope="session")
def _prepared(_kept: Kept, _written: Tiny) -> Tiny:
    def make(at: Path) -> Tiny:
        tiny = _written.copy(at)
        tiny.prepare()
        return tiny

    return _kept("prepared", make)


@pytest.fixture(scope="session")
def _shipped(_kept: Kept, _prepared: Tiny) -> Tiny:
    def make(at: Path) -> Tiny:
        tiny = _prepared.copy(at)
        tiny.ship()
        return tiny

    return _kept("shipped", make)


@pytest.fixture(scope="session")
def _rolling(_kept: Kept, _shipped: Tiny) -> Tiny:
    from tests.flows.tiny import FAULTY_AGE

    def make(at: Path) -> Tiny:
        tiny = _shipped.copy(at)
        tiny.clock.advance(3600)
        tiny.release("2", slope=0.51, fault=FAULTY_AGE)
        tiny.ship()
        tiny.start("2")
        return tiny

    return _kept("rolling", make)


@pytest.fixture(scope="session")
def _blocked(_kept: Kept, _shipped: Tiny) -> Tiny:
    from tests.flows.overriding import worse

    def make(at: Path) -> Tiny:
        tiny = _shipped.copy(at)
        worse(tiny)
        return tiny

    return _kept("blocked", make)


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


@pytest.fixture
def blocked(_blocked: Tiny, tmp_path: Path) -> Tiny:
    """Version 1 shipped, and version 2 prepared an hour later, which the gate does not pass: it is worse calibrated."""
    return _blocked.copy(tmp_path / "site")
