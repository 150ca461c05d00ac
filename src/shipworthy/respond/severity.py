"""How bad it is, and how long people have to confirm what a machine ordered.

`confirm_by` never releases anything: when it passes, the next person is called and the posture stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shipworthy.facts import SEVERITY_OF, Action, Named, OnNoData, Severity
from shipworthy.respond.moments import later, told

CONFIRM_WITHIN_S = {Severity.SEV1: 300, Severity.SEV2: 900, Severity.SEV3: 3600, Severity.SEV4: 14400}
POSTURE_OF_ACTION = {
    Action.ROUTE_TO_HUMAN_REVIEW: Named.HUMAN_REVIEW,
    Action.DEGRADE_TO_SAFE_MODE: Named.SAFE_MODE,
    Action.KILL_SWITCH: Named.KILLED,
}
POSTURE_OF_NO_DATA = {OnNoData.HUMAN_REVIEW: Named.HUMAN_REVIEW, OnNoData.SAFE_MODE: Named.SAFE_MODE}
_ACTION_OF_POSTURE = {posture: action for action, posture in POSTURE_OF_ACTION.items()}


def confirm_by(severity: Severity, now: datetime) -> str:
    """Return when somebody must have confirmed an order of this severity, as RFC 3339 text."""
    return told(later(now, CONFIRM_WITHIN_S[severity]))


def severity_of(posture: Named) -> Severity:
    """Return the severity that goes with a posture: killed SEV1, safe mode SEV2, human review SEV3.

    >>> severity_of(Named.KILLED).value
    'SEV1'
    """
    return Severity.SEV4 if posture is Named.NORMAL else SEVERITY_OF[_ACTION_OF_POSTURE[posture]]


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst severity; of nothing, SEV4."""
    return min(severities, key=list(Severity).index, default=Severity.SEV4)
