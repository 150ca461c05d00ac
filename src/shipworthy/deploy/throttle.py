"""Throttle per tenant: the generic cell rate algorithm (GCRA, ITU-T I.371; virtual scheduling form).

In: limits, a tenant and the time. Out: admitted or not, how many are left and when to come back. One float per tenant:
its theoretical arrival time. Tenants without a limit of their own get the default limit each; when too many of them
are active at once, newcomers share one bucket, so that inventing tenants buys nothing. Several processes share one
table of times, which is an argument. When it fails, each process has its part of the limit for itself: parts add up to
the limit, never to a multiple of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from shipworthy.errors import ShipworthyError, UsageError
from shipworthy.facts import Fact

_SHARED = "\x00shared"
_SWEEP_EVERY_S = 1.0
_ROUNDING_S = 1e-6  # times of day carry about 1e-7 s of it


class Limit(Protocol):
    """`rate_per_s` sustained, `burst` at once."""

    @property
    def rate_per_s(self) -> float: ...
    @property
    def burst(self) -> int: ...


class Times(Protocol):
    """A table of arrival times that processes share; `store.bucket_map.BucketMap` is one."""

    def exchange(self, name: str, now_s: float, burst_s: float, step: Callable[[float], float], spare: bool) -> bool:
        """Replace the time of `name` by `step(time)` alone; False when no slot is free. Raises ShipworthyError."""


class Part(NamedTuple):
    """Which of how many processes this is: its part of a limit when there is no table. Parts add up to the whole."""

    number: int = 0
    of: int = 1

    def burst(self, whole: int) -> int:
        """Return this process's part of a burst.

        >>> [Part(number, 3).burst(20) for number in range(3)]
        [7, 7, 6]
        """
        return whole // self.of + (1 if self.number < whole % self.of else 0)


ALONE = Part()


class Admission(Fact, frozen=True, kw_only=True):
    """The answer: `remaining` more would be admitted now; `retry_after_s` seconds until this one would be."""

    ok: bool
    remaining: int
    retry_after_s: float
    burst: int
    rate_per_s: float


class Gcra:
    """Buckets of equal limit, by tenant. `times`: the shared table; without one they live in this process."""

    __slots__ = (
        "_born_s", "_burst_s", "_interval_s", "_limit", "_local", "_most", "_part", "_shared", "_swept_s", "_tat",
        "_times", "trouble",
    )  # fmt: skip

    def __init__(
        self,
        limit: Limit,
        most: int = 10_000,
        times: Times | None = None,
        part: Part = ALONE,
        born_s: float = -math.inf,
    ) -> None:
        """`most`: buckets kept at once; `born_s`: when all buckets were empty. Raises UsageError."""
        if not (limit.rate_per_s > 0 and math.isfinite(limit.rate_per_s)) or limit.burst < 1:
            raise UsageError("a throttle needs a rate above 0 and a burst of at least 1", "throttles")
        if not 0 <= part.number < part.of:
            raise UsageError(f"process {part.number} of {part.of}", "throttles", "count from 0")
        self._limit = limit
        self._interval_s = 1.0 / limit.rate_per_s
        self._burst_s = limit.burst * self._interval_s
        self._most = most
        self._tat: dict[str, float] = {}
        self._swept_s = -math.inf
        self._born_s = born_s
        self._times = times
        self._part = part
        self._shared = f"{_SHARED} {limit.rate_per_s!r} {limit.burst}"
        self._local: Gcra | None = None
        self.trouble = ""

    def admit(self, tenant: str, now_s: float, cost: int = 1) -> Admission:
        """Admit `cost` requests at once or none. A clock that went back never locks a tenant out."""
        if self._times is not None:
            return self._admit_shared(self._times, tenant, now_s, cost)
        tenant = self._bucket(tenant, now_s)
        tat, wait_s = self._advanced(self._tat.get(tenant, self._born_s + self._burst_s), now_s, cost)
        self._tat[tenant] = tat
        return self._answer(tat, now_s, wait_s)

    def _advanced(self, tat: float, now_s: float, cost: int) -> tuple[float, float]:
        """Return the next arrival time, and how long to wait: above 0 nothing was taken.

        Also when refused the time is kept as it was cut to one burst from now: a clock gone back makes it far too late.
        """
        tat = min(max(tat, now_s), now_s + self._burst_s)
        after = tat + cost * self._interval_s
        wait_s = after - self._burst_s - now_s
        return (tat, wait_s) if wait_s > 0 else (after, 0.0)

    def _admit_shared(self, times: Times, tenant: str, now_s: float, cost: int) -> Admission:
        tat, wait_s = 0.0, 0.0

        def step(before: float) -> float:
            nonlocal tat, wait_s
            tat, wait_s = self._advanced(before, now_s, cost)
            return tat

        try:
            if times.exchange(tenant, now_s, self._burst_s, step, False) or times.exchange(
                self._shared, now_s, self._burst_s, step, True
            ):
                self.trouble = ""
                self._local = None
                return self._answer(tat, now_s, wait_s)
            self.trouble = "the table of the throttle is full"
        except ShipworthyError as problem:
            self.trouble = str(problem)
        return self._admit_alone(tenant, now_s, cost)

    def _admit_alone(self, tenant: str, now_s: float, cost: int) -> Admission:
        """Admit out of this process's part of the limit."""
        burst = self._part.burst(self._limit.burst)
        if burst == 0:
            return self._answer(now_s + self._burst_s, now_s, self._burst_s)
        if self._local is None:
            rate_per_s = self._limit.rate_per_s * burst / self._limit.burst
            self._local = Gcra(_Share(rate_per_s, burst), self._most, born_s=now_s)  # else each failure were a burst
        alone = self._local.admit(tenant, now_s, cost)
        limit = self._limit
        return Admission(
            ok=alone.ok,
            remaining=alone.remaining,
            retry_after_s=alone.retry_after_s,
            burst=limit.burst,
            rate_per_s=limit.rate_per_s,
        )

    def _answer(self, tat: float, now_s: float, wait_s: float) -> Admission:
        # Without the small term the last place of a burst reads as 0.
        remaining = int((self._burst_s - (tat - now_s)) / self._interval_s + 1e-6)
        limit = self._limit
        return Admission(
            ok=wait_s <= 0, remaining=remaining, retry_after_s=wait_s, burst=limit.burst, rate_per_s=limit.rate_per_s
        )

    def _bucket(self, tenant: str, now_s: float) -> str:
        if tenant in self._tat or len(self._tat) < self._most:
            return tenant
        if not 0 <= now_s - self._swept_s < _SWEEP_EVERY_S:  # else each invented tenant would cost a walk over all
            self._sweep(now_s)
        return tenant if len(self._tat) < self._most else self._shared

    def _sweep(self, now_s: float) -> None:
        """Forget buckets whose time has passed: as full as new ones. What is too far ahead is of another clock."""
        self._swept_s = now_s
        end_s = now_s + self._burst_s + _ROUNDING_S
        self._tat = {name: tat for name, tat in self._tat.items() if now_s < tat <= end_s}


