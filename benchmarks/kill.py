"""Claim: the last answer of a killed candidate leaves within 50 ms (p99), with 0 errors, control plane dead or not.

Four workers on the loopback answer 300 requests a second over 8 kept connections, half of them by the candidate (tenant
acme), half by the baseline. 20 times the candidate is killed, seen to be gone, and restored by two people: once as the
verb `kill` does it, once as `kill --local` does with the control process killed (SIGKILL) before. A trip's moment is
just before its first write. Per trip: when the caller has the last answer of version 2, less that moment (below 0: none
came after it); how long the order took to be on disk; when each worker answered by its epoch, as it says itself. An
error is any answer but 200, and any answer of version 2 that names the order's epoch or a newer one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness import lined
from tests.flows.tiny import FAULTY_AGE, Tiny, write_tiny
from tests.runtime.many import Many
from tests.runtime.served import claim

TRIPS, WORKERS, CONNECTIONS, RATE_PER_S = 20, 4, 8, 300.0
SETTLE_S, LIMIT_S = 0.25, 60.0
CANDIDATE = "2"


class Answer(NamedTuple):
    """One answer as its caller has it."""

    at_ns: int
    status: int
    version: str
    epoch: int


class Load(threading.Thread):
    """Asks at a fixed rate until told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._over = threading.Event()
        self.answers: list[Answer] = []
        self.errors: list[str] = []

    def run(self) -> None:
        """Ask."""
        asyncio.run(self._ask_all())

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join(LIMIT_S)

    def since(self, at_ns: int) -> list[Answer]:
        """Return the answers after a moment."""
        return [one for one in self.answers if one.at_ns > at_ns]

    async def _ask_all(self) -> None:
        await asyncio.gather(*(self._caller(n) for n in range(CONNECTIONS)))

    async def _caller(self, number: int) -> None:
        body = json.dumps({"row": claim(tenant=("acme", "birch")[number % 2])}).encode()
        head = b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        asked = head % len(body) + body
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        due = time.monotonic() + number / RATE_PER_S
        while not self._over.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + CONNECTIONS / RATE_PER_S, time.monotonic())
            try:
                writer.write(asked)
                self.answers.append(await _answer(reader))
            except (OSError, asyncio.IncompleteReadError) as problem:
                self.errors.append(repr(problem))
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    await reader.readexactly(int(fields[b"content-length"]))
    at_ns = time.monotonic_ns()
    version = fields.get(b"x-shipworthy-version", b"").decode()
    return Answer(at_ns, int(head[9:12]), version, int(fields.get(b"x-shipworthy-epoch", b"-1")))


def run() -> str:
    """Return the table of both ways."""
    rows: list[tuple[str, ...]] = [("", "p50 ms", "p99 ms", "longest ms", "errors")]
    with tempfile.TemporaryDirectory() as folder:
        tiny = _rolling(Path(folder))
        with Many(tiny, WORKERS) as many, _child(many) as child:
            for name, local in (("kill", False), ("kill --local, control process dead", True)):
                rows += _measured(many, child, name, local)
    return lined(rows, right=(1, 2, 3, 4))


def _measured(many: Many, child: Callable[[str], dict[str, Any]], name: str, local: bool) -> list[tuple[str, ...]]:
    load = Load(many.port)
    load.start()
    last, wrote, took, errors = list[float](), list[float](), dict[str, list[float]](), 0
    try:
        for _ in range(TRIPS):
            _until(lambda: any(one.version == CANDIDATE for one in load.since(time.monotonic_ns() - 50_000_000)))
            before = many.kill("control") if local else 0
            told = child("local" if local else "kill")
            time.sleep(SETTLE_S)
            mine = [one for one in load.answers if one.version == CANDIDATE]
            last.append((mine[-1].at_ns - told["since_ns"]) / 1e6)
            wrote.append(told["wrote_ms"])
            errors += len(told["silent"]) + sum(one.epoch >= told["epoch"] for one in mine[-2_000:])
            for worker, ms in told["replicas"].items():
                took.setdefault(worker, []).append(ms)
            if local:
                many.until_back("control", before)
                _until(lambda: many.get("/status")[0] == 200)
            many.clock.advance(60)
            child("restore")
    finally:
        load.stop()
    errors += len(load.errors) + sum(one.status != 200 for one in load.answers)
    parts = [("last answer of the candidate", last), ("order on disk", wrote)]
    parts += [(f"{worker} answers by it", ms) for worker, ms in sorted(took.items())]
    head = (f"{name}: {len(load.answers):,} answers, {TRIPS} trips", "", "", "", str(errors))
    return [head, *((f"  {what}", *_quantiles(ms), "") for what, ms in parts)]


def _quantiles(ms: Sequence[float]) -> tuple[str, str, str]:
    """Median, 99th percentile by nearest rank, longest."""
    ordered = sorted(ms)
    at = [ordered[min(len(ordered) - 1, max(0, -int(-q * len(ordered) // 1) - 1))] for q in (0.5, 0.99)]
    return f"{at[0]:.1f}", f"{at[1]:.1f}", f"{ordered[-1]:.1f}"


@contextmanager
def _child(many: Many) -> Iterator[Callable[[str], dict[str, Any]]]:
    here = many.workspace
    command = [
        sys.executable,
        "-m",
        "benchmarks.kill_child",
        str(many.tiny.at / "clock"),
        str(here.root),
        str(here.home),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(what: str) -> dict[str, Any]:
            stdin.write(f"{what}\n")
            stdin.flush()
            told = json.loads(stdout.readline())
            assert isinstance(told, dict)
            return told

        yield ask
        stdin.close()


def _rolling(folder: Path) -> Tiny:
    """Version 1 is the baseline; version 2 answers tenant acme."""
    tiny = write_tiny(folder)
    tiny.prepare()
    tiny.ship()
    tiny.clock.advance(3600)
    tiny.release("2", slope=0.51, fault=FAULTY_AGE)
    tiny.ship()
    tiny.start("2")
    return tiny


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("the site did not come to where the next trip begins")
        time.sleep(0.02)
