"""The least release that a gateway serves: four columns, a scorer that finds nothing strange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shipworthy.contract.manifest import Decisions
from shipworthy.deploy.release import Release

SUPPLIERS = "supplier"
COLUMNS = (("amount", "float"), ("age", "int"), (SUPPLIERS, "category"), ("urgent", "bool"))


class _Seen(NamedTuple):
    p: float = 0.5
    view: str = ""
    feature: str | None = None
    flag: bool = False
    unseen: tuple[str, ...] = ()


_NOTHING = _Seen()


class Scorer:
    """Finds nothing strange."""

    def score(self, row: Mapping[str, Any], /) -> _Seen:
        """Return the score of an ordinary row."""
        return _NOTHING

    def bucket(self, row: Mapping[str, Any], /) -> tuple[str, ...]:
        """Return that nothing is unseen."""
        return ()


def release(version: str) -> Release:
    """Return the release."""
    return Release(version=version, words=Decisions(), columns=COLUMNS, scorer=Scorer())
