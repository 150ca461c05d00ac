"""What an SLO asks for that run time cannot give: a segment that windows do not show, a kill that an estimate may not.

In: the policy. Out: one warning each. They are no faults: the gate may judge the same SLO, and what cannot be shown
live is `no_data` there, never green.
"""

from __future__ import annotations

from shipworthy.facts import Action, Policy, Slo, parse_segment
from shipworthy.indicators import INDICATORS

OF_FULL_WINDOWS = {
    "drift_excess": "slim windows hold no inputs",
    "latency_ms": "slim windows hold no times",
    "subgroup_gap": "windows do not cross groups with segments",
}
_TENANT = "tenant"


def live_limits(policy: Policy | None) -> tuple[str, ...]:
    """Return the warnings of a policy, in its order."""
    slos = () if policy is None else policy.slos
    return tuple(told for slo in slos for told in (*_unseen(slo), *_milder(slo)))


def _unseen(slo: Slo) -> list[str]:
    why = OF_FULL_WINDOWS.get(slo.indicator)
    hidden = [one for one in slo.segments if set(parse_segment(one)) - {_TENANT}] if why else []
    return [f"{slo.name} on {one} is no_data at run time: {why}; only `*` and `tenant=` are shown" for one in hidden]


def _milder(slo: Slo) -> list[str]:
    if not INDICATORS[slo.indicator].estimated or slo.action_on_breach is Action.ROUTE_TO_HUMAN_REVIEW:
        return []
    action = slo.action_on_breach.value
    return [f"{slo.name}: an estimate routes to people and does no more: no {action} comes of it"]
