"""What a worker hands on is bounded before it is: in time, and, where it takes a token, in size."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from shipworthy.runtime.tree.forward import MOST_OF_HOOK, NAME, Forward
from tests.runtime.served import wait_until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def forwarding(run: Path, body_within_s: float) -> Iterator[tuple[int, list[int]]]:
    """A worker's way to a control process that takes what comes; the port, and the sizes of the bodies that came."""
    came: list[int] = []
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    config = uvicorn.Config(Forward(run, 5.0, body_within_s), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        came.append(len(await reader.readexactly(length)))
        writer.write(ANSWER)
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_unix_server(control, run / NAME):
            await server.serve(sockets=[held])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield int(held.getsockname()[1]), came
    finally:
        server.should_exit = True
        thread.join(20)
        held.close()


def asked(port: int, path: str, length: int, sent: int, chunked: bool = False) -> int:
    """Send the head of a request and so much of its body; return the status, 0 without an answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as one:
        one.settimeout(10)
        told = "transfer-encoding: chunked" if chunked else f"content-length: {length}"
        one.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\n{told}\r\n\r\n".encode())
        try:
            one.sendall(b"%x\r\n" % length + b"x" * sent if chunked else b"x" * sent)
            first = one.recv(64)
        except OSError:  # they hung up while we were sending
            return 413
    return int(first.split()[1]) if first else 0


@pytest.mark.parametrize("path", ["/hooks/alertmanager", "/api/entries", "/labels"])
def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, path: str) -> None:
    with forwarding(tmp_path, 0.1) as (port, came):
        assert asked(port, path, 100, 40) == 408
        assert came == []
        assert asked(port, path, 100, 100) == 200
        assert came == [100]


@pytest.mark.parametrize("path", ["/hooks/alertmanager", "/api/entries", "/rollouts/m/analysis"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_what_is_read_with_a_token_is_refused_before_it_has_come(
    tmp_path: Path, path: str, chunked: bool
) -> None:
    with forwarding(tmp_path, 5.0) as (port, came):
        sent = MOST_OF_HOOK + 1 if chunked else 0
        assert asked(port, path, 2 * MOST_OF_HOOK, sent, chunked) == 413
        assert came == []
        assert asked(port, path, MOST_OF_HOOK, MOST_OF_HOOK) == 200
