"""How each kind of receiver is spoken to: which request a page becomes.

In: a pager, its key, a page, and the page as it was heard last. Out: one request, or for apprise the sending itself.
Secrets are added here and nowhere else.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.respond.pages import alertmanager, cloudevents, pagerduty
from shipworthy.respond.pages.page import Page
from shipworthy.runtime.paging import notify
from shipworthy.runtime.paging.listed import Pager, key_of
from shipworthy.runtime.paging.post import Answer, Post, beside, posted

Clock = Callable[[], datetime]
Speak = Callable[[Page, Page | None], Coroutine[Any, Any, Answer]]
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def speak_to(pager: Pager, clock: Clock, within_s: float) -> Speak:
    """Return what sends one page to this pager. Its key is read anew each time: a new one needs no restart."""

    async def speak(page: Page, heard: Page | None) -> Answer:
        try:
            key = key_of(pager)
            if pager.kind == "apprise":
                return await beside(lambda: notify.notify(key, page), 6 * within_s)
            return await posted(post_of(pager, key, page, heard, clock(), within_s), clock, within_s)
        except ShipworthyError as problem:
            return Answer(0, str(problem))

    return speak


def post_of(pager: Pager, key: bytes, page: Page, heard: Page | None, now: datetime, within_s: float) -> Post:
    """Return the request that tells a page. Raises CannotDecide when the authorities of the pager cannot be read."""
    secret = key.decode("ascii")
    headers = {"authorization": f"Bearer {secret}"} if secret and pager.kind != "pagerduty" else {}
    url, body = pager.url, b""
    if pager.kind == "alertmanager":
        url, body = url + alertmanager.PATH, _encode(alertmanager.alerts(page, heard, now))
    elif pager.kind == "pagerduty":
        url, body = url + pagerduty.PATH, _encode({"routing_key": secret, **pagerduty.event(page)})
    else:
        headers["content-type"] = cloudevents.CONTENT_TYPE
        body = _encode(cloudevents.event(page))
    return Post(url, headers, body, _trusted(pager), within_s)


def _trusted(pager: Pager) -> ssl.SSLContext | None:
    """Return whom to trust; a certificate names its server as RFC 9525 asks, never by its common name."""
    if not pager.url.startswith("https://"):
        return None
    try:
        cadata = Path(pager.ca_file).read_text(encoding="ascii") if pager.ca_file else None
        context = ssl.create_default_context(cadata=cadata)
        context.hostname_checks_common_name = False
        return context
    except (OSError, ValueError) as problem:
        raise CannotDecide("the authorities cannot be read", pager.ca_file, "a file of certificates, PEM") from problem
