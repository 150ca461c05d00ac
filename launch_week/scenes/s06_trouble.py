"""Scene 6: claims from unfamiliar offices; only that segment goes to people, and late labels confirm it."""

from __future__ import annotations

from typing import Any

from launch_week.launch import UNSEEN, Launch, of_candidate, wrong
from launch_week.traffic import Claim

VOLATILE = frozenset({"receipt", "request", "epoch", "at"})


def play(launch: Launch, twin: dict[str, dict[str, Any]], early: dict[str, dict[str, Any]], until_twin: int) -> None:
    """Judge the week: what fired, what went out first, what stayed as it was, what labels say."""
    say = launch.record
    say.scene(6, "Unfamiliar supplier codes: degrade that segment, nothing else")
    order = launch.state["order"]
    _kinds(launch)
    scope = order["order"]["scope"]
    say.claim(
        "the unseen codes degrade their own segment of version 2, automatically",
        (scope["version"], scope["segment"], order["order"]["by"]) == ("2", UNSEEN, "machine"),
        f"{order['order']['id']} {order['order']['posture']} on {scope['segment']}: {order['because']}",
    )
    _first_ones(launch)
    same, compared = _same(launch, twin, until_twin)
    say.claim(
        "other segments' answers are byte-identical to a twin run without orders",
        same == compared > 500,
        f"{same} of {compared} answers, receipts, ids, epoch and time apart",
    )
    _novelty(launch)
    _quality(launch, early)
    say.claim(
        "an operator confirmed with one command",
        launch.state["confirmed"] == 0,
        "shipworthy confirm " + order["order"]["id"],
    )
    _paged(launch, order["order"]["id"])


def _paged(launch: Launch, order: str) -> None:
    """What the rotation heard: one page, with the thing to confirm, acknowledged when somebody had."""
    told = [one for one in launch.world.pager.heard("segment.degraded") if order in one["orders"]]
    states = list(dict.fromkeys(one["state"] for one in told))
    launch.record.claim(
        "on call heard of it once, with the one thing to confirm, and that somebody had",
        bool(told) and states[-1] == "acknowledged" and order in told[0]["command"] and told[0]["severity"] == "SEV2",
        f"{told[0]['title']}: {', '.join(states)}; {told[0]['command']}" if told else "nothing was heard",
    )


def _kinds(launch: Launch) -> None:
    """The per-kind table: only the unseen-category view sees these claims."""
    say = launch.record
    judged = {one["slo"]: one for one in launch.gateway.status()["judgements"]["2"]}
    recall, structural = judged["ood_recall_7d"], judged["ood_recall_structural"]
    flagged, n = launch.state["blind"]
    say.table(
        "What sees an unfamiliar code",
        ["view", "flagged", "of"],
        [
            ["unseen category", str(launch.state["seen_by_category"]), str(n)],
            ["numeric views alone (the code hidden from them)", str(flagged), str(n)],
            ["live probes, plain kinds", recall["because"], ""],
            ["live probes, structural kinds (known gap)", structural["because"], ""],
        ],
    )
    say.claim(
        "only the unseen-category view sees them: the numeric views are blind, and the table says so",
        launch.state["seen_by_category"] == n and flagged / n < 0.1,
        f"{launch.state['seen_by_category']} of {n} by category, {flagged} by the numeric views",
    )


def _first_ones(launch: Launch) -> None:
    say = launch.record
    ordered = launch.state["order"]["at"]
    mine = [claim for claim in of_candidate(launch.week) if claim.unfamiliar]
    before = [claim for claim in mine if claim.answer["at"] <= ordered]
    after = [claim for claim in mine if claim.answer["at"] > ordered]
    escaped = sum(wrong(claim) for claim in before)
    say.claim(
        "the number of wrong automatic answers that got out first is known",
        0 < len(before) <= 10,
        f"{escaped} wrong among the first {len(before)} before the order",
    )
    machine = sum(claim.answer["route"] == "machine" for claim in after)
    say.claim(
        "after it no machine answers there", machine == 0 and len(after) > 50, f"{machine} of {len(after)} claims"
    )
    others = [claim for claim in of_candidate(launch.week) if not claim.unfamiliar]
    served = sum(claim.answer["route"] == "machine" for claim in others)
    say.claim(
        "known offices go on being answered by version 2", served > 0, f"{served} of {len(others)} by the machine"
    )


