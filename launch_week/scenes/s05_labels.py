"""Scene 5: labels arrive late with their receipts, and calibration sets the review threshold."""

from __future__ import annotations

from typing import Any

from launch_week.launch import UNSEEN, Launch
from shipworthy.runtime.workspace import Workspace

DAY = 24 * 60


def play(launch: Launch, forged: tuple[int, Any], repeated: dict[str, Any]) -> None:
    """Read the ledger's recalibrations and the windows of the week."""
    say = launch.record
    say.scene(5, "Late labels: calibration sets the review threshold")
    say.claim(
        "labels found their decisions by their receipts", launch.player.posted > 0, f"{launch.player.posted} labels"
    )
    say.claim("a forged receipt is refused", forged[0] == 400, f"status {forged[0]}: {forged[1]}")
    say.claim("a label that comes twice counts once", repeated.get("status") == "used", repeated)
    workspace = Workspace(root=launch.world.repo, home=launch.world.home, clock=launch.world.clock)
    moves = _moves(workspace)
    first, last = moves[0], moves[-1]
    say.table(
        "Thresholds of version 2, each move a ledger entry before it acted",
        ["at", "deny at or below", "approve at or above", "because"],
        [[move["at"][:16], str(move["deny"]), str(move["approve"]), move["because"]] for move in moves],
    )
    say.claim("thresholds moved on matured labels, inside the signed bounds", len(moves) > 1, f"{len(moves) - 1} moves")
    rose = last["deny"] is not None and (first["deny"] is None or last["deny"] > first["deny"])
    say.claim("from day 1 to the end the deny threshold rose", rose, f"{first['deny']} → {last['deny']}")
    days = _review_by_day(workspace, launch)
    launch.record.series["review"] = _series(launch, moves, days)
    say.claim(
        "and fewer claims of known offices went to people",
        days[-1] < days[0],
        f"version 2 would send {days[0]:.2f} on day 1, {days[-1]:.2f} on day {len(days)}",
    )


def _moves(workspace: Workspace) -> list[dict[str, Any]]:
    """The release's own thresholds first, then every recalibration of version 2 in the ledger."""
    from shipworthy.runtime.releases import load

    own = next(one for one in load(workspace.releases / "2").thresholds.buckets if one.feature == "*")
    moves: list[dict[str, Any]] = [
        {"at": "release", "deny": own.deny, "approve": own.approve, "because": f"{own.n} calibration rows"}
    ]
    store = workspace.store()
    try:
        for entry in store.entries():
            if entry.kind == "observe.recalibrated" and entry.body["thresholds"]["version"] == "2":
                moved = entry.body["thresholds"]
                moves.append({**moved, "at": entry.at, "because": entry.body["because"]})
    finally:
        store.close()
    return moves


def _review_by_day(workspace: Workspace, launch: Launch) -> list[float]:
    """The share that version 2 sends to people, served and shadowed, without the unfamiliar offices."""
    first = int(launch.start.timestamp() // 60)
    store = workspace.store()
    days = []
    try:
        for day in range(7):
            span = (first + day * DAY, first + (day + 1) * DAY)
            n = reviewed = 0
            for segment, sign in (("*", 1), (UNSEEN, -1)):
                for window in store.windows("2", *span, None, "*", segment):
                    if window.arm == "shadow":
                        n += sign * window.n
                        reviewed += sign * window.n_review
            days.append(reviewed / n if n else 1.0)
    finally:
        store.close()
    return days


def _series(launch: Launch, moves: list[dict[str, Any]], days: list[float]) -> list[dict[str, Any]]:
    from datetime import datetime

    told = []
    for day, rate in enumerate(days):
        held = moves[0]
        for move in moves[1:]:
            if launch.hours(datetime.fromisoformat(move["at"])) <= (day + 1) * 24:
                held = move
        told.append({"t": (day + 1) * 24, "deny": held["deny"], "approve": held["approve"], "review_rate": rate})
    return told
