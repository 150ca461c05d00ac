"""Scene 10: version 3 ships against version 2, its rollout is wider, and the same traffic breaches nothing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from launch_week.launch import UNSEEN, Launch
from launch_week.scenes.week import midnights
from launch_week.traffic import Claim
from launch_week.world import wait_until
from shipworthy.contract.files.reader import read_manifest


def play(launch: Launch, again: Launch) -> None:
    """Gate and ship version 3, roll it out to a quarter of every tenant, play the week again, then a made-up code."""
    world, say = launch.world, launch.record
    say.scene(10, "Version 3: shipped, wider, and the same traffic is calm")
    note = (world.repo / "deliberation-note.md").read_text(encoding="utf-8")
    say.claim(
        "the note gained the change and its reason", "INC-2026-0001" in note, "deliberation-note.md names INC-2026-0001"
    )
    world.verb("evaluate").expect()
    shipped = world.verb("ship", "--json")
    told = json.loads(shipped.out)
    cases = {row["name"]: row["outcome"] for row in told["rows"]}
    covered = [cases.get("case:incident.unfamiliar-supplier"), cases.get("case:shift.code-hidden")]
    say.claim(
        "the gate passes version 3, the incident's cases among its rows",
        shipped.code == 0 and covered == ["met", "met"],
        f"exit {shipped.code}",
    )
    accepted = next(feature.accepted for feature in read_manifest(world.repo).features if feature.name == "supplier")
    loosened = told["verdict"]["policy_changes"]
    say.claim(
        "the seven codes stand under `accepted`, covered by the incident case",
        len(accepted) == 7 and not loosened,
        ", ".join(accepted),
    )
    world.verb("rollout", "start", "3", "--as", "ana").expect()
    wait_until(lambda: "3" in again.gateway.status()["pids"], 60, "version 3's process")
    _week(again)
    _judge(launch, again)
    _made_up(again)


def _week(again: Launch) -> None:
    def settle() -> None:
        again.world.settle(again.gateway)

    again.player.play(again.week, [(midnight, settle) for midnight in midnights(again.start)])
    for hours in range(12, 85, 12):
        again.player.until(again.start + timedelta(days=7, hours=hours))
        again.world.settle(again.gateway)


def _judge(launch: Launch, again: Launch) -> None:
    say = launch.record
    before = [claim for claim in launch.week if claim.answer["arm"] == "candidate"]
    after = [claim for claim in again.week if claim.answer["arm"] == "candidate"]
    tenants = {str(claim.row["tenant"]) for claim in after}
    say.claim(
        "this rollout is wider: a quarter of every tenant",
        len(after) > len(before) and len(tenants) > 2,
        f"{len(after)} claims of {len(tenants)} tenants, {len(before)} of 2 in launch week",
    )
    status = again.gateway.status()
    judged = status["judgements"]["3"]
    outcomes = Counter(one["outcome"] for one in judged if one["here"] and not one["trial"])
    breached = [one["slo"] for one in judged if one["outcome"] == "breached" and not one["trial"]]
    orders = [one for one in status["state"]["orders"] if one["order"]["scope"]["version"] == "3"]
    say.claim(
        "over the same traffic no SLO is breached and nobody is paged", not breached and not orders, dict(outcomes)
    )
    ece = next(one for one in judged if one["slo"] == "decision_ece_7d")
    say.claim("decision_ece_7d, pooled, is met", ece["outcome"] == "met", ece["because"])
    thin = [f"{one['slo']}: {one['because']}" for one in judged if one["here"] and one["outcome"] == "no_data"]
    say.table("What this volume cannot say is shown as such", ["SLO", "outcome", "because"], _rows(judged))
    named = {one["slo"] for one in judged if one["here"] and one["because"]}
    here = {one["slo"] for one in judged if one["here"]}
    say.claim("what is `no_data` is named, with its reason", here == named and bool(thin), "; ".join(thin))
    served = sum(claim.answer["route"] == "machine" for claim in after if claim.unfamiliar)
    say.claim(
        "the seven offices are answered by version 3, with thresholds of their own",
        served > 0,
        f"{served} of {sum(c.unfamiliar for c in after)} by the machine",
    )


def _rows(judged: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [one["slo"], one["outcome"] + (" (trial)" if one["trial"] else ""), one["because"]]
        for one in judged
        if one["here"]
    ]


def _made_up(again: Launch) -> None:
    """A code that nobody accepted still fires."""
    say, world = again.record, again.world
    moment = world.clock()
    mine = [claim for claim in again.week if claim.answer["arm"] == "candidate"][:40]
    for step, claim in enumerate(mine):
        world.clock.set(moment + timedelta(minutes=5 * (step + 1)))
        again.player.ask(Claim(at=claim.at, row={**claim.row, "supplier": "P99"}, label=claim.label, unfamiliar=True))
    orders = [one for one in again.orders() if one["order"]["scope"]["version"] == "3"]
    scope = orders[0]["order"]["scope"] if orders else {}
    say.claim(
        "a made-up code P99 still fires", scope.get("segment") == UNSEEN, orders[0]["because"] if orders else "no order"
    )
    again.state["p99"] = orders[0]["at"] if orders else ""