def _same(launch: Launch, twin: dict[str, dict[str, Any]], until: int) -> tuple[int, int]:
    compared = [claim for claim in launch.week[:until] if not claim.unfamiliar]
    same = sum(_bare(claim.answer) == _bare(twin[str(claim.row["claim"])]) for claim in compared)
    return same, len(compared)


def _bare(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in VOLATILE}


def _novelty(launch: Launch) -> None:
    """Vehicles newer than any in the first training years: many of them, and nobody is paged."""
    say = launch.record
    newer = [claim for claim in launch.week if _newer(claim) and not claim.unfamiliar]
    orders = [order for order in launch.orders() if order["order"]["scope"]["segment"] != UNSEEN]
    say.claim(
        "harmless novelty (newer vehicles) pages nobody",
        not orders and len(newer) > 300,
        f"{len(newer)} claims with vehicles newer than 1999, {len(orders)} orders beside the one",
    )


def _newer(claim: Claim) -> bool:
    year, age = claim.row.get("year"), claim.row.get("vehicle_age")
    return isinstance(year, int) and isinstance(age, int | float) and year - age > 1999


def _quality(launch: Launch, early: dict[str, dict[str, Any]]) -> None:
    say = launch.record
    rows = launch.quality("2", shadow=True)
    launch.record.series["ece"] = [
        {"supplier": name.removeprefix("supplier="), "n": row["n"], **_ece(row)}
        for name, row in rows.items()
        if name.startswith("supplier=")
    ] + [{"supplier": "pooled", "n": rows["*"]["n"], **_ece(rows["*"])}]
    shown = [UNSEEN, *sorted(name for name in rows if name.startswith("supplier=") and name != UNSEEN), "*"]
    say.table(
        "Version 2 by office, shadow scores with late labels; pooled row beneath",
        ["segment", "labels", "AUROC", "", "ECE", ""],
        [
            [name, str(row["n"]), _span(row["auroc"]), row["auroc_outcome"], _span(row["ece"]), row["ece_outcome"]]
            for name, row in ((name, rows[name]) for name in shown)
        ],
    )
    thin = early.get(UNSEEN, {"ece_outcome": "no row", "n": 0})
    say.claim(
        "before enough labels came it said `no_data`",
        thin["ece_outcome"] == "no_data" and thin["n"] < rows[UNSEEN]["n"],
        f"{thin['n']} labels then, {rows[UNSEEN]['n']} at the end",
    )
    bad, pooled = rows[UNSEEN], rows["*"]
    say.claim(
        "per segment AUROC hides the failure and ECE shows it",
        bad["auroc_outcome"] == "met" and bad["ece_outcome"] == "breached",
        f"AUROC {_span(bad['auroc'])} over its floor .71; ECE {_span(bad['ece'])} over .05",
    )
    say.claim(
        "the pooled row stands beneath",
        pooled["n"] > bad["n"],
        f"pooled ECE {_span(pooled['ece'])} {pooled['ece_outcome']}",
    )


def _ece(row: dict[str, Any]) -> dict[str, Any]:
    known = row["ece_outcome"] != "no_data"
    return {key: row["ece"][key] if known else None for key in ("value", "lo", "hi")}


def _span(measured: dict[str, Any]) -> str:
    if measured["value"] is None:
        return "–"
    return f"{measured['value']:.3f} [{measured['lo']:.3f}, {measured['hi']:.3f}]"
