"""What the failures and the load of requests count in: one account for everybody, one of their own for drills.

In: the wiring, how much may wait. Out: circuits, what is in hand and let go, a budget of retries. Drills share nothing
with the rest: what they break opens nobody's circuit, takes no room of the candidate and spends no retry.
"""

from __future__ import annotations

from shipworthy.deploy.http.circuit import Circuits
from shipworthy.deploy.http.client import CAP
from shipworthy.deploy.http.retry import RetryBudget
from shipworthy.deploy.http.shed import Shed
from shipworthy.deploy.http.wiring import Wiring


class Account:
    """Circuits by version, the candidate's load, and the retries that are left. `real`: failures are reported."""

    __slots__ = ("_wiring", "circuits", "real", "retries", "shed")

    def __init__(self, wiring: Wiring, budget_s: float, real: bool) -> None:
        self._wiring = wiring
        self.circuits = Circuits(lambda version: wiring.upstreams.get(version), wiring.circuit_check_every_s)
        self.shed = Shed(budget_s, CAP)
        self.retries = RetryBudget()
        self.real = real

    def failed(self, version: str, reason: str) -> None:
        """Report a failed attempt, unless a drill made it."""
        if self.real:
            self._wiring.on_failure(version, reason)
