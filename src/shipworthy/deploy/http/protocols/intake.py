"""What every protocol does alike: whose a row is, whether it is admitted, its decision, and the headers about it.

In: rows. Out: outcomes, and the headers of the answer. A row that does not say whose it is, is refused; so is a batch
of which one tenant's part is over its throttle. Then nothing of it is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from shipworthy.deploy.answer import PERSON, REFUSED
from shipworthy.deploy.body import BadBody, Cell
from shipworthy.deploy.http.decider import Decider, Outcome
from shipworthy.deploy.http.drills import ASKED, check_tenant
from shipworthy.deploy.http.keys import ANY, Caller, tenant_for
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.shed import BATCH, INTERACTIVE
from shipworthy.deploy.http.wire import Headers, Refusal, Response, Scope, header
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.throttle import headers as throttle_headers
from shipworthy.facts import DRILL_TENANT, MISSING, NORMAL, AbuseKind, Posture
from shipworthy.models.spec import text_of

ONLY_TENANT = "default"
REVIEWS = "/reviews/"
_NORMAL = f"{NORMAL.source.value}/{NORMAL.decider.value}"


@dataclass(slots=True)
class Asked:
    """One request under way: its body, whose it is, what was decided of its rows, and what of it was abuse."""

    now_s: float
    peer: str = ""
    body: bytes = b""
    tenant: str = MISSING
    caller: Caller | None = None
    scope: Scope | None = None
    done: list[tuple[Outcome, Row]] = field(default_factory=list)
    abuse: AbuseKind | None = None
    abuses: int = 1

    def named(self, caller: Caller | None) -> None:
        """Note who calls, by the key that was shown."""
        self.caller = caller
        if caller is not None and caller.tenant != ANY:
            self.tenant = caller.tenant


Posted: TypeAlias = Callable[[Scope, Asked], Awaitable[Response]]
Got: TypeAlias = Callable[[], Response]


class Intake:
    """The way in, shared by every protocol of one gateway."""

    def __init__(self, wiring: Wiring, decider: Decider, warm: Callable[[str], bool] = lambda version: True) -> None:
        """`warm(version)`: it has answered lately."""
        self.wiring = wiring
        self.decider = decider
        self._warm = warm

    def ready(self) -> bool:
        """True when the baseline is loaded, has somewhere to be asked, and has answered lately."""
        w = self.wiring
        baseline = w.routes().baseline
        return baseline in w.releases and baseline in w.upstreams and self._warm(baseline)

    def tenant(self, row: Row, caller: Caller | None) -> str:
        """Return whose row it is: as it says and the caller's key allows, else the key's own tenant.

        A row of which nobody says is refused: it could be under anybody's orders.
        """
        key = self.wiring.keys.tenant
        if key is None:
            return check_tenant(tenant_for(caller, None) or ONLY_TENANT, caller)
        cell: Cell = row.get(key)
        said = None if cell is None or cell == "" else cell if isinstance(cell, str) else text_of(cell)
        tenant = said if caller is None else tenant_for(caller, said)
        if tenant is None:
            raise BadBody(f"no tenant: column {key!r} is missing", "row", "say whose request it is")
        return check_tenant(tenant, caller)

    def admitted(self, tenant: str, cost: int, now_s: float) -> Headers:
        """Return the headers of the throttle. Raises Refusal 429, BadBody for more rows than it ever admits at once."""
        if tenant == DRILL_TENANT:  # a drill bounds itself, and takes nobody's share
            return []
        admission = self.wiring.throttles.admit(tenant, now_s, cost)
        if admission is None:
            return []
        if cost > admission.burst:
            raise BadBody(f"{cost} rows at once", "inputs", f"at most {admission.burst} for this tenant")
        if not admission.ok:
            raise Refusal(429, "too many requests of this tenant", throttle_headers(admission))
        return throttle_headers(admission)

    async def decided(self, rows: Sequence[Row], asked: Asked) -> tuple[list[Outcome], Headers]:
        """Return one outcome a row, in order, and the headers of the answer. Raises Refusal, BadBody, Unreachable."""
        tenants = [self.tenant(row, asked.caller) for row in rows]
        limit: Headers = []
        for tenant in dict.fromkeys(tenants):
            asked.tenant = tenant
            limit = self.admitted(tenant, tenants.count(tenant), asked.now_s)
        self.pressed(asked.scope, len(rows))
        decide, now_s, peer = self.decider.decide, asked.now_s, asked.peer
        jobs = [decide(row, tenant, now_s, peer) for row, tenant in zip(rows, tenants, strict=True)]
        outcomes = await asyncio.gather(*jobs)
        asked.done += zip(outcomes, rows, strict=True)
        return outcomes, [*self.headers(outcomes), *limit]

    def pressed(self, scope: Scope | None, rows: int) -> None:
        """Raise Overloaded when a request of so many rows has to wait for better times."""
        queued_s = self.decider.queued_s()
        if queued_s:
            batch = rows > 1 or (scope is not None and header(scope, b"x-shipworthy-priority") == b"batch")
            self.decider.shed.refuse(BATCH if batch else INTERACTIVE, queued_s)

    def headers(self, outcomes: Sequence[Outcome]) -> Headers:
        """Return arms, versions, postures, the epoch and overrides: what stood behind this answer."""
        override = self.wiring.override()
        first = outcomes[0]
        if len(outcomes) == 1:  # the common case, on the path of every request
            arm, version, posture = first.event.arm, first.event.version, posture_text(first.posture)
        else:
            arm = _each(one.event.arm for one in outcomes)
            version = _each(one.event.version for one in outcomes)
            posture = _each(posture_text(one.posture) for one in outcomes)
        return [
            (b"x-shipworthy-arm", arm.encode()),
            (b"x-shipworthy-version", version.encode()),
            (b"x-shipworthy-posture", posture.encode()),
            (b"x-shipworthy-epoch", b"%d" % first.epoch),
            *([(b"x-shipworthy-override", override.encode())] if override else []),
            *([(ASKED, b"%d" % first.asked_candidate)] if first.event.tenant == DRILL_TENANT else []),
        ]


def posture_text(posture: Posture) -> str:
    """Return who computes and who decides.

    >>> posture_text(NORMAL)
    'candidate/machine'
    """
    return _NORMAL if posture is NORMAL else f"{posture.source.value}/{posture.decider.value}"


def shown_score(outcome: Outcome) -> float | None:
    """Return the score that leaves: a withheld answer does not leave by its score either."""
    given = outcome.answer
    return None if given.route == REFUSED or given.violated else given.score


def look_of(outcomes: Sequence[Outcome], scope: Scope) -> list[str]:
    """Return where to look for each decision, when the caller asked to come back later (`Prefer: respond-async`, RFC
    7240) and all of them went to people; else nothing, and the answer is a plain 200."""
    if any(one.answer.route != PERSON for one in outcomes):
        return []
    asked = (header(scope, b"prefer") or b"").decode("latin-1").lower().split(",")
    if not any(one.partition(";")[0].strip() == "respond-async" for one in asked):
        return []
    return [f"{REVIEWS}{one.receipt}" for one in outcomes]


def later(look: Sequence[str]) -> Headers:
    """Return the headers of a 202."""
    return [(b"preference-applied", b"respond-async"), *((b"location", one.encode()) for one in look[:1])]


def _each(texts: Iterable[str]) -> str:
    return ",".join(sorted(set(texts)))
