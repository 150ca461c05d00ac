"""Scene 8: a faulty candidate provokes the never event; the kill switch trips, and two people must agree to restore."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import timedelta
from typing import Any

from launch_week.launch import CHOSEN, Launch
from launch_week.traffic import Claim
from launch_week.world import wait_until

LIMIT = 0.30
WORKERS = 4
EVENT = "never:never_auto_deny_uncertain"


def play(launch: Launch) -> None:
    """Ship the table candidate from its branch, give it traffic of a year it does not know, and look who answers."""
    world, say = launch.world, launch.record
    say.scene(8, "A never event: nothing leaves, the kill switch trips, two people restore")
    faulty = world.run / "faulty"
    early = world.verb("gate", repo=faulty)
    say.claim(
        "a branch with the lock of version 1 is not judged by that bar any more",
        early.code == 4 and "version 2 shipped since" in early.out,
        f"exit {early.code}",
    )
    shutil.copyfile(world.repo / "shipworthy.lock", faulty / "shipworthy.lock")
    world.verb("evaluate", repo=faulty).expect()
    shipped = world.verb("ship", repo=faulty)
    say.claim(
        "the faulty candidate passes the gate: its fault needs a year the gate's rows do not have",
        shipped.code == 0,
        f"exit {shipped.code}",
    )
    world.verb("rollout", "start", "2t", "--as", "ana", repo=faulty).expect()
    wait_until(lambda: "2t" in launch.gateway.status()["pids"], 60, "the faulty candidate's process")
    answers = _flood(launch)
    events = [one for one in answers if EVENT in one["why"]]
    leaked = [one for one in answers if _violates(one)]
    say.claim(
        "it was provoked", bool(events), f"request {1 + answers.index(events[0]) if events else 0} of {len(answers)}"
    )
    say.claim(
        "no violating answer left",
        not leaked and all(one["decision"] != "auto_deny" for one in events),
        f"{len(leaked)} of {len(answers)}",
    )
    first = min(one["seen"] for one in events)
    late = [one for one in answers if one["version"] == "2t" and one["asked"] > first]
    last = max((one["seen"] for one in answers if one["version"] == "2t"), default=first)
    say.claim(
        "the kill switch trips on version 2t alone, at once",
        not late,
        f"last candidate answer {1000 * (last - first):.1f} ms after the event; {len(late)} asked later",
    )
    held = _kills(launch)
    say.claim(
        "its scope is the version",
        len(held) == 1 and held[0]["order"]["scope"]["segment"] == "*",
        held[0]["because"] if held else "no order",
    )
    _paged(launch)
    status = launch.gateway.status()
    served = sum(one["version"] == "1" for one in answers)
    say.claim(
        "the baseline answers in its place",
        served > 0 and status["state"]["baseline"] == "1",
        f"{served} of {len(answers)}",
    )
    _restore(launch, faulty)


def _paged(launch: Launch) -> None:
    """A kill is the loudest page there is, and tells who must say what."""

    def told() -> list[dict[str, Any]]:
        return [one for one in launch.world.pager.heard("killswitch.tripped") if one["version"] == "2t"]

    wait_until(told, 30, "the page of the kill")
    first = told()[0]
    launch.record.claim(
        "on call is paged as SEV1",
        (first["severity"], first["priority"], first["state"]) == ("SEV1", "P1", "firing"),
        f"{first['title']}: {first['confirm']}",
    )


def _flood(launch: Launch) -> list[dict[str, Any]]:
    claims = [
        claim
        for claim in launch.week
        if claim.row["tenant"] in CHOSEN and claim.row["jurisdiction"] not in ("J5", "J7")
    ][:800]
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=_ask, args=(launch, claims[i::WORKERS], answers)) for i in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(answers, key=lambda one: one["seen"])


def _ask(launch: Launch, claims: list[Claim], answers: list[dict[str, Any]]) -> None:
    with launch.gateway.client() as client:
        for claim in claims:
            launch.world.clock.advance(0.05)
            asked = time.monotonic()
            _, body, _ = client.post("/decide", {"row": claim.row})
            answers.append({"why": [], "version": "", **body, "asked": asked, "seen": time.monotonic()})


def _violates(answer: dict[str, Any]) -> bool:
    uncertainty = answer.get("uncertainty")
    return answer.get("decision") == "auto_deny" and (uncertainty is None or uncertainty > LIMIT)


def _restore(launch: Launch, repo: Any) -> None:
    world, say = launch.world, launch.record
    world.clock.advance(600)
    scope = ["--version", "2t"]
    alone = world.verb("restore", *scope, "--role", "operator", "--as", "ana", repo=repo)
    same = world.verb("restore", *scope, "--role", "reviewer", "--as", "ana", repo=repo)
    say.claim(
        "one person cannot restore",
        alone.code == 1 and same.code == 1,
        f"exit {alone.code}: {alone.out.strip()[:90]}; {same.err.strip()[:70]}",
    )
    say.claim("it stays killed meanwhile", len(_kills(launch)) == 1, f"{len(_kills(launch))} kill holds")
    both = world.verb("restore", *scope, "--role", "reviewer", "--as", "ben", repo=repo)
    say.claim("two different people can", both.code == 0, both.out.strip())
    world.clock.set(world.clock() + timedelta(minutes=5))
    world.settle(launch.gateway)
    again = _kills(launch)
    say.claim("old breaches do not trip again", not again, f"{len(again)} kills five minutes later")
    world.verb("rollout", "abort", "--as", "ana", repo=repo).expect()
    _forbid(launch)


def _forbid(launch: Launch) -> None:
    """The candidate must not come back under its name: a decision that gate and site keep."""
    world, say = launch.world, launch.record
    because = "It denied claims it was unsure of; its rows hold no year in which that shows."
    made = world.verb("decide", "record", "do-not-deploy", "--version", "2t", "--because", because, "--as", "ben")
    again = world.verb("rollout", "start", "2t", "--as", "ana")
    say.claim(
        "`do not deploy` is recorded, and nobody rolls the candidate out again",
        made.code == 0 and again.code == 1,
        f"exit {again.code}: {again.err.strip()[:120]}",
    )


def _kills(launch: Launch) -> list[dict[str, Any]]:
    orders = [one for one in launch.orders() if one["order"]["scope"]["version"] == "2t"]
    return [one for one in orders if one["order"]["posture"] == "killed"]
