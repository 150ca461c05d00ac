"""What the guard answers: the reply of the gateway, and the override that holds beside it.

In: an outcome. Out: a `Decision`; what the gateway says in a header is a field here.
"""

from __future__ import annotations

import msgspec

from shipworthy.deploy.http.decider import Outcome
from shipworthy.deploy.http.gateway import Reply, reply_of


class Decision(Reply, frozen=True):
    """The reply to one row. `override`: the overrides that held, as `x-shipworthy-override` tells them; "" = none."""

    override: str = ""


def decision_of(outcome: Outcome, override: str) -> Decision:
    """Return what the caller hears of an outcome."""
    return Decision(**msgspec.structs.asdict(reply_of(outcome)), override=override)
