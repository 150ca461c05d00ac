"""A page as PagerDuty takes it: Events API v2, `POST /v2/enqueue`.

In: a page. Out: the event without its routing key, which is a secret and is added where it is sent. `dedup_key` makes
what is sent twice one incident; `acknowledge` and `resolve` say no more than the key.

Limits (PagerDuty's documentation of PD-CEF and of the API): `dedup_key` 255, `summary` 1024 characters, `severity` one
of `critical error warning info`, an event 512 KB; 202 is taken, 400 is never right later, 429 and 5xx are sent again.
"""

from __future__ import annotations

from typing import Any, Final

from shipworthy.respond.pages.page import PRIORITY_OF, WORD_OF, Page, Phase, clip

PATH: Final = "/v2/enqueue"
MOST_SUMMARY: Final = 1024
_MOST: Final = 1024
_ACTION = {Phase.FIRING: "trigger", Phase.ACKNOWLEDGED: "acknowledge", Phase.RESOLVED: "resolve"}


def event(page: Page) -> dict[str, Any]:
    """Return the event. One that calls the next person fires again, even when somebody has acknowledged it before."""
    told: dict[str, Any] = {"event_action": _ACTION[page.phase], "dedup_key": page.key}
    if page.phase is not Phase.FIRING:
        return told
    told["payload"] = {
        "summary": clip(_summary(page), MOST_SUMMARY),
        "source": clip(f"shipworthy/{page.model}", _MOST),
        "severity": WORD_OF[page.severity],
        "timestamp": page.at,
        "component": clip(page.segment, _MOST),
        "group": clip(page.model, _MOST),
        "class": clip(page.slo, _MOST),
        "custom_details": _details(page),
    }
    told["client"] = "Shipworthy"
    if page.runbook.startswith("https://"):
        told["links"] = [{"href": clip(page.runbook, _MOST), "text": "runbook"}]
    return told


def _summary(page: Page) -> str:
    again = f"not confirmed, call {', '.join(page.call) or 'the next person'}: " if page.step else ""
    return f"{again}{page.title}. {page.confirm}"


def _details(page: Page) -> dict[str, str]:
    told = {
        "because": page.because,
        "confirm": page.confirm,
        "command": page.command,
        "runbook": page.runbook,
        "sev": page.severity.value,
        "priority": PRIORITY_OF[page.severity],
        "model": page.model,
        "version": page.version,
        "tenant": page.tenant,
        "segment": page.segment,
        "slo": page.slo,
        "orders": ", ".join(page.orders),
        "incident": page.incident,
        "epoch": str(page.epoch),
        "escalation_step": str(page.step),
    }
    return {name: clip(text, _MOST) for name, text in told.items() if text}
