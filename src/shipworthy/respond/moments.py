"""Moments as the facts write them: RFC 3339 text with `Z` and microseconds, in and out of aware datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(text: str) -> datetime:
    """Return the aware datetime of RFC 3339 text. Raises ValueError when it is not one or names no time zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"no time zone: {text!r}")
    return at


def told(at: datetime) -> str:
    """Return the RFC 3339 text, UTC, `Z`, microseconds. Raises ValueError for a datetime without a time zone.

    >>> told(datetime(2026, 3, 1, tzinfo=UTC))
    '2026-03-01T00:00:00.000000Z'
    """
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def later(at: datetime, seconds: float) -> datetime:
    """Return the moment `seconds` after `at`."""
    return at + timedelta(seconds=seconds)


def before(text: str, limit: str) -> bool | None:
    """True when `text` is earlier than `limit`; None when either cannot be read, which the caller must not excuse."""
    try:
        return moment(text) < moment(limit)
    except ValueError:
        return None
