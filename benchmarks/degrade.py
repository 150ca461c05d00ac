"""Claim: at 200 claims a second unfamiliar ones degrade their own segment after a handful, and nothing else changes.

The launch week's version 2 as a canary on 10 % of the units of two tenants, behind `serve` on the real clock, alone and
with two workers. 200 claims a second for 12 s at a fixed rate, in the order of the records; unfamiliar suppliers come
from second 2 on, as often as in the records. Each round begins from the same state, once as it is and once with
`--observe-only`, where the same faults go on being served: what degrading saves is the ratio of both. `faulty` counts
answers that a machine gave by version 2 to unfamiliar claims; `until` is the time from the first of them to the last,
by the caller's clock; `ordered` from the first of them to the order in the ledger; `same` compares every other answer
with that of the round that never acts, byte by byte but for receipt, id, epoch and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.harness import lined
from launch_week.launch import CHOSEN, UNFAMILIAR, UNSEEN, traffic_rows
from launch_week.record import Record
from launch_week.scenes import s02_gate
from launch_week.traffic import sent
from launch_week.world import World, environment, free_port, is_ready, wait_until
from shipworthy.runtime.workspace import Workspace

ROUNDS, RATE, SECONDS, STRANGE_FROM_S = 3, 200, 12, 2
CONNECTIONS = 16
VOLATILE = frozenset({"receipt", "request", "epoch", "at", "posture"})
Row = dict[str, Any]
Moment = float


class Asked(NamedTuple):
    """One claim that was sent: what, when its answer had come (seconds of this machine), with which status, and it."""

    row: Row
    at: Moment
    took_s: float
    status: int
    answer: dict[str, Any]


class Seen(NamedTuple):
    """What one round showed. `until_s`, `ordered_s`: NaN where nothing was ordered."""

    faulty: int
    wrong: int
    until_s: float
    ordered_s: float
    lost: int
    p99_ms: float
    others: dict[str, bytes]


def run() -> str:
    """Return the table: one line a set-up, medians over rounds."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        world = _shipped(Path(folder))
        claims = _claims(world.repo)
        names = ("workers", "faulty, acting", "not acting", "ratio", "until", "ordered", "lost", "same", "p99 ms")
        lines: list[tuple[str, ...]] = [names]
        for workers in (1, 2):
            pairs = [_pair(world, claims, workers, number) for number in range(ROUNDS)]
            lines.append(_line(workers, pairs))
    return lined(lines, right=tuple(range(9)))


def _shipped(folder: Path) -> World:
    """Return a world in which version 2 has shipped and its rollout has begun, now."""
    world = World(folder / "run", Record())
    world.clock.set(datetime.now(UTC))
    world.verb("keys", "new").expect()
    s02_gate.release(world, world.repo)
    world.verb("ship").expect()
    world.edit(world.repo, "v2")
    s02_gate.release(world, world.repo)
    world.verb("ship").expect()
    world.verb("rollout", "start", "2", "--as", "ana").expect()
    return world


def _claims(repo: Path) -> list[Row]:
    """Return the claims in the order they are sent, known ones only at first."""
    rows = [row for row in traffic_rows(repo) if row["tenant"] in CHOSEN]
    known = [row for row in rows if row["supplier"] not in UNFAMILIAR]
    first = known[: RATE * STRANGE_FROM_S]
    begun = {str(row["claim"]) for row in first}
    rest = [row for row in rows if str(row["claim"]) not in begun]
    return [*first, *rest][: RATE * SECONDS]


def _pair(world: World, claims: Sequence[Row], workers: int, number: int) -> tuple[Seen, Seen]:
    order = [(), ("--observe-only",)] if number % 2 else [("--observe-only",), ()]
    told = {flags: _round(world, claims, workers, flags) for flags in order}
    return told[()], told[("--observe-only",)]


def _round(world: World, claims: Sequence[Row], workers: int, flags: Sequence[str]) -> Seen:
    home = world.run / "round"
    shutil.copytree(world.home, home)
    try:
        with _serving(world.repo, home, workers, flags) as port:
            asked = asyncio.run(_load(port, claims))
        return _seen(asked, Workspace(root=world.repo, home=home))
    finally:
        shutil.rmtree(home)


