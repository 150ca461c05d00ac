"""Scene 4: a canary of ten percent inside two chosen tenants; hashing keeps every unit where it is."""

from __future__ import annotations

import itertools
from collections import defaultdict

import msgspec

from launch_week.launch import CHOSEN, Launch
from shipworthy.deploy.routing import arm, routes_of
from shipworthy.facts import RolloutState

TOLERANCE = 0.025


def judge(launch: Launch) -> None:
    """Measure the share of the canary stage from the answers themselves."""
    say, claims = launch.record, launch.week
    say.scene(4, "The canary: 10 % of traffic inside two tenants")
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
    _raise(launch, {unit: tenant for unit, tenant in tenant_of.items() if tenant in CHOSEN}, arms)


def _raise(launch: Launch, tenant_of: dict[str, str], seen: dict[str, set[str]]) -> None:
    """Deal the observed units again under the live rollout's salt, at its share and at greater ones."""
    state = launch.client.get("/status")[1]["state"]
    live = msgspec.convert(state["rollout"], RolloutState)
    held: list[set[str]] = []
    for share in (live.share_bp, 2_500, 5_000, 10_000):
        routes = routes_of(state["baseline"], msgspec.structs.replace(live, share_bp=share))
        held.append({unit for unit, tenant in tenant_of.items() if arm(routes, tenant, unit) == "candidate"})
    served = {unit for unit in tenant_of if "candidate" in seen[unit]}
    launch.record.claim(
        "the arm is the hash alone, and raising the share would move units to the candidate and none back",
        held[0] == served and all(less < more for less, more in itertools.pairwise(held)),
        f"{len(served)} units served as dealt; at 25, 50 and 100 %: {[len(more) for more in held[1:]]}, none back",
    )
