"""Throttle per tenant: the generic cell rate algorithm (GCRA, ITU-T I.371; virtual scheduling form).

In: limits, a tenant and the time. Out: admitted or not, how many are left and when to come back. One float per tenant:
its theoretical arrival time. Tenants without a limit of their own get the default limit each; when too many of them
are active at once, newcomers share one bucket, so that inventing tenants buys nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from shipworthy.errors import UsageError
from shipworthy.facts import Fact

_SHARED = "\x00shared"


class Limit(Protocol):
    """`rate_per_s` sustained, `burst` at once."""

    @property
    def rate_per_s(self) -> float: ...
    @property
    def burst(self) -> int: ...


class Admission(Fact, frozen=True, kw_only=True):
    """The answer: `remaining` more would be admitted now; `retry_after_s` seconds until this one would be."""

    ok: bool
    remaining: int
    retry_after_s: float
    burst: int
    rate_per_s: float


class Gcra:
    """Buckets of equal limit, by tenant."""

    __slots__ = ("_burst_s", "_interval_s", "_limit", "_most", "_tat")

    def __init__(self, limit: Limit, most: int = 10_000) -> None:
        if not (limit.rate_per_s > 0 and math.isfinite(limit.rate_per_s)) or limit.burst < 1:
            raise UsageError("a throttle needs a rate above 0 and a burst of at least 1", "throttles")
        self._limit = limit
        self._interval_s = 1.0 / limit.rate_per_s
        self._burst_s = limit.burst * self._interval_s
        self._most = most
        self._tat: dict[str, float] = {}

    def admit(self, tenant: str, now_s: float, cost: int = 1) -> Admission:
        """Admit `cost` requests at once or none. A clock that went back never locks a tenant out."""
        tenant = self._bucket(tenant, now_s)
        tat = min(max(self._tat.get(tenant, now_s), now_s), now_s + self._burst_s)
        after = tat + cost * self._interval_s
        wait_s = after - self._burst_s - now_s
        if wait_s > 0:
            self._tat[tenant] = tat  # keeps a time that a clock gone back has cut down
            return self._answer(False, tat, now_s, wait_s)
        self._tat[tenant] = after
        return self._answer(True, after, now_s, 0.0)

    def _answer(self, ok: bool, tat: float, now_s: float, wait_s: float) -> Admission:
        # Times of day carry about 1e-7 s of rounding: without the small term the last place of a burst reads as 0.
        remaining = int((self._burst_s - (tat - now_s)) / self._interval_s + 1e-6)
        limit = self._limit
        return Admission(
            ok=ok, remaining=remaining, retry_after_s=wait_s, burst=limit.burst, rate_per_s=limit.rate_per_s
        )

    def _bucket(self, tenant: str, now_s: float) -> str:
        if tenant in self._tat or len(self._tat) < self._most:
            return tenant
        # A bucket whose time has passed is as full as a new one: forgetting it changes nothing.
        self._tat = {name: tat for name, tat in self._tat.items() if tat > now_s}
        return tenant if len(self._tat) < self._most else _SHARED


class Throttles:
    """The default limit and those of named tenants. Without any limit at all, everything is admitted."""

    __slots__ = ("_default", "_named")

    def __init__(self, default: Limit | None = None, tenants: Mapping[str, Limit] | None = None) -> None:
        self._default = Gcra(default) if default else None
        self._named = {name: Gcra(limit) for name, limit in (tenants or {}).items()}

    def admit(self, tenant: str, now_s: float, cost: int = 1) -> Admission | None:
        """Return the admission; None when no limit holds for the tenant."""
        gcra = self._named.get(tenant, self._default)
        return gcra.admit(tenant, now_s, cost) if gcra else None


def headers(admission: Admission) -> list[tuple[bytes, bytes]]:
    """Return `RateLimit-Policy`, `RateLimit` (draft-ietf-httpapi-ratelimit-headers) and, if refused, `Retry-After`."""
    window_s = max(1, math.ceil(admission.burst / admission.rate_per_s))
    reset_s = math.ceil((admission.burst - admission.remaining) / admission.rate_per_s)
    lines = [
        (b"ratelimit-policy", b'"tenant";q=%d;w=%d' % (admission.burst, window_s)),
        (b"ratelimit", b'"tenant";r=%d;t=%d' % (admission.remaining, reset_s)),
    ]
    if not admission.ok:
        lines.append((b"retry-after", b"%d" % max(1, math.ceil(admission.retry_after_s))))
    return lines
