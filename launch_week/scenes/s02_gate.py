"""Scene 2: version 1 ships, version 2 passes against it, a weakened one is blocked, loosening and tampering refused."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from launch_week.world import Ran, World

WORKERS = 2
TARGET = 'target: "<= 0.20"'
SECURITY = ("membership_tpr", "backdoor_findings", "artefact_findings", "feasible_flip_rate")


def play(world: World) -> None:
    """Build, sign, evaluate, gate and ship two versions, side by side with two that must not ship."""
    say = world.record
    say.scene(2, "The gate: proven good, or not shipped")
    release(world, world.repo)
    first = world.verb("ship", "--json")
    verdict = _told(first)
    say.claim(
        "version 1 ships as the first release, by absolute targets",
        first.code == 0 and _first(verdict),
        f"exit {first.code}",
    )
    world.edit(world.repo, "v2")
    weak, faulty = world.copy("weak", world.repo), world.copy("faulty", world.repo)
    world.edit(weak, "weak")
    world.edit(faulty, "table")
    say.say("building and evaluating version 2, a weakened version 2 and a faulty candidate")
    loosened = _loosened_copy(world)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda repo: release(world, repo), (world.repo, weak, faulty, loosened)))
    second = world.verb("ship", "--json")
    _second(world, second)
    blocked = world.verb("gate", "--json", repo=weak)
    rows = [row for row in _told(blocked).get("rows", []) if row["outcome"] == "breached" and row["deciding"]]
    against = [row["name"] for row in rows if row["against"]]
    say.claim(
        "a weakened version 2 is blocked, with the reason",
        blocked.code == 1 and bool(against),
        f"exit {blocked.code}: " + ", ".join(f"{row['name']} {row['against'] or row['because']}" for row in rows[:2]),
    )
    say.claim("`ship` wrote the lock", (world.repo / "shipworthy.lock").is_file(), "shipworthy.lock")
    _loosened(world, loosened)
    _tampered(world)


def release(world: World, repo: Path) -> None:
    """Stamp, build, sign and evaluate a working copy."""
    for verb in ("note", "build", "sign", "evaluate"):
        world.verb(verb, repo=repo).expect()


def _second(world: World, ran: Ran) -> None:
    say = world.record
    told = _told(ran)
    rows = {row["name"]: row for row in told.get("rows", []) if row["segment"] == "*"}
    auroc = rows.get("auroc", {})
    say.claim(
        "version 2 passes against its targets and against version 1, with bounds",
        ran.code == 0 and bool(auroc.get("against")),
        f"exit {ran.code}; AUROC {auroc.get('value')}, against version 1 {auroc.get('against')}",
    )
    shown = [name for name in ("auroc", "error_rate", *SECURITY) if name in rows]
    say.table(
        "Version 2: accuracy and security in one table",
        ["SLO", "value [bounds]", "n", "target", "against version 1"],
        [[name, rows[name]["value"], rows[name]["n"], rows[name]["target"], rows[name]["against"]] for name in shown],
    )
    say.claim("security figures stand beside AUROC in the same table", set(SECURITY) <= set(shown), ", ".join(shown))


def _loosened_copy(world: World) -> Path:
    """Version 2 with one target relaxed: allow twice the share of wrong automatic answers."""
    repo = world.copy("loosened", world.repo)
    path = repo / "safety-slos.yaml"
    text = path.read_text(encoding="utf-8")
    assert TARGET in text
    path.write_text(text.replace(TARGET, 'target: "<= 0.40"', 1), encoding="utf-8")
    return repo


def _loosened(world: World, repo: Path) -> None:
    ran = world.verb("gate", "--json", repo=repo)
    blocks = [block["because"] for block in _told(ran)["verdict"]["blocks"] if block["name"] == "loosened"]
    world.record.claim(
        "a target loosened against the lock is a red row until a signed decision allows it",
        ran.code == 1 and bool(blocks),
        f"exit {ran.code}: {', '.join(blocks)}",
    )


def _tampered(world: World) -> None:
    say = world.record
    unsigned, altered = world.run / "unsigned", world.run / "altered"
    for repo in (unsigned, altered):
        shutil.copytree(world.repo, repo)
    (unsigned / "model" / "model.sig").unlink()
    release_json = altered / "model" / "release.json"
    release_json.write_bytes(release_json.read_bytes().replace(b"0.15", b"0.51", 1) + b"\n")
    for what, repo in (("an unsigned artefact", unsigned), ("an altered artefact", altered)):
        ran = world.verb("verify", repo=repo)
        gate = world.verb("gate", repo=repo)
        told = ran.err.strip().splitlines()[-1:] or [""]
        say.claim(
            f"{what} is refused", ran.code == 4 and gate.code == 4, f"exit {ran.code} and {gate.code}: {told[0][:120]}"
        )


def _told(ran: Ran) -> dict[str, Any]:
    told = json.loads(ran.out)
    assert isinstance(told, dict)
    return told


def _first(told: dict[str, Any]) -> bool:
    return bool(told["verdict"]["first"]) and told["verdict"]["decision"] == "ship"
