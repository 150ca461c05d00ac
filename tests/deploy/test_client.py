"""The pool of connections: whatever a server does, a request ends once, in time, and with its own answer."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from shipworthy.deploy.http.client import Pool, Scored, UpstreamFailed
from tests.deploy.raw import WAYS, Handler, answer, good, hung, raw

ROW: list[Any] = [1.0]
LOOPS = [uvloop.new_event_loop, asyncio.new_event_loop]


def run(work: Callable[[], Coroutine[Any, Any, Any]], new_loop: Any = uvloop.new_event_loop) -> Any:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work())


def soon(seconds: float = 20.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def opened(port: int, **options: Any) -> AsyncIterator[Pool]:
    pool = Pool("127.0.0.1", port, **options)
    try:
        yield pool
    finally:
        pool.close()
        await asyncio.sleep(0.01)  # a transport is closed by its loop


async def failure(pool: Pool, seconds: float = 20.0) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as caught:
        await pool.score(ROW, soon(seconds))
    return caught.value


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_break_is_a_failure_with_a_reason_and_frees_its_place(way: str, new_loop: Any) -> None:
    handler, reason = WAYS[way]

    async def main() -> None:
        async with opened(told.port, cap=1) as pool:
            seconds = 0.15 if reason == "timeout" else 20.0
            assert str(await failure(pool, seconds)).startswith(reason)
            assert pool.used == 0
            assert str(await failure(pool, seconds)).startswith(reason)

    with raw(handler) as told:
        run(main, new_loop)
    assert told.requests == 2


@pytest.mark.parametrize("new_loop", LOOPS)
def test_bytes_that_come_after_the_deadline_answer_nobody_else(new_loop: Any) -> None:
    async def late(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 0:
            await asyncio.sleep(0.2)
        writer.write(answer(b'{"scores":[0.%d]}' % (number + 1)))

    async def main() -> None:
        async with opened(told.port) as pool:
            assert str(await failure(pool, 0.05)) == "timeout"
            for number in (2, 3):
                await asyncio.sleep(0.1)
                assert (await pool.score(ROW, soon())).score == number / 10

    with raw(late) as told:
        run(main, new_loop)
    assert told.connections == 2


@pytest.mark.parametrize(
    ("second", "rest", "first_s"),
    [
        (answer(b'{"scores":[0.1]}'), b"", 0.0),
        (b"HTTP/1.1 200 OK\r\ncontent-le", b'ngth: 16\r\n\r\n{"scores":[0.1]}', 0.0),
        (b"H", b'TTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{"scores":[0.1]}', 0.0),
        (b"x", b"", 0.0),
        (b"\r\n\r\n", answer(b'{"scores":[0.1]}'), 0.05),  # these two can be told only while nothing is asked
        (b"", answer(b'{"scores":[0.1]}'), 0.05),
    ],
)
def test_what_stands_behind_an_answer_is_never_the_next_answer(second: bytes, rest: bytes, first_s: float) -> None:
    async def more(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(answer() + second)
        await asyncio.sleep(0.02)
        writer.write(rest)

    async def main() -> None:
        async with opened(told.port) as pool:
            for pause_s in (first_s, 0.05, 0.05):
                assert (await pool.score(ROW, soon())).score == 0.9
                await asyncio.sleep(pause_s)

    with raw(more) as told:
        run(main)


def test_an_answer_in_single_bytes_is_an_answer() -> None:
    async def slow(writer: asyncio.StreamWriter, number: int) -> None:
        for byte in answer():
            writer.write(bytes([byte]))
            await writer.drain()

    async def main() -> float:
        async with opened(told.port) as pool:
            return (await pool.score(ROW, soon())).score

    with raw(slow) as told:
        assert run(main) == 0.9


def test_a_chunked_answer_is_an_answer() -> None:
    async def chunked(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for part in (b'{"scor', b'es":[0.', b"25]}"):
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        writer.write(b"0\r\n\r\n")

    async def main() -> float:
        async with opened(told.port) as pool:
            return (await pool.score(ROW, soon())).score

    with raw(chunked) as told:
        assert run(main) == 0.25


def test_a_server_that_closes_after_each_answer_is_asked_on_new_connections() -> None:
    async def main() -> None:
        async with opened(told.port) as pool:
            for _ in range(3):
                assert (await pool.score(ROW, soon())).score == 0.9

    async def closing(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(answer(head=b"connection: close\r\n"))

    with raw(closing) as told:
        run(main)
    assert told.connections == 3


def test_over_the_cap_the_first_to_come_is_the_first_to_be_served() -> None:
    served: list[int] = []

    async def busy(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.01)
        writer.write(answer())

    async def main() -> None:
        async with opened(told.port, cap=2) as pool:

            async def one(number: int) -> None:
                await pool.score(ROW, soon())
                served.append(number)

            tasks = [asyncio.create_task(one(number)) for number in range(12)]
            await asyncio.sleep(0.005)
            assert pool.used == 2
            assert pool.queued_s() > 0
            await asyncio.gather(*tasks)
            assert (pool.used, pool.queued_s()) == (0, 0.0)

    with raw(busy) as told:
        run(main)
    assert told.most_asked == 2
    assert [number // 2 for number in served] == [number // 2 for number in sorted(served)]


def test_who_waits_for_a_place_leaves_at_his_own_deadline_unsent() -> None:
    async def main() -> None:
        async with opened(told.port, cap=1) as pool:
            first = asyncio.create_task(failure(pool, 0.3))
            await asyncio.sleep(0.02)
            second = await failure(pool, 0.05)
            assert (str(second), second.sent, second.heard) == ("timeout", False, False)
            assert not first.done()
            assert (await first).sent
            assert pool.used == 0

    with raw(hung) as told:
        run(main)
    assert told.requests == 1


@pytest.mark.parametrize("seed", range(3))
def test_requests_given_up_at_any_moment_take_no_place_with_them(seed: int) -> None:
    rng = random.Random(seed)

    async def some(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(rng.random() * 0.004)
        writer.write(answer())

    async def main() -> None:
        async with opened(told.port, cap=3) as pool:
            tasks = [asyncio.create_task(pool.score(ROW, soon(0.002 + rng.random() * 0.05))) for _ in range(120)]
            for task in rng.sample(tasks, 60):
                await asyncio.sleep(rng.random() * 0.001)
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(one) for one in ended} <= {Scored, UpstreamFailed, asyncio.CancelledError}
            assert pool.used == 0
            assert [one.score for one in await asyncio.gather(*(pool.score(ROW, soon()) for _ in range(9)))] == [
                0.9
            ] * 9

    with raw(some) as told:
        run(main)


def test_an_earlier_deadline_that_comes_later_is_kept() -> None:
    async def main() -> None:
        async with opened(told.port) as pool:
            long = asyncio.create_task(failure(pool, 0.4))
            await asyncio.sleep(0.02)
            ended = [str(await failure(pool, seconds)) for seconds in (0.2, 0.05, 0.01)]
            assert ended == ["timeout"] * 3
            assert not long.done()
            assert str(await long) == "timeout"

    with raw(hung) as told:
        run(main)


def test_nobody_there_is_a_request_that_was_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def main() -> UpstreamFailed:
        async with opened(port) as pool:
            return await failure(pool)

    told = run(main)
    assert str(told).startswith("connect")
    assert (told.sent, told.heard) == (False, False)


@pytest.mark.parametrize(("again", "connections"), [(True, 2), (False, 1)])
def test_a_connection_that_died_while_idle_is_replaced_unless_that_could_do_a_thing_twice(
    again: bool, connections: int
) -> None:
    async def once(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 1:
            writer.transport.abort()  # it took the request and went away unheard
        else:
            writer.write(answer())

    async def main() -> None:
        async with opened(told.port, again=again) as pool:
            await pool.score(ROW, soon())
            if again:
                assert (await pool.score(ROW, soon())).score == 0.9
            else:
                failed = await failure(pool)
                assert (str(failed), failed.sent, failed.heard) == ("reset", True, False)

    with raw(once) as told:
        run(main)
    assert told.connections == connections


def test_a_reset_within_an_answer_was_heard() -> None:
    async def main() -> UpstreamFailed:
        async with opened(told.port) as pool:
            return await failure(pool)

    with raw(WAYS["reset mid-body"][0]) as told:
        failed = run(main)
    assert (str(failed), failed.sent, failed.heard) == ("reset", True, True)


def test_a_pool_that_moved_asks_the_new_port_only() -> None:
    async def main() -> None:
        async with opened(old.port) as pool:
            await pool.score(ROW, soon())
            pool.move(new.port)
            await pool.score(ROW, soon())
            await pool.score(ROW, soon())

    with raw(good) as old, raw(good) as new:
        run(main)
    assert (old.requests, new.requests, new.connections) == (1, 2, 1)
    assert b"host: 127.0.0.1:%d\r\n" % new.port in new.heads[0]


@pytest.mark.parametrize(("handler", "healthy"), [(good, True), (hung, False), (WAYS["500"][0], False)])
def test_healthy_is_a_200_in_time(handler: Handler, healthy: bool) -> None:
    async def main() -> bool:
        async with opened(told.port) as pool:
            return await pool.healthy(soon(0.1 if handler is hung else 20))

    with raw(handler) as told:
        assert run(main) is healthy
    assert told.heads[0].startswith(b"GET /health HTTP/1.1\r\n")
