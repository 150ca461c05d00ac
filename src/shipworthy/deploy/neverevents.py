"""Never events, compiled once and asked before anything leaves.

In: the policy's never events and the named values of one decision (the row, `decision`, `score`, ...). Out: the names
of those that are true, and of those that cannot be told. What cannot be told is not safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shipworthy.errors import ContractError
from shipworthy.expr import ExprError, Expression, compile_expr
from shipworthy.facts import NeverEvent


class NeverEvents:
    """The never events of one endpoint. Falsy when there is none."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: tuple[tuple[str, Expression], ...]) -> None:
        self._compiled = compiled

    def __bool__(self) -> bool:
        return bool(self._compiled)

    @property
    def compiled(self) -> tuple[tuple[str, Expression], ...]:
        """Return names and expressions, for whoever asks them of columns."""
        return self._compiled

    def check(self, fields: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return (names that are true, names that are unknown)."""
        violated: tuple[str, ...] = ()
        unknown: tuple[str, ...] = ()
        for name, never in self._compiled:
            seen = never(fields)
            if seen is None:
                unknown += (name,)
            elif seen:
                violated += (name,)
        return violated, unknown


def compile_never(events: Iterable[NeverEvent], endpoint: str = "decide") -> NeverEvents:
    """Compile those that hold for `endpoint`. Raises ContractError when one does not compile: never skipped."""
    compiled = []
    for event in events:
        if event.endpoint not in ("*", endpoint):
            continue
        try:
            compiled.append((event.name, compile_expr(event.never)))
        except ExprError as error:
            raise ContractError(f"never event {event.name}: {error}", "safety-slos.yaml", "mend never:") from error
    return NeverEvents(tuple(compiled))
