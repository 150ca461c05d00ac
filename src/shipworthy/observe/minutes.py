"""Minutes since the epoch, the grid of all windows, and their RFC 3339 text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shipworthy.indicators import window_seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minute_of(at: datetime) -> int:
    """Return the minute that holds a moment. Raises ValueError without a time zone.

    >>> minute_of(datetime(1970, 1, 1, 1, 0, 59, tzinfo=UTC))
    60
    """
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return (at - _EPOCH) // timedelta(minutes=1)


def start_of(minute: int) -> str:
    """Return the RFC 3339 text of the start of a minute.

    >>> start_of(60)
    '1970-01-01T01:00:00.000000Z'
    """
    return (_EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hour_text(hour: int) -> str:
    """Return the RFC 3339 text of the start of an hour since the epoch, without its minutes.

    >>> hour_text(1)
    '1970-01-01T01Z'
    """
    return f"{start_of(60 * hour)[:13]}Z"


def minutes_in(duration: str) -> int:
    """Return the whole minutes of `30m`, `24h`, `7d`. Raises ValueError for anything else, `rolling` included."""
    seconds = window_seconds(duration)
    if seconds is None:
        raise ValueError(f"{duration!r} has no length")
    return seconds // 60
