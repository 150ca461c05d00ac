"""The throttle against a brute-force bucket, and its edges."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.throttle import Gcra, Part, Throttles, headers, longest_s
from shipworthy.errors import UsageError

# Sixty-fourths and rates that are powers of two are exact in floating point, so that equality can be demanded.
STEPS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 3)), max_size=60)


class Bucket:
    """A token bucket in exact fractions: `burst` tokens at first, `rate` more a second, never over `burst`."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.at = Fraction(burst), Fraction(0)

    def admit(self, now: Fraction, cost: int) -> bool:
        self.tokens = min(Fraction(self.burst), self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


@given(steps=STEPS, rate=st.sampled_from([1, 2, 4, 16]), burst=st.integers(1, 9))
def test_it_admits_exactly_what_a_token_bucket_admits(steps: list[tuple[int, int]], rate: int, burst: int) -> None:
    gcra, bucket = Gcra(Throttle(rate_per_s=rate, burst=burst)), Bucket(rate, burst)
    now = Fraction(0)
    for wait, cost in steps:
        now += Fraction(wait, 64)
        admission = gcra.admit("t", float(now), cost)
        assert admission.ok == bucket.admit(now, cost)
        assert admission.remaining == int(bucket.tokens)
        if not admission.ok and cost <= burst:
            assert Fraction(admission.retry_after_s) == (cost - bucket.tokens) / rate


def test_coming_back_when_told_is_admitted() -> None:
    gcra = Gcra(Throttle(rate_per_s=4, burst=2))
    assert [gcra.admit("t", 100.0).ok for _ in range(3)] == [True, True, False]
    wait = gcra.admit("t", 100.0).retry_after_s
    assert not gcra.admit("t", 100.0 + wait - 0.01).ok
    assert gcra.admit("t", 100.0 + wait).ok


def test_one_tenant_never_uses_up_another() -> None:
    throttles = Throttles(Throttle(rate_per_s=1, burst=1), {"big": Throttle(rate_per_s=10, burst=5)})
    taken = [throttles.admit("noisy", 0.0) for _ in range(50)]
    assert sum(1 for one in taken if one and one.ok) == 1
    quiet = throttles.admit("quiet", 0.0)
    assert quiet is not None
    assert quiet.ok
    assert sum(1 for _ in range(9) if (one := throttles.admit("big", 0.0)) and one.ok) == 5


def test_inventing_tenants_buys_one_shared_bucket_only() -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=1), most=10)
    assert sum(gcra.admit(f"t{i}", 0.0).ok for i in range(1_000)) == 11


def test_buckets_that_are_full_again_are_forgotten() -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=1), most=10)
    for i in range(10):
        assert gcra.admit(f"t{i}", 0.0).ok
    assert sum(gcra.admit(f"u{i}", 5.0).ok for i in range(10)) == 10


def test_a_clock_that_goes_back_never_locks_a_tenant_out() -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=2))
    assert gcra.admit("t", 1_000_000.0).ok
    assert gcra.admit("t", 0.0).retry_after_s <= 2.0
    assert gcra.admit("t", 2.0).ok


def test_a_clock_that_goes_back_does_not_fill_the_table_for_days() -> None:
    gcra = Gcra(Throttle(rate_per_s=1, burst=2), most=4)
    assert sum(gcra.admit(f"t{i}", 200_000.0).ok for i in range(4)) == 4
    assert sum(gcra.admit(f"u{i}", 0.0).ok for i in range(4)) == 4


@pytest.mark.parametrize("jump", [-172_800.0, 172_800.0])
def test_a_clock_that_jumps_two_days_gives_one_burst_at_most(jump: float) -> None:
    gcra, now = Gcra(Throttle(rate_per_s=4, burst=8)), 1e9
    assert sum(gcra.admit("t", now).ok for _ in range(20)) == 8
    assert sum(gcra.admit("t", now + jump).ok for _ in range(20)) <= 8
    assert gcra.admit("t", now + jump + 2.0).ok


def test_a_full_table_looks_for_room_once_a_second_not_at_every_newcomer() -> None:
    """Else each tenant that somebody invents would cost a walk over all buckets."""
    gcra = Gcra(Throttle(rate_per_s=4, burst=1), most=2)
    assert [gcra.admit(name, 0.0).ok for name in ("t0", "t1", "u0", "u1")] == [True, True, True, False]
    assert [gcra.admit(f"v{i}", 0.5).ok for i in range(3)] == [True, False, False]
    assert [gcra.admit(f"w{i}", 1.5).ok for i in range(3)] == [True, True, True]


def test_the_longest_burst_is_that_of_the_slowest_limit() -> None:
    slow, quick = Throttle(rate_per_s=0.5, burst=10), Throttle(rate_per_s=100, burst=10)
    assert longest_s(quick, {"acme": slow}) == 20.0
    assert longest_s(slow) == 20.0
    assert longest_s(None) == 0.0


@pytest.mark.parametrize("part", [Part(1, 1), Part(-1, 2), Part(0, 0)])
def test_a_part_of_nothing_is_refused(part: Part) -> None:
    with pytest.raises(UsageError):
        Gcra(Throttle(rate_per_s=1, burst=1), part=part)


def test_the_headers_say_the_limit_and_when_to_come_back() -> None:
    gcra = Gcra(Throttle(rate_per_s=0.5, burst=1))
    first, second = gcra.admit("t", 0.0), gcra.admit("t", 0.5)
    assert headers(first) == [(b"ratelimit-policy", b'"tenant";q=1;w=2'), (b"ratelimit", b'"tenant";r=0;t=2')]
    assert (b"retry-after", b"2") in headers(second)


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (float("inf"), 1), (1.0, 0)])
def test_a_limit_that_limits_nothing_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(UsageError):
        Gcra(Throttle(rate_per_s=rate, burst=burst))
