"""A page as a CloudEvent: version 1.0, JSON format, structured mode (`application/cloudevents+json`).

In: a page. Out: the event. `source` and `id` together name one word about one page: what is sent twice has the same id,
so that a receiver can leave the second out.

Source: CloudEvents 1.0.2, sections 3.1 (required attributes), JSON format 3.1, HTTP binding 3.2. `type` is
`dev.shipworthy.<kind>.v1`.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from shipworthy.facts import digest
from shipworthy.respond.pages.page import PRIORITY_OF, Page, Phase, clip

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_MOST: Final = 1024


def event(page: Page) -> dict[str, Any]:
    """Return the event of a page as it stands now."""
    return {
        "specversion": "1.0",
        "id": digest(page).removeprefix("sha256:"),
        "source": f"/shipworthy/{quote(page.model, safe='')}",
        "type": f"dev.shipworthy.{page.kind}.v1",
        "subject": page.key,
        "time": page.ended if page.phase is Phase.RESOLVED and page.ended else page.at,
        "datacontenttype": "application/json",
        "data": _data(page),
    }


def _data(page: Page) -> dict[str, Any]:
    return {
        "state": page.phase.value,
        "severity": page.severity.value,
        "priority": PRIORITY_OF[page.severity],
        "title": page.title,
        "because": clip(page.because, _MOST),
        "model": page.model,
        "version": page.version,
        "tenant": page.tenant,
        "segment": page.segment,
        "slo": page.slo,
        "orders": list(page.orders),
        "incident": page.incident,
        "startedAt": page.at,
        "endedAt": page.ended,
        "runbook": page.runbook,
        "confirm": page.confirm,
        "command": page.command,
        "escalation": {"step": page.step, "call": list(page.call)},
        "epoch": page.epoch,
    }
