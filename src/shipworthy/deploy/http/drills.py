"""Requests of the synthetic tenant: made by a drill through the real door, by a token that only this site's key makes.

In: the host's MAC key, a drill's id and its end. Out: the header that a drill shows, and the `DrillCaller` it is, for
`__drill__` and for nobody else. Whoever else names that tenant is refused, also with an API key in that very name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from shipworthy.artifact.mac import open_token, seal_token
from shipworthy.deploy.http.keys import Caller, Callers, KeyRefusal
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.upstream import Scored, UpstreamFailed
from shipworthy.deploy.http.wire import Scope, header
from shipworthy.errors import CannotDecide
from shipworthy.facts import DRILL_TENANT, AbuseKind

HEADER: Final = b"x-shipworthy-drill"
ASKED: Final = b"x-shipworthy-asked"  # what a drill is told: whether the candidate was asked, 1 or 0
MARK: Final = "__fault__"  # the column by which a game day says what it is; it means nothing in anybody else's row
CANDIDATE_500, CANDIDATE_HANG, NEVER_EVENT = "candidate-500", "candidate-hang", "never-event"
_LABEL: Final = "drill"


class DrillCaller(Caller):
    """A drill, let in by its token. No key makes one, whatever tenant stands in it."""

    __slots__ = ()


def drill_token(key: bytes, drill: str, until_s: int) -> str:
    """Return what a drill shows until `until_s` (seconds since 1970)."""
    return seal_token(key, _LABEL, f"{until_s} {drill}".encode())


def drill_of(key: bytes, shown: bytes, now_s: float) -> str | None:
    """Return the id of the drill that shows this token; None when it is not ours or is over."""
    try:
        until, _, drill = open_token(key, _LABEL, shown.decode("latin-1")).decode().partition(" ")
    except (CannotDecide, ValueError):
        return None
    return drill if until.isdigit() and now_s < int(until) else None


def with_drills(callers: Callers, key: bytes, clock: Callable[[], float]) -> Callers:
    """Return who calls, drills included: a request with their header is a drill's, or it is refused."""

    def caller(scope: Scope) -> Caller | None:
        shown = header(scope, HEADER)
        if shown is None:
            return callers(scope)
        drill = drill_of(key, shown, clock())
        if drill is None:
            raise KeyRefusal(401, "this is no token of a drill here", AbuseKind.BAD_TOKEN, shown)
        return DrillCaller(f"drill/{drill}", DRILL_TENANT)

    return caller


def check_tenant(tenant: str, caller: Caller | None) -> str:
    """Return the tenant. Raises KeyRefusal 403 for the synthetic one unless a drill itself asks."""
    if tenant == DRILL_TENANT and not isinstance(caller, DrillCaller):
        raise KeyRefusal(403, f"{DRILL_TENANT} is the tenant of drills", AbuseKind.FOREIGN_TENANT)
    return tenant


class Mark(NamedTuple):
    """What a game day says in each of its rows. `until_s`: seconds since 1970; `word`: the decision that is forced."""

    fault: str
    drill: str
    until_s: int
    word: str = ""

    def text(self) -> str:
        """Return the cell of the column `MARK`."""
        return f"{self.fault}/{self.drill}/{self.until_s}/{self.word}"


def mark_of(tenant: str, row: Row) -> Mark | None:
    """Return the mark of a row of the synthetic tenant; None for everybody else's."""
    cell = row.get(MARK) if tenant == DRILL_TENANT else None
    parts = cell.split("/", 3) if isinstance(cell, str) else []
    return Mark(parts[0], parts[1], int(parts[2]), parts[3]) if len(parts) == 4 and parts[2].isdigit() else None


def decided_as_marked(tenant: str, row: Row, scored: Scored | None) -> Scored | None:
    """Return the score with the decision that a game day forces upon the model: what must never be decided."""
    mark = mark_of(tenant, row)
    if scored is None or mark is None or mark.fault != NEVER_EVENT:
        return scored
    return Scored(scored.score, mark.word)


async def fail_as_marked(tenant: str, row: Row, deadline: float) -> None:
    """Raise UpstreamFailed as a drill's row asks for, at once or when the candidate's time is over.

    `deadline`: by the event loop's clock. The mark means nothing in a row of anybody else.
    """
    mark = mark_of(tenant, row)
    fault = mark.fault if mark is not None else ""
    if fault == CANDIDATE_500:
        raise UpstreamFailed("500: a drill asked for it", sent=True, heard=True)
    if fault == CANDIDATE_HANG:
        await asyncio.sleep(max(0.0, deadline - asyncio.get_running_loop().time()))
        raise UpstreamFailed("timeout: a drill asked for it", sent=True, heard=False)
