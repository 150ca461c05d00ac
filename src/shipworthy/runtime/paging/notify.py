"""Chats and mail, through apprise (optional extra `notify`).

In: the addresses of apprise, one a line, and a page. Out: an `Answer`. apprise tells no more than whether all addresses
took it: what was not taken is sent again to all of them. It is imported when the first page leaves, never before.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from shipworthy.errors import UsageError
from shipworthy.respond.pages.apprise_text import text
from shipworthy.respond.pages.page import Page
from shipworthy.runtime.paging.post import Answer

MISSING: Final = "apprise is not installed"
FIX: Final = "pip install 'shipworthy[notify]'"
_log = logging.getLogger("shipworthy.paging")


def load() -> Any:  # noqa: ANN401
    """Return apprise. Raises UsageError with one line when it is not installed."""
    try:
        import apprise
    except ImportError as problem:
        raise UsageError(MISSING, "pagers", FIX) from problem
    return apprise


def notify(addresses: bytes, page: Page) -> Answer:
    """Send a page to every address. What apprise has against one is told without the address, which is a secret."""
    try:
        apprise = load()
    except UsageError as problem:
        return Answer(0, str(problem))
    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True)
    receivers = apprise.Apprise(asset=asset)
    for at, address in enumerate(addresses.decode("ascii", "replace").splitlines(), 1):
        if address.strip() and not receivers.add(address.strip()):
            return Answer(400, f"apprise cannot read the address on line {at}")
    if not len(receivers):
        return Answer(400, "no address of apprise")
    said = text(page)
    try:
        taken = receivers.notify(
            title=said.title, body=said.body, notify_type=said.kind, body_format=apprise.NotifyFormat.TEXT
        )
    except Exception as problem:  # a plugin of it may do anything, and its words may hold the address
        _log.error("apprise failed: %s", type(problem).__name__)
        return Answer(0, f"apprise failed: {type(problem).__name__}")
    return Answer(200, "apprise sent it") if taken else Answer(0, "apprise could not send it to every address")
