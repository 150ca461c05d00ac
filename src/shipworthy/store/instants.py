"""Instants as the text that is stored: RFC 3339, UTC, microseconds, `Z`.

In: aware datetimes. Out: text of fixed width, so that comparing text compares time (DECISIONS §7).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shipworthy.errors import UsageError

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def rfc3339(at: datetime) -> str:
    """Return the instant as text. Raises UsageError for a datetime without a time zone.

    >>> rfc3339(datetime(2027, 1, 4, 9, 30, tzinfo=UTC))
    '2027-01-04T09:30:00.000000Z'
    """
    if at.tzinfo is None:
        raise UsageError("a time without a zone", where=at.isoformat(), fix="use a clock that returns UTC")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant(text: str) -> str:
    """Return the text when it is an instant in the stored form. Raises UsageError otherwise."""
    if not _INSTANT.fullmatch(text):
        raise UsageError(f"not an instant: {text!r}", fix="write 2027-01-04T09:30:00.000000Z")
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"not an instant: {text!r}", fix=str(error)) from error
    return text


def utc_now() -> datetime:
    """Return the system's time, aware, in UTC: the default clock of the product."""
    return datetime.now(UTC)
