"""Claim: a limit of 200/s and 20 at once is exact over four processes, for about 5 µs; in one process for less than 1.

Three tables. The cost of one question to the throttle, in this process and through the table that processes share,
beside `limits` and `throttled-py` in memory when they are installed (to be shared, both need a server). What four
processes admit together in two seconds: 400 to 440 is what one limit allows. How far a tenant who sends ten times its
limit moves another tenant's time to answer, at a real gateway: `SHIPWORTHY_GATEWAY=127.0.0.1:8080` asks one that is
running (one with several workers, say; `SHIPWORTHY_ROW` is then a row it takes and `SHIPWORTHY_TENANT` the name of the
column that says whose it is), else one process is started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import Result, compare, lined, show, written
from benchmarks.throttle_gateway import BURST, LIMIT, RATE_PER_S
from shipworthy.deploy.throttle import Gcra, Part
from shipworthy.store.bucket_map import BucketMap

KEY = bytes(32)
CALLS, ROUNDS, SECONDS, WORKERS = 20_000, 7, 2.0, 4
QUIET_PER_S, FLOOD_PER_S, PACED_S = 150.0, 10 * RATE_PER_S, 6.0


def run() -> str:
    """Return the tables."""
    with tempfile.TemporaryDirectory() as folder:
        table = BucketMap(Path(folder) / "throttle.map", KEY, BURST / RATE_PER_S)
        table.make()
        return "\n\n".join([show(_costs(table)), _exact(table.path), _flooded()])


def _costs(table: BucketMap) -> list[Result]:
    ours = {"in this process": Gcra(LIMIT), "shared by processes": Gcra(LIMIT, times=table)}
    peers = _peers() or {"(no peer is installed)": _asked(Gcra(LIMIT))}
    return [
        compare(f"one question, {where}", peer, _asked(gcra), theirs, rounds=ROUNDS, jobs=CALLS)
        for where, gcra in ours.items()
        for peer, theirs in peers.items()
    ]


def _asked(gcra: Gcra) -> Callable[[], None]:
    def ask() -> None:
        for _ in range(CALLS):
            gcra.admit("acme", time.time())

    return ask


def _peers() -> dict[str, Callable[[], None]]:
    """Return the peers that are installed, each asked as often."""
    found: dict[str, Callable[[], None]] = {}
    if find_spec("limits"):
        import limits  # type: ignore[import-not-found, unused-ignore]

        window = limits.strategies.MovingWindowRateLimiter(limits.storage.MemoryStorage())
        fixed = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
        item = limits.parse("200/second")
        found["limits, fixed window"] = _times(lambda: fixed.hit(item, "acme"))
        found["limits, moving window"] = _times(lambda: window.hit(item, "acme"))
    if find_spec("throttled"):
        import throttled  # type: ignore[import-not-found, unused-ignore]

        one: Any = throttled.Throttled(using="gcra", quota=throttled.per_sec(200, burst=20))
        found["throttled-py, GCRA"] = _times(lambda: one.limit("acme"))
    return found


def _times(ask: Callable[[], object]) -> Callable[[], None]:
    def asked() -> None:
        for _ in range(CALLS):
            ask()

    return asked


def flood(path: str, number: str, start: str) -> None:
    """One of four processes: ask as often as it can for two seconds, print how many were admitted."""
    table = BucketMap(Path(path), KEY, BURST / RATE_PER_S)
    gcra = Gcra(LIMIT, times=table, part=Part(int(number), WORKERS))
    begin, asked, admitted = float(start), 0, 0
    while (now := time.time()) < begin + SECONDS:
        if now >= begin:
            asked += 1
            admitted += gcra.admit("acme", now).ok
            time.sleep(0.0002)
    print(json.dumps({"asked": asked, "admitted": admitted, "trouble": gcra.trouble}))


def _exact(path: Path) -> str:
    rows = [("four processes, two seconds", "asked", "admitted", "one limit allows")]
    for _ in range(3):
        start = time.time() + 1.5
        code = "import sys; from benchmarks.throttle import flood; flood(*sys.argv[1:])"
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(path), str(number), str(start)], stdout=subprocess.PIPE, text=True
            )
            for number in range(WORKERS)
        ]
        told = [json.loads(one.communicate(timeout=60)[0]) for one in processes]
        trouble = next((one["trouble"] for one in told if one["trouble"]), "")
        asked, admitted = (sum(one[name] for one in told) for name in ("asked", "admitted"))
        rows.append((trouble, f"{asked}", f"{admitted}", f"{BURST + RATE_PER_S * SECONDS:.0f}"))
    return lined(rows, right=(1, 2, 3))


@contextmanager
def _gateway() -> Iterator[tuple[str, str]]:
    """Yield host and port of the gateway that is asked."""
    named = os.environ.get("SHIPWORTHY_GATEWAY")
    if named:
        host, _, port = named.rpartition(":")
        yield host, port
        return
    command = [sys.executable, "-m", "benchmarks.throttle_gateway"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdin is not None
        assert gateway.stdout is not None
        yield "127.0.0.1", gateway.stdout.readline().strip()
        gateway.stdin.close()


def _flooded() -> str:
    rows = [("a quiet tenant's time to answer", "p50", "p99", "refused", "the flood: admitted", "refused")]
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    with _gateway() as address:
        _paced(address, "quiet", QUIET_PER_S, 1.0).communicate()
        for i in range(2 * 5):
            other = _paced(address, "noisy", FLOOD_PER_S, PACED_S + 0.5) if i % 2 else None
            told = json.loads(_paced(address, "quiet", QUIET_PER_S, PACED_S).communicate(timeout=120)[0])
            noise = json.loads(other.communicate(timeout=120)[0])["statuses"] if other else {}
            took = sorted(told["took_s"])
            at = [took[len(took) // 2], took[int(len(took) * 0.99)]]
            (beside if other else alone).append(at)
            flood_told = (f"{noise.get('200', 0)}", f"{noise.get('429', 0)}") if other else ("", "")
            refused = f"{told['statuses'].get('429', 0)}"
            rows.append(("beside a flood" if other else "alone", written(at[0]), written(at[1]), refused, *flood_told))
    p99 = [after[1] / before[1] for before, after in zip(alone, beside, strict=True)]
    rows.append((f"p99 beside / alone, median of {len(p99)}", "", f"{median(p99):.2f}", "", "", ""))
    return lined(rows, right=(1, 2, 3, 4, 5))


def _paced(address: tuple[str, str], tenant: str, rate: float, seconds: float) -> subprocess.Popen[str]:
    row = json.loads(os.environ.get("SHIPWORTHY_ROW", '{"amount": 10.0}'))
    row[os.environ.get("SHIPWORTHY_TENANT", "tenant")] = tenant
    body = json.dumps({"row": row})
    command = [sys.executable, "-m", "benchmarks.paced", *address, body, f"{rate}", f"{seconds}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    print(run())
