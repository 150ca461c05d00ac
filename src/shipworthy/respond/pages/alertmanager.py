"""A page as Alertmanager takes it: `POST /api/v2/alerts` with a list of alerts.

In: a page, the page as this Alertmanager last heard it, and the time. Out: the alerts to post. An alert is one by its
labels, so that those stay as they are from the first to the last word about a page; where they change the alert of
before ends. A firing alert ends by itself five minutes after it was last told, whatever that Alertmanager's
`resolve_timeout` is: a gateway that is gone pages nobody for ever.

Source: prometheus/alertmanager api/v2/openapi.yaml (postableAlert) and docs/clients: label names match
`[a-zA-Z_][a-zA-Z0-9_]*`, `startsAt` is not after `endsAt`, an alert is over when its `endsAt` has passed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from shipworthy.respond.moments import before, later, told
from shipworthy.respond.pages.page import PRIORITY_OF, WORD_OF, Page, Phase, clip

PATH: Final = "/api/v2/alerts"
LASTS_S: Final = 300.0
_MOST: Final = 1024


def alerts(page: Page, heard: Page | None, now: datetime) -> list[dict[str, Any]]:
    """Return what is posted: the page, and the end of the alert that it was before, if that had other labels."""
    posted = [_alert(page, now)]
    if heard is not None and heard.phase is not Phase.RESOLVED and labels(heard) != labels(page):
        posted.insert(0, _ended(heard, now))
    return posted


def labels(page: Page) -> dict[str, str]:
    """Return the labels of a page."""
    return {
        "alertname": "Shipworthy" + "".join(part.capitalize() for part in page.kind.replace("_", ".").split(".")),
        "severity": WORD_OF[page.severity],
        "sev": page.severity.value,
        "model": clip(page.model, _MOST),
        "tenant": clip(page.tenant, _MOST),
        "segment": clip(page.segment, _MOST),
        "slo": clip(page.slo, _MOST),
        "epoch": str(page.epoch),
    }


def _alert(page: Page, now: datetime) -> dict[str, Any]:
    if page.phase is Phase.RESOLVED:
        return _ended(page, now)
    return _told(page, now, told(later(now, LASTS_S)))


def _ended(page: Page, now: datetime) -> dict[str, Any]:
    return _told(page, now, told(now))


def _told(page: Page, now: datetime, until: str) -> dict[str, Any]:
    start = page.at if before(page.at, told(now)) else told(now)  # another machine's clock may be behind ours
    return {"labels": labels(page), "annotations": _annotations(page), "startsAt": start, "endsAt": until}


def _annotations(page: Page) -> dict[str, str]:
    told_of = {
        "summary": page.title,
        "description": page.because,
        "confirm": page.confirm,
        "command": page.command,
        "runbook_url" if page.runbook.startswith("https://") else "runbook": page.runbook,
        "priority": PRIORITY_OF[page.severity],
        "version": page.version,
        "orders": ", ".join(page.orders),
        "incident": page.incident,
        "phase": page.phase.value,
        "escalation": ", ".join(page.call) if page.step else "",
        "key": page.key,
    }
    return {name: clip(text, _MOST) for name, text in told_of.items() if text}
