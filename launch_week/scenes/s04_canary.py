"""Scene 4: a canary of ten percent inside two chosen tenants; hashing keeps every unit where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from launch_week.launch import CHOSEN, Launch
from launch_week.traffic import Claim

TOLERANCE = 0.025


def open_canary(launch: Launch, morning: list[Claim]) -> tuple[dict[str, str], dict[str, str]]:
    """At first light take note of who is on the candidate; then raise the share and ask the same claims again.

    Returns unit -> arm before and after the raise.
    """
    world = launch.world
    before = {str(claim.row["crash"]): str(claim.answer["arm"]) for claim in morning if claim.row["tenant"] in CHOSEN}
    world.verb("rollout", "advance", "--as", "ana").expect()
    after: dict[str, str] = {}
    for claim in morning:
        if claim.row["tenant"] in CHOSEN:
            world.clock.advance(1)
            after[str(claim.row["crash"])] = str(launch.client.post("/decide", {"row": claim.row})[1]["arm"])
    return before, after


def judge(launch: Launch, claims: Sequence[Claim]) -> None:
    """Measure the share of the canary stage from the answers themselves."""
    say = launch.record
    say.scene(4, "The canary: 10 % of traffic inside two tenants")
    before, after = launch.state["arms"]
    back = [unit for unit, arm in before.items() if arm == "candidate" and after[unit] != "candidate"]
    onward = sum(arm == "candidate" and before[unit] == "baseline" for unit, arm in after.items())
    say.claim(
        "raising the share from 5 to 10 % moves units to the candidate and none back",
        not back and any(arm == "candidate" for arm in before.values()),
        f"{len(before)} units asked twice: {onward} moved on, {len(back)} back",
    )
    arms: dict[str, set[str]] = defaultdict(set)
    tenant_of: dict[str, str] = {}
    for claim in claims:
        arms[str(claim.row["crash"])].add(str(claim.answer["arm"]))
        tenant_of[str(claim.row["crash"])] = str(claim.row["tenant"])
    chosen = [unit for unit, tenant in tenant_of.items() if tenant in CHOSEN]
    share = sum("candidate" in arms[unit] for unit in chosen) / len(chosen)
    say.claim(
        "the measured share of units is 10 % within tolerance",
        abs(share - 0.10) <= TOLERANCE,
        f"{share:.3f} of {len(chosen)} units, tolerance {TOLERANCE}",
    )
    strays = sum("candidate" in arms[unit] for unit, tenant in tenant_of.items() if tenant not in CHOSEN)
    say.claim("all other tenants: exactly 0", strays == 0, f"{strays} of {len(tenant_of) - len(chosen)} units")
    torn = sum(len(seen) > 1 for seen in arms.values())
    repeated = len(claims) - len(arms)
    say.claim(
        "the same unit always has the same arm",
        torn == 0,
        f"{torn} of {len(arms)} units changed, {repeated} came again",
    )
