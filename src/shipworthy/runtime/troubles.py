"""Exceptions of the parts of a whole: every part is done, and what failed is told when all of it is.

In: parts, each in a `with`. Out: the first exception, raised at the end; the others are logged.
"""

from __future__ import annotations

import logging
from types import TracebackType

_log = logging.getLogger("shipworthy.controller")


class Troubles:
    """What failed so far."""

    def __init__(self) -> None:
        self._met: list[Exception] = []

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(problem, Exception):
            self._met.append(problem)
        return isinstance(problem, Exception)

    def tell(self) -> None:
        """Raise the first, if there is one; log the others."""
        for problem in self._met[1:]:
            _log.error("a decision could not be taken in: %s", problem, exc_info=problem)
        if self._met:
            raise self._met[0]
