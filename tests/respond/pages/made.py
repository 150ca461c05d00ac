"""Pages for tests, with one field or the other changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shipworthy.facts import Severity
from shipworthy.respond.pages.page import Page, key_of

AT = datetime(2027, 1, 4, 9, tzinfo=UTC)
TOLD = "2027-01-04T09:00:00.000000Z"


def page(slo: str = "ood_repeats", **given: Any) -> Page:
    """Return a page about a degraded segment."""
    told: dict[str, Any] = {
        "key": key_of("tiny-triage", "supplier=S2", slo),
        "kind": "segment.degraded",
        "severity": Severity.SEV2,
        "title": "tiny-triage: supplier=S2 of version 2 in safe mode",
        "because": f"{slo}: 40 of 60 requests out of distribution in supplier=S2",
        "model": "tiny-triage",
        "version": "2",
        "segment": "supplier=S2",
        "slo": slo,
        "at": TOLD,
        "confirm": "Confirm that supplier=S2 of version 2 stays in safe mode.",
        "command": "shipworthy confirm ORD-2027-0001 --as YOU",
        "orders": ("ORD-2027-0001",),
        "incident": "INC-2027-0001",
        "runbook": "https://runbooks.example/triage",
        "epoch": 7,
    }
    return Page(**{**told, **given})
