"""What the scenes of the launch share: the running gateway, the schedule of claims, and what was seen of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from launch_week.record import Record
from launch_week.traffic import Claim, Player, schedule
from launch_week.world import MONDAY, Gateway, World
from shipworthy.contract.files.reader import read_manifest
from shipworthy.models.table import read_rows

UNFAMILIAR = frozenset({"P42", "P47", "P50", "P72", "P73", "P74", "P75"})
CHOSEN = ("alder", "birch")
UNSEEN = "supplier=__unseen__"


class Launch:
    """One week of one rollout, as seen from outside."""

    def __init__(self, world: World, gateway: Gateway, start: datetime) -> None:
        self.world = world
        self.record: Record = world.record
        self.gateway = gateway
        self.client = gateway.client()
        self.start = start
        self.rows = traffic_rows(world.repo)
        self.week = schedule(self.rows, start, UNFAMILIAR)
        self.player = Player(world.clock, self.client)
        self.state: dict[str, Any] = {}

    def throttle(self, tenant: str) -> int:
        """Return a tenant's burst as the contract says it."""
        throttles = read_manifest(self.world.repo).throttles
        assert throttles is not None
        return throttles.tenants.get(tenant, throttles.default).burst

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders that hold, from the gateway's own status."""
        return list(self.gateway.status()["state"]["orders"])

    def quality(self, version: str, shadow: bool, floor: float = 0.71) -> dict[str, dict[str, Any]]:
        """Return quality by segment as the gateway tells it."""
        flag = "1" if shadow else "0"
        _, rows, _ = self.client.get(f"/quality?version={version}&shadow={flag}&floor={floor}")
        return {str(row["segment"]): row for row in rows}

    def hours(self, moment: datetime) -> float:
        """Return hours since the story began."""
        return (moment - MONDAY).total_seconds() / 3600


def traffic_rows(repo: Path) -> list[dict[str, Any]]:
    """Return the traffic records, in the order of their arrival."""
    text = frozenset({"supplier", "tenant", "jurisdiction", "remark", "claim", "crash", "sex"})
    rows = read_rows(repo / "data" / "claims.csv.gz", "split == 'traffic'", text)
    return sorted(rows, key=lambda row: (float(str(row["arrival"])), str(row["claim"])))


def wrong(claim: Claim) -> bool:
    """True for a machine's answer that turned out wrong."""
    told = {"auto_deny": 0, "auto_approve": 1}.get(str(claim.answer.get("decision")))
    return claim.answer.get("route") == "machine" and told != claim.label


def of_candidate(claims: Iterable[Claim]) -> list[Claim]:
    """Return the claims that were routed to the candidate."""
    return [claim for claim in claims if claim.answer.get("arm") == "candidate"]
