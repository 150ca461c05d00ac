"""A score that comes with the request: for an application of one's own, which computes it on the way.

In: the places where versions are asked, and, for one request, who gives its score. Out: the same places, but that the
one version the giver stands for is asked there. It holds for the task that set it, and for nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from typing import NamedTuple

from shipworthy.deploy.http.client import Scored, Upstream, UpstreamFailed
from shipworthy.models.spec import Cell


class Giver(NamedTuple):
    """Stands for `version`; `ask()` begins to compute, None = no score came of it."""

    version: str
    ask: Callable[[], Future[Scored | None]]


GIVER: ContextVar[Giver | None] = ContextVar("giver", default=None)


class Given(Mapping[str, Upstream]):
    """Where versions are asked, the giver of the task first."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        self._upstreams = upstreams

    def __getitem__(self, version: str) -> Upstream:
        giver = GIVER.get()
        if giver is not None and giver.version == version:
            return _Asked(giver)
        return self._upstreams[version]

    def __iter__(self) -> Iterator[str]:
        return iter(self._upstreams)

    def __len__(self) -> int:
        return len(self._upstreams)


class _Asked:
    def __init__(self, giver: Giver) -> None:
        self._giver = giver

    async def score(self, row: list[Cell], deadline: float) -> Scored:
        try:
            async with asyncio.timeout_at(deadline):
                found = await asyncio.wrap_future(self._giver.ask())
        except TimeoutError as error:
            raise UpstreamFailed("timeout") from error
        except Exception as error:  # whatever the application did wrong, it gave no score
            raise UpstreamFailed(f"score: {type(error).__name__}: {error}") from error
        if found is None:
            raise UpstreamFailed("score: none in the answer")
        return found

    async def healthy(self, deadline: float) -> bool:
        return True
