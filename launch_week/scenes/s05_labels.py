"""Scene 5: labels arrive late with their receipts, and calibration sets the review threshold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from launch_week.launch import Launch
from shipworthy.flows.model import open_model
from shipworthy.profile.thresholds import decide, moved
from shipworthy.runtime.releases import load
from shipworthy.runtime.workspace import Workspace


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
        [[move["at"][:16], _told(move["deny"]), _told(move["approve"]), move["because"]] for move in moves],
    )
    sides = [(move["deny"], move["approve"]) for move in moves]
    say.claim(
        "thresholds moved on matured labels, and no score is ever both denied and approved",
        len(moves) > 1 and all(deny is None or approve is None or deny < approve for deny, approve in sides),
        f"{len(moves) - 1} moves",
    )
    rose = last["deny"] is not None and (first["deny"] is None or last["deny"] > first["deny"])
    say.claim("from day 1 to the end the deny threshold rose", rose, f"{_told(first['deny'])} → {_told(last['deny'])}")
    shares = _review_shares(workspace, launch, moves)
    launch.record.series["review"] = _series(launch, moves, shares)
    say.claim(
        "and fewer claims of known offices go to people",
        shares[-1] < shares[0],
        f"of {launch.state['known']} claims {shares[0]:.3f} by the release's thresholds, {shares[-1]:.3f} by the last",
    )


def _told(edge: float | None) -> str:
    return "nobody" if edge is None else f"{edge:.2f}"


def _moves(workspace: Workspace) -> list[dict[str, Any]]:
    """The release's own thresholds first, then every recalibration of version 2 in the ledger."""
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


def _review_shares(workspace: Workspace, launch: Launch, moves: list[dict[str, Any]]) -> list[float]:
    """Return the share of the week's known claims that version 2 sends to people, by each set of thresholds."""
    one = load(workspace.releases / "2")
    known = [claim.row for claim in launch.week if not claim.unfamiliar]
    launch.state["known"] = len(known)
    with open_model(one.folder, one.contract.manifest) as model:
        scores = model.rows(known).scores
    shares = []
    for move in moves:
        held = moved(one.thresholds, "*", move["deny"], move["approve"])
        shares.append(sum(decide(held, score).route == "person" for score in scores) / len(scores))
    return shares


def _series(launch: Launch, moves: list[dict[str, Any]], shares: list[float]) -> list[dict[str, Any]]:
    told = []
    for move, share in zip(moves, shares, strict=True):
        at = launch.hours(datetime.fromisoformat(move["at"])) if move["at"] != "release" else 0.0
        told.append({"t": at, "deny": move["deny"], "approve": move["approve"], "review_rate": share})
    return told
