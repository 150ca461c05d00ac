"""The launch week itself: the canary, trouble, late labels; scenes 4, 5 and 6 read what it saw."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from launch_week.launch import UNSEEN, Launch
from launch_week.scenes import s04_canary, s05_labels, s06_trouble
from launch_week.traffic import Claim, Player, schedule
from launch_week.world import World
from shipworthy.profile.score import OodScore, Scorer
from shipworthy.runtime.releases import load

TWIN_DAYS = 2.5


def play(launch: Launch, twin_home: Any) -> None:
    """Play seven days of traffic and ten of labels, then the twin, then judge scenes 4 to 6."""
    _watch(launch)
    started = launch.start
    early: dict[str, dict[str, Any]] = {}

    def settle() -> None:
        launch.world.settle(launch.gateway)

    def look() -> None:
        early.update(launch.quality("2", shadow=True))

    pauses = [(midnight, settle) for midnight in midnights(started)]
    pauses.append((started + timedelta(days=3, hours=12), look))
    launch.record.say(f"{len(launch.week)} claims in seven simulated days, with late labels")
    launch.player.play(launch.week, sorted(pauses, key=lambda pause: pause[0]), lambda claim: _note(launch, claim))
    first = launch.week[0]
    altered = "AAAA" + str(first.answer["receipt"])[4:]
    forged = launch.client.post("/labels", {"receipt": altered, "label": 1})[:2]
    for hours in range(6, 78, 6):
        launch.player.until(started + timedelta(days=7, hours=hours))
        launch.world.settle(launch.gateway)
    again = launch.client.post("/labels", {"receipt": first.answer["receipt"], "label": first.label})[1]
    launch.record.say("the same requests again, in a twin that never orders")
    until = sum(claim.at < started + timedelta(days=TWIN_DAYS) for claim in launch.week)
    twin = _twin(launch.world, launch, twin_home, until)
    _blind(launch)
    s04_canary.judge(launch)
    s05_labels.play(launch, forged, again)
    s06_trouble.play(launch, twin, early, until)


def midnights(started: datetime) -> list[datetime]:
    """Return the moments just after midnight of seven days: what the controller does daily, it does there."""
    first = started.replace(hour=0, minute=0, second=30) + timedelta(days=1)
    return [first + timedelta(days=day) for day in range(7)]


def _watch(launch: Launch) -> None:
    launch.state |= {"order": None, "confirmed": None, "epoch": -1}
    launch.record.series |= {"share": [], "stage_share": [{"t": 2, "share": 0.10}], "ood": [], "ece": [], "review": []}
    launch.state["units"] = defaultdict(lambda: [0, 0])


def _note(launch: Launch, claim: Claim) -> None:
    """Look at one answer: a new epoch may mean an order, which the operator then confirms."""
    if claim.status != 200:
        raise RuntimeError(f"claim {claim.row['claim']} was answered with {claim.status}: {claim.answer}")
    if claim.answer["epoch"] != launch.state["epoch"]:
        launch.state["epoch"] = claim.answer["epoch"]
        _orders(launch)
    tenant = str(claim.row["tenant"])
    seen = launch.state["units"][tenant]
    seen[0] += 1
    seen[1] += claim.answer["arm"] == "candidate"
    if seen[0] % 20 == 0:
        launch.record.series["share"].append(
            {"t": launch.hours(claim.at), "tenant": tenant, "share": seen[1] / seen[0]}
        )


def _orders(launch: Launch) -> None:
    held = [order for order in launch.orders() if order["order"]["scope"]["segment"] == UNSEEN]
    if not held or launch.state["order"] is not None:
        return
    launch.state["order"] = held[0]
    ran = launch.world.verb("confirm", held[0]["order"]["id"], "--as", "ana")
    launch.state["confirmed"] = ran.code
    launch.record.say(f"order {held[0]['order']['id']}: {held[0]['because']}; confirmed by ana")


def _twin(world: World, launch: Launch, home: Any, until: int) -> dict[str, dict[str, Any]]:
    """Send the same requests at the same moments to a gateway that judges and never acts."""
    clock = world.twin_clock(launch.start)
    gateway = world.gateway(world.repo, home, "--observe-only", clock="twin-clock")
    answers: dict[str, dict[str, Any]] = {}
    with gateway.client() as client:
        player = Player(clock, client, labels=False)
        claims = [claim for claim in schedule(launch.rows, launch.start, frozenset(_codes(launch)))][:until]
        player.play(claims)
        answers = {str(claim.row["claim"]): claim.answer for claim in claims}
    gateway.stop()
    return answers


def _codes(launch: Launch) -> set[str]:
    return {str(claim.row["supplier"]) for claim in launch.week if claim.unfamiliar}


def _blind(launch: Launch) -> None:
    """Score every unfamiliar claim of the week by the release's own detector, with and without its code."""
    scorer: Scorer = load(launch.world.releases / "2").scorer
    known = next(str(claim.row["supplier"]) for claim in launch.week if not claim.unfamiliar)
    strange = [claim for claim in launch.week if claim.unfamiliar]
    launch.state["seen_by_category"] = sum("supplier" in scorer.score(claim.row).unseen for claim in strange)
    blind = sum(scorer.score({**claim.row, "supplier": known}).flag for claim in strange)
    launch.state["blind"] = (blind, len(strange))
    launch.record.series["ood"] = [_dot(launch, claim, scorer.score(claim.row)) for claim in launch.week[::2]]


def _dot(launch: Launch, claim: Claim, seen: OodScore) -> dict[str, Any]:
    return {"t": launch.hours(claim.at), "p": seen.p, "unseen": bool(seen.unseen), "arm": claim.answer["arm"]}


def end_of_week(launch: Launch) -> datetime:
    """Return the moment at which the last label of the week had come."""
    return launch.start + timedelta(days=10)