@contextlib.contextmanager
def _serving(repo: Path, home: Path, workers: int, flags: Sequence[str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "shipworthy", "--root", str(repo), "--home", str(home), "serve"]
    command += ["--port", str(port), "--workers", str(workers), *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    try:
        wait_until(lambda: process.poll() is not None or is_ready(port), 60, "the gateway")
        wait_until(lambda: "2" in _status(port)["versions"], 60, "version 2")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _status(port: int) -> dict[str, Any]:
    from launch_week.client import Client

    with Client(port) as client:
        told: dict[str, Any] = client.get("/status")[1]
        return told


async def _load(port: int, claims: Sequence[Row]) -> list[Asked]:
    """Send each claim when it is due, over a few kept connections; return what came, in the order it was sent."""
    due: asyncio.Queue[tuple[int, float] | None] = asyncio.Queue()
    done: dict[int, Asked] = {}
    loop = asyncio.get_running_loop()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (one := await due.get()) is not None:
            number, at = one
            body = json.dumps({"row": sent(claims[number])}).encode()
            writer.write(b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n")
            writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:"))
            raw = await reader.readexactly(int(length.split(b":")[1]))
            done[number] = Asked(claims[number], time.time(), loop.time() - at, int(head[9:12]), json.loads(raw))
        writer.close()

    callers = [asyncio.create_task(caller()) for _ in range(CONNECTIONS)]
    start = loop.time() + 0.1
    for number in range(len(claims)):
        at = start + number / RATE
        await asyncio.sleep(max(0.0, at - loop.time()))
        due.put_nowait((number, at))
    for _ in callers:
        due.put_nowait(None)
    await asyncio.gather(*callers)
    return [done[number] for number in range(len(claims))]


def _seen(asked: Sequence[Asked], workspace: Workspace) -> Seen:
    strange = [one for one in asked if one.row["supplier"] in UNFAMILIAR and one.answer.get("arm") == "candidate"]
    faulty = [one for one in strange if one.answer.get("route") == "machine"]
    times = sorted(one.took_s for one in asked)
    first = min((one.at for one in faulty), default=float("nan"))
    ordered = _ordered(workspace)
    return Seen(
        faulty=len(faulty),
        wrong=sum(_is_wrong(one) for one in faulty),
        until_s=max((one.at for one in faulty), default=float("nan")) - first if ordered else float("nan"),
        ordered_s=ordered - first if ordered else float("nan"),
        lost=sum(one.status != 200 for one in asked),
        p99_ms=times[int(len(times) * 0.99)] * 1e3,
        others={str(one.row["claim"]): _bare(one.answer) for one in asked if one.row["supplier"] not in UNFAMILIAR},
    )


def _ordered(workspace: Workspace) -> float:
    """Return when the order on the unseen suppliers was given, 0 when none was."""
    store = workspace.store()
    try:
        given = [entry.body["held"] for entry in store.entries() if entry.kind == "respond.ordered"]
    finally:
        store.close()
    mine = [one for one in given if one["order"]["scope"]["segment"] == UNSEEN]
    return datetime.fromisoformat(mine[0]["at"]).timestamp() if mine else 0.0


def _is_wrong(one: Asked) -> bool:
    told = {"auto_deny": 0, "auto_approve": 1}.get(str(one.answer.get("decision")))
    return told != int(one.row["serious"])


def _bare(answer: dict[str, Any]) -> bytes:
    return json.dumps({key: value for key, value in answer.items() if key not in VOLATILE}, sort_keys=True).encode()


def _line(workers: int, pairs: Sequence[tuple[Seen, Seen]]) -> tuple[str, ...]:
    acting, idle = [one for one, _ in pairs], [one for _, one in pairs]
    faulty, through = median(one.faulty for one in acting), median(one.faulty for one in idle)
    alike = [sum(one.others[claim] == two.others[claim] for claim in one.others) for one, two in pairs]
    return (
        str(workers),
        f"{faulty:g} ({median(one.wrong for one in acting):g} wrong)",
        f"{through:g} ({median(one.wrong for one in idle):g} wrong)",
        f"{through / faulty:.1f}" if faulty else "",
        f"{median(one.until_s for one in acting) * 1e3:.0f} ms",
        f"{median(one.ordered_s for one in acting) * 1e3:.0f} ms",
        str(sum(one.lost for one in (*acting, *idle))),
        f"{sum(alike)} of {sum(len(one.others) for one in acting)}",
        f"{median(one.p99_ms for one in acting):.1f}",
    )
