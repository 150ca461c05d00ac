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
from shipworthy.runtime.paging.listed import Pager, file_stamp, key_of
from shipworthy.runtime.paging.post import Answer, Post, beside

Clock = Callable[[], datetime]
Speak = Callable[[Page, Page | None], Coroutine[Any, Any, Answer]]
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Trust:
    """Whom a pager is trusted by. What was read is kept while its file is the same: it takes long to go through."""

    def __init__(self, pager: Pager) -> None:
        self._secure = pager.url.startswith("https://")
        self._file = pager.ca_file
        self._kept: tuple[tuple[int, ...], ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return the authorities of an https address, None for another. A certificate names its server as RFC 9525
        asks, never by its common name. Raises CannotDecide when they cannot be read."""
        if not self._secure:
            return None
        try:
            stamp = file_stamp(self._file or ssl.get_default_verify_paths().cafile or "")
            kept = self._kept
            if kept is None or kept[0] != stamp:
                cadata = Path(self._file).read_text(encoding="ascii") if self._file else None
                context = ssl.create_default_context(cadata=cadata)
                context.hostname_checks_common_name = False
                self._kept = kept = stamp, context
            return kept[1]
        except (OSError, ValueError) as problem:
            raise CannotDecide("the authorities cannot be read", self._file, "a file of certificates, PEM") from problem


def speak_to(pager: Pager, clock: Clock, within_s: float) -> Speak:
    """Return what sends one page to this pager. Its key is read anew each time: a new one needs no restart. Files are
    read, and authorities gone through, in the thread that sends: the event loop waits for neither."""
    trust = Trust(pager)

    async def speak(page: Page, heard: Page | None) -> Answer:
        made: list[Post] = []

        def send() -> Answer:
            try:
                key = key_of(pager)
                if pager.kind == "apprise":
                    return notify.notify(key, page)
                made.append(post_of(pager, key, page, heard, clock(), within_s, trust))
                return made[0].send(clock)
            except ShipworthyError as problem:
                return Answer(0, str(problem))

        def abort() -> None:
            for one in made:
                one.abort()

        longest_s = 6 * within_s if pager.kind == "apprise" else within_s
        return await beside(send, longest_s, abort)

    return speak


def post_of(
    pager: Pager, key: bytes, page: Page, heard: Page | None, now: datetime, within_s: float, trust: Trust
) -> Post:
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
    return Post(url, headers, body, trust.context(), within_s)
