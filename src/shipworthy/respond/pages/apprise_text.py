"""A page as people read it in a chat or a mail, sent by apprise.

In: a page. Out: title, body and the kind of notification, one of apprise's `failure warning info success`. Plain text:
what a chat would take for markup is not ours to send.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shipworthy.facts import Severity
from shipworthy.respond.pages.page import MOST_TITLE, Page, Phase, clip

MOST_BODY: Final = 2_000  # what the narrowest common chat takes in one message
_KIND = {
    Severity.SEV1: "failure",
    Severity.SEV2: "failure",
    Severity.SEV3: "warning",
    Severity.SEV4: "info",
}


class Text(NamedTuple):
    """What apprise is given."""

    title: str
    body: str
    kind: str


def text(page: Page) -> Text:
    """Return the notification. The one thing to confirm comes first: phones show two lines."""
    if page.phase is Phase.RESOLVED:
        return Text(clip(f"resolved: {page.title}", MOST_TITLE), f"from {page.at} to {page.ended}", "success")
    word = "" if page.phase is Phase.FIRING else f"{page.phase.value}: "
    lines = [
        page.confirm,
        page.command,
        f"not confirmed, call {', '.join(page.call) or 'the next person'} (step {page.step})" if page.step else "",
        page.because,
        f"runbook: {page.runbook}" if page.runbook else "",
        f"incident: {page.incident}" if page.incident else "",
        f"since {page.at}",
    ]
    title = clip(f"{word}{page.severity.value} {page.title}", MOST_TITLE)
    return Text(title, clip("\n".join(each for each in lines if each), MOST_BODY), _KIND[page.severity])
