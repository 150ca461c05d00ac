"""When a candidate is not tried, and how it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.circuit import Circuits
from shipworthy.deploy.http.upstream import Scored

CHECK_S = 0.005


class Health:
    """An upstream of which only its health is asked."""

    def __init__(self, well: bool) -> None:
        self.well = well
        self.asked = 0

    async def score(self, row: list[Any], deadline: float) -> Scored:
        raise AssertionError("nobody asks for a score")

    async def healthy(self, deadline: float) -> bool:
        self.asked += 1
        return self.well


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def attempt(circuits: Circuits, ok: bool | None, version: str = "2") -> None:
    circuits.ended(version, circuits.began(version), ok)


async def opened(health: Health) -> Circuits:
    circuits = Circuits(lambda version: health, CHECK_S)
    for _ in range(5):
        assert not circuits.open("2")
        attempt(circuits, False)
    assert circuits.open("2")
    return circuits


async def half_open(circuits: Circuits) -> None:
    while circuits.state("2") == "open":
        await asyncio.sleep(CHECK_S)
    assert circuits.state("2") == "half_open"


@given(st.lists(st.booleans(), max_size=150))
def test_it_opens_after_five_in_a_row_or_more_than_ten_of_the_last_fifty_and_at_no_other_time(ends: list[bool]) -> None:
    async def main() -> None:
        circuits = Circuits(lambda version: None, 60.0)
        for i, ok in enumerate(ends):
            attempt(circuits, ok)
            last = ends[max(0, i - 49) : i + 1]
            if (not any(last[-5:]) and len(last) >= 5) or last.count(False) > 10:
                assert circuits.open("2")
                break
            assert not circuits.open("2")
        assert circuits.openings == ({"2": 1} if circuits.open("2") else {})
        assert not circuits.open("1")
        await circuits.stop()

    run(main())


def test_what_was_given_up_by_its_caller_is_neither_failure_nor_success() -> None:
    async def main() -> None:
        circuits = Circuits(lambda version: None, 60.0)
        for ok in (False, None, False, None, False, None, False, None):
            attempt(circuits, ok)
        assert not circuits.open("2")
        attempt(circuits, False)
        assert circuits.open("2")
        await circuits.stop()

    run(main())


def test_it_stays_open_while_the_health_check_fails() -> None:
    async def main() -> None:
        health = Health(False)
        circuits = await opened(health)
        while health.asked < 3:
            await asyncio.sleep(CHECK_S)
        assert circuits.state("2") == "open"
        attempt(circuits, False)
        attempt(circuits, True)  # of a request that began before
        assert circuits.open("2")
        assert circuits.openings == {"2": 1}
        await circuits.stop()

    run(main())


def test_half_open_a_few_at_a_time_try_it_and_five_successes_close_it() -> None:
    async def main() -> None:
        circuits = await opened(Health(True))
        await half_open(circuits)
        trials = [circuits.began("2"), circuits.began("2")]
        assert trials == [True, True]
        assert circuits.open("2")  # as many as may
        circuits.ended("2", True, None)
        assert not circuits.open("2")
        circuits.ended("2", True, True)
        for _ in range(4):
            assert circuits.state("2") == "half_open"
            attempt(circuits, True)
        assert circuits.state("2") == "closed"
        assert circuits.began("2") is False
        assert circuits.told() == {"2": {"state": "closed", "openings": 1}}

    run(main())


def test_the_first_failure_of_a_trial_opens_it_again() -> None:
    async def main() -> None:
        circuits = await opened(Health(True))
        await half_open(circuits)
        attempt(circuits, True)
        attempt(circuits, False)
        assert circuits.state("2") == "open"
        assert circuits.openings == {"2": 2}
        await half_open(circuits)
        assert circuits.told() == {"2": {"state": "half_open", "openings": 2}}
        await circuits.stop()

    run(main())


@pytest.mark.parametrize("ok", [True, None])
def test_what_began_before_it_opened_is_no_trial(ok: bool | None) -> None:
    async def main() -> None:
        circuits = Circuits(lambda version: Health(True), CHECK_S)
        before = circuits.began("2")
        for _ in range(5):
            attempt(circuits, False)
        await half_open(circuits)
        assert circuits.began("2")
        assert circuits.began("2")
        circuits.ended("2", before, ok)
        assert circuits.open("2")
        await circuits.stop()

    run(main())
