"""Scene 9: the incident becomes a pack case, and closes only when it fails on version 2 and passes on version 3."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from launch_week.launch import UNSEEN, Launch
from launch_week.world import Ran


def play(launch: Launch) -> None:
    """List, promote, fail to close, lay version 3's edit over the repository, close."""
    world, say = launch.world, launch.record
    say.scene(9, "The incident: closed by proof")
    found = world.verb("incident", "list", "--json").expect().json()["incidents"]
    incident = next(one for one in found if one["scope"]["segment"] == UNSEEN)
    shown = world.verb("incident", "show", incident["id"], "--json").expect().json()
    say.claim(
        "it was opened by the breach, with owner, severity and a timeline from the ledger",
        incident["severity"] == "SEV2" and bool(incident["owner"]) and len(shown["timeline"]) >= 3,
        f"{incident['id']} {incident['severity']} owner {incident['owner']}, {len(shown['timeline'])} entries",
    )
    _lead(launch, incident["id"])
    rows = _labelled(launch)
    promoted = world.verb("incident", "promote", incident["id"], "--rows", str(rows), "--as", "chidi", "--json")
    cases = [case["id"] for case in promoted.expect().json()["cases"]]
    say.claim("`incident promote` writes the case and its metamorphic companion", len(cases) >= 2, ", ".join(cases))
    early = world.verb("incident", "close", incident["id"], "--as", "chidi", "--json")
    say.claim("closing is refused while version 2 is what is built", early.code == 1, _refused(early))
    world.edit(world.repo, "v3")
    world.verb("note").expect()
    for verb in ("build", "sign"):
        world.verb(verb).expect()
    closed = world.verb("incident", "close", incident["id"], "--as", "chidi", "--json")
    told = closed.json()
    say.table(
        "The same cases on both versions, rows that neither was trained on",
        ["case", "version 2", "version 3"],
        [[a["case"], _told(a), _told(b)] for a, b in zip(told["before"], told["after"], strict=True)],
    )
    blockers = [(a, b) for a, b in zip(told["before"], told["after"], strict=True) if a["severity"] == "blocker"]
    say.claim(
        "every case fails on version 2 and passes on version 3",
        all(a["status"] == "fail" and b["status"] == "pass" for a, b in blockers) and len(blockers) >= 2,
        "; ".join(f"{a['case']}: {a['value']:.3f} → {b['value']:.3f}" for a, b in blockers),
    )
    say.claim(
        "then the incident closes",
        closed.code == 0 and told["incident"]["status"] == "closed",
        told["incident"]["status"],
    )
    _price(launch, told)


def _lead(launch: Launch, name: str) -> None:
    """Ana takes command; what was done to whom is said, and why the threat model gains nothing, signed by chidi."""
    verb = launch.world.verb
    verb("incident", "command", name, "--as", "ana").expect()
    harm = ("--harm", "other", "--harm-severity", "major", "--group", "claimants of offices without history")
    factor = ("--factor", "model: the rate of a code without history was 0, below that of every known office")
    none = ("--no-threat", "nobody attacked: offices without history are a fault of the encoding, and now a case")
    verb("incident", "update", name, *harm, *factor, *none, "--as", "chidi").expect()


def _labelled(launch: Launch) -> Path:
    """The claims system's own export: the records of the unfamiliar offices, with their outcomes."""
    rows = [
        row
        for row in launch.rows
        if any(row["claim"] == claim.row["claim"] for claim in launch.week if claim.unfamiliar)
    ]
    path = launch.world.run / "incident.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return path


def _price(launch: Launch, told: dict[str, Any]) -> None:
    review = next(one for one in told["after"] if one["case"] == "shift.code-hidden-review")
    first = [claim for claim in launch.week if claim.unfamiliar and claim.answer["version"] == "1"]
    people = sum(claim.answer["route"] == "person" for claim in first) / len(first)
    launch.record.claim(
        "the price is printed: version 3 reviews unknown codes within .15 of what version 1 did, and not all",
        review["value"] is not None and abs(review["value"] - people) <= 0.15 and review["hi"] <= 0.95,
        f"version 3 sends {review['value']:.2f} of claims with an unknown code to people, version 1 sent {people:.2f}",
    )


def _refused(ran: Ran) -> str:
    return "; ".join(ran.json()["refused"])[:160]


def _told(case: dict[str, Any]) -> str:
    if case["value"] is None:
        return str(case["status"])
    return f"{case['status']}: {case['value']:.3f} [{case['lo']:.3f}, {case['hi']:.3f}] n={case['n']}"
