"""Which arm a request goes to.

In: the routes of the moment (a fact of the state), a tenant and a unit key. Out: `candidate` or `baseline`.
Tenants are chosen by name first; inside a chosen tenant a hash of the unit decides, so a unit stays where it is, and
growing the share only ever moves units towards the candidate. No state, no cookie.
"""

from __future__ import annotations

from typing import Final

import msgspec
import xxhash

from shipworthy.errors import UsageError
from shipworthy.facts import DRILL_TENANT, Fact, RolloutState

CANDIDATE: Final = "candidate"
BASELINE: Final = "baseline"
WHOLE_BP: Final = 10_000
_SERVING = ("running", "held")


class Routes(Fact, frozen=True, kw_only=True):
    """Versions and the candidate's share in basis points of the units of each of `tenants` (`*` = all).

    Raises UsageError when the share is not within 0 and 10,000.
    """

    baseline: str
    candidate: str | None = None
    share_bp: int = 0
    tenants: tuple[str, ...] = ()
    salt: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.share_bp <= WHOLE_BP:
            raise UsageError(f"a share of {self.share_bp} basis points", "routes", "0 to 10000")


def routes_of(baseline: str, rollout: RolloutState | None) -> Routes:
    """Return the routes of a state: a rollout that is neither running nor held sends nothing to its candidate."""
    if rollout is None or rollout.status not in _SERVING or rollout.version == baseline:
        return Routes(baseline=baseline)
    return Routes(
        baseline=baseline,
        candidate=rollout.version,
        share_bp=rollout.share_bp,
        tenants=rollout.tenants,
        salt=rollout.salt,
    )


def within(routes: Routes, tenants: tuple[str, ...], share_bp: int) -> Routes:
    """Return the routes with the candidate kept inside `tenants` (`*` = all) and at most this share of their units.

    >>> within(Routes(baseline="1", candidate="2", share_bp=10_000, tenants=("*",)), ("acme",), 500)
    Routes(baseline='1', candidate='2', share_bp=500, tenants=('acme',), salt='')
    """
    if "*" in tenants:
        both = routes.tenants
    elif "*" in routes.tenants:
        both = tenants
    else:
        both = tuple(tenant for tenant in routes.tenants if tenant in tenants)
    return msgspec.structs.replace(routes, tenants=both, share_bp=min(routes.share_bp, share_bp))


def arm(routes: Routes, tenant: str, unit: str) -> str:
    """Return `candidate` or `baseline` for a unit of a tenant.

    >>> arm(Routes(baseline="1", candidate="2", share_bp=10_000, tenants=("acme",)), "acme", "claim-7")
    'candidate'
    """
    if routes.candidate is None or routes.share_bp == 0:
        return BASELINE
    if tenant == DRILL_TENANT:  # a drill exercises what would have to stop, whoever the stage is for
        return CANDIDATE
    if not chosen(routes.tenants, tenant):
        return BASELINE
    return CANDIDATE if place(routes.salt, unit) < routes.share_bp else BASELINE


def place(salt: str, unit: str) -> int:
    """Return the unit's fixed place in [0, 10,000): xxh3_64 of `salt|unit`. A new salt deals new places."""
    return int(xxhash.xxh3_64_intdigest(f"{salt}|{unit}".encode("utf-8", "surrogatepass")) % WHOLE_BP)


def chosen(tenants: tuple[str, ...], tenant: str) -> bool:
    """True when the tenant is named, or all are."""
    return tenant in tenants or "*" in tenants
