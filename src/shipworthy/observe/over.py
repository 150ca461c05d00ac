"""What a measurement from windows is over: a scope and an interval of decision minutes, with the minutes of silence.

In: the scope, [start, end) in minutes, the silent minutes, the level of the bounds. Out: `Measurement`s that say so. A
silent shard makes every number None: what nobody saw is not quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from shipworthy.facts import Measurement, Scope, canonical_segment, parse_segment
from shipworthy.observe.measure import LEVEL, gap_told
from shipworthy.observe.minutes import start_of

TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Over:
    """What to measure. `quantile` and `source` are those that the measurements carry."""

    scope: Scope
    start: int
    end: int
    silent: Sequence[int] = ()
    level: float = LEVEL
    quantile: int | None = None
    source: str = "online"

    def number(
        self,
        indicator: str,
        n: int,
        bounds: tuple[float, float, float],
        method: str,
        part: str | None = None,
    ) -> Measurement:
        """Return a number with its lower and upper bound; (value, lower, upper)."""
        value, lo, hi = (None, None, None) if self.silent else bounds
        return self._made(indicator, n, value, lo, hi, gap_told(self.silent) or method, part)

    def nothing(self, indicator: str, n: int, why: str) -> Measurement:
        """Return a measurement without a number, and why there is none."""
        return self._made(indicator, n, None, None, None, why, None)

    def _made(
        self, indicator: str, n: int, value: float | None, lo: float | None, hi: float | None, method: str,
        part: str | None,
    ) -> Measurement:  # fmt: skip
        return Measurement(
            indicator=indicator,
            segment=self.scope.segment,
            quantile=self.quantile,
            source=self.source,
            start=start_of(self.start),
            end=start_of(self.end),
            n=n,
            value=value,
            lo=lo,
            hi=hi,
            level=self.level,
            method=method,
            part=part,
        )


def places(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return the (tenant, segment) of the windows that a scope is the sum of: a request lies in exactly one of them.

    >>> places(Scope(model="m", segment="supplier=P42,P73;tenant=acme"))
    (('acme', 'supplier=P42'), ('acme', 'supplier=P73'))
    """
    terms = parse_segment(scope.segment)
    tenants = sorted(terms.pop(TENANT, frozenset({scope.tenant})))
    each = [[(key, value) for value in sorted(values)] for key, values in sorted(terms.items())]
    segments = [canonical_segment({key: (value,) for key, value in chosen}) for chosen in product(*each)]
    return tuple((tenant, segment) for tenant in tenants for segment in segments)


def in_full_windows(scope: Scope) -> bool:
    """True when the full windows show the scope: all traffic, or that of tenants."""
    return set(parse_segment(scope.segment)) <= {TENANT}
