"""Play the launch week: `python -m launch_week`, or keep a gateway up with `--serve`."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from launch_week import page
from launch_week.launch import Launch
from launch_week.record import Record
from launch_week.scenes import (
    s01_contract,
    s02_gate,
    s03_scope,
    s07_rollback,
    s08_never,
    s09_incident,
    s10_mended,
    s11_ledger,
    week,
)
from launch_week.world import World
from shipworthy.runtime.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
OPENS = timedelta(hours=2)
WEEKS_LATER = timedelta(days=14)


def main() -> int:
    """Return 0 only when every claim of the story was observed."""
    parser = argparse.ArgumentParser(prog="launch_week", description="The launch week of a claims-triage model.")
    parser.add_argument("--run", type=Path, default=ROOT / "story-run", help="run directory, made anew")
    parser.add_argument("--page", type=Path, default=ROOT / "story.html", help="where the page is written")
    parser.add_argument("--serve", action="store_true", help="ship version 1 and keep the gateway up on 127.0.0.1:8080")
    asked = parser.parse_args()
    record = Record()
    world = World(asked.run, record)
    try:
        return _serve(world) if asked.serve else _play(world, asked.page)
    finally:
        world.close()


def _play(world: World, out: Path) -> int:
    record, started = world.record, time.monotonic()
    s01_contract.play(world)
    s02_gate.play(world)
    world.clock.set(world.at(hours=1))
    world.verb("rollout", "start", "2", "--as", "ana").expect()
    twin = world.run / "twin-state"
    shutil.copytree(world.home, twin)
    gateway = world.gateway(None, None, str(world.pager.file))
    launch = Launch(world, gateway, world.at(hours=2))
    s03_scope.play(launch)
    week.play(launch, twin)
    s07_rollback.play(launch)
    s08_never.play(launch)
    s09_incident.play(launch)
    again = Launch(world, gateway, world.at(days=14, hours=2))
    world.clock.set(again.start)
    s10_mended.play(launch, again)
    gateway.stop()
    s11_ledger.play(world, launch)
    record.series |= _from_ledger(world, launch)
    total, held = record.finish()
    out.write_text(page.render(record), encoding="utf-8")
    print(f"\n{held} of {total} claims held in {time.monotonic() - started:.0f} s; the page is {out}")
    return 0 if held == total else 1


def _from_ledger(world: World, launch: Launch) -> dict[str, Any]:
    """Return the timeline of entries, and the postures per segment over time, from the ledger itself."""
    workspace = Workspace(root=world.repo, home=world.home, clock=world.clock)
    store = workspace.store()
    try:
        entries = list(store.entries())
    finally:
        store.close()
    told = [
        {"t": _hours(launch, entry.at), "seq": entry.seq, "kind": entry.kind, "actor": entry.actor} for entry in entries
    ]
    end = max(_hours(launch, entry.at) for entry in entries)
    spans: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry.kind == "respond.ordered":
            order = entry.body["held"]["order"]
            lane = f"version {order['scope']['version']}, {order['scope']['segment']}"
            start = _hours(launch, entry.at)
            spans[order["id"]] = {"lane": lane, "start": start, "end": end, "posture": order["posture"]}
        if entry.kind == "respond.restored":
            for name in entry.body["orders"]:
                spans[name]["end"] = _hours(launch, entry.at)
    lanes = [{"lane": one["lane"], "start": 0.0, "end": one["start"], "posture": "normal"} for one in spans.values()]
    after = [
        {"lane": one["lane"], "start": one["end"], "end": end, "posture": "normal"}
        for one in spans.values()
        if one["end"] < end
    ]
    return {"ledger": told, "postures": [*lanes, *spans.values(), *after]}


def _hours(launch: Launch, at: str) -> float:
    return launch.hours(datetime.fromisoformat(at))


def _serve(world: World) -> int:
    """Ship version 1 as in the story, then hand over to `shipworthy serve` on the real clock."""
    import subprocess

    s01_contract.play(world)
    s02_gate.release(world, world.repo)
    world.verb("ship").expect()
    print(
        "\nversion 1 is shipped; gateway and API on http://127.0.0.1:8080 (POST /decide, GET /status), stop with Ctrl-C"
    )
    command = [sys.executable, "-m", "shipworthy", "--root", str(world.repo), "--home", str(world.home), "serve"]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
