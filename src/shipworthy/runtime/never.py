"""The order that a never event asks for, from the event of one decision.

In: the release that decided, the name of a never event that was true, the event, the state. Out: a proposal, or None
when what it asks for holds already. The same for a gateway that is alone and for one worker of many.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shipworthy.facts import Event, RuntimeState
from shipworthy.respond import playbook
from shipworthy.runtime.releases import Loaded


class _Attempt(msgspec.Struct, frozen=True, kw_only=True):
    request: str
    version: str
    tenant: str
    leaked: bool
    at: str


def never_order(one: Loaded, name: str, event: Event, state: RuntimeState, now: datetime) -> playbook.Proposal | None:
    """Return what is to be ordered, without an id."""
    never = next(each for each in one.contract.policy.never_events if each.name == name)
    attempt = _Attempt(
        request=event.request, version=event.version, tenant=event.tenant, leaked=event.leaked, at=event.at
    )
    return playbook.on_never(never, attempt, one.contract.manifest.model, state, "", now)