class _Share(NamedTuple):
    rate_per_s: float
    burst: int


class Throttles:
    """The default limit and those of named tenants. Without any limit at all, everything is admitted."""

    __slots__ = ("_default", "_named")

    def __init__(
        self,
        default: Limit | None = None,
        tenants: Mapping[str, Limit] | None = None,
        times: Times | None = None,
        part: Part = ALONE,
    ) -> None:
        """`times`: the table that all processes share; `part`: which of how many of them this is."""
        self._default = Gcra(default, times=times, part=part) if default else None
        self._named = {name: Gcra(limit, times=times, part=part) for name, limit in (tenants or {}).items()}

    def admit(self, tenant: str, now_s: float, cost: int = 1) -> Admission | None:
        """Return the admission; None when no limit holds for the tenant."""
        gcra = self._named.get(tenant, self._default)
        return gcra.admit(tenant, now_s, cost) if gcra else None

    @property
    def trouble(self) -> str:
        """Why limits are counted in parts at the moment, "" when they are whole."""
        every = (*([self._default] if self._default else ()), *self._named.values())
        return next((one.trouble for one in every if one.trouble), "")


def longest_s(default: Limit | None, tenants: Mapping[str, Limit] | None = None) -> float:
    """Return the longest time that a full burst takes of any limit, in seconds; 0 without limits."""
    every = (*([default] if default else ()), *(tenants or {}).values())
    return max((limit.burst / limit.rate_per_s for limit in every), default=0.0)


def headers(admission: Admission) -> list[tuple[bytes, bytes]]:
    """Return `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), if refused `Retry-After`.

    Both are lists of structured fields (RFC 9651): the policy's name as a string; `q` is the quota, `w` the seconds in
    which it refills, `r` what is left of it, `t` the seconds until it is whole again.
    """
    window_s = max(1, math.ceil(admission.burst / admission.rate_per_s))
    reset_s = math.ceil((admission.burst - admission.remaining) / admission.rate_per_s)
    lines = [
        (b"ratelimit-policy", b'"tenant";q=%d;w=%d' % (admission.burst, window_s)),
        (b"ratelimit", b'"tenant";r=%d;t=%d' % (admission.remaining, reset_s)),
    ]
    if not admission.ok:
        lines.append((b"retry-after", b"%d" % max(1, math.ceil(admission.retry_after_s))))
    return lines
