"""Send late labels from a file to a running gateway, in batches, each with the receipt it came with."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from shipworthy.errors import Unreachable, UsageError
from shipworthy.models.table import read_rows

BATCH = 256


class Sent(msgspec.Struct, kw_only=True):
    """How many labels were taken, were known already, and were refused (line and reason)."""

    accepted: int = 0
    used: int = 0
    refused: list[str] = []


def send_labels(path: Path, url: str) -> Sent:
    """Post `receipt,label` lines of a CSV. Raises UsageError for a file without these columns."""
    rows = read_rows(path, text=frozenset({"receipt"}))
    if rows and not {"receipt", "label"} <= set(rows[0]):
        raise UsageError("the columns receipt and label are needed", str(path))
    asked: list[dict[str, object]] = [{"receipt": row["receipt"], "label": row["label"]} for row in rows]
    sent = Sent()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        for at in range(0, len(asked), BATCH):
            for line, result in enumerate(_post(connection, asked[at : at + BATCH]), at + 2):
                _count(sent, line, result)
    except OSError as problem:
        raise Unreachable(f"the gateway does not answer: {problem}", url, "is `shipworthy serve` running?") from problem
    finally:
        connection.close()
    return sent


def _post(connection: http.client.HTTPConnection, labels: list[dict[str, object]]) -> Iterator[dict[str, str]]:
    connection.request("POST", "/labels", msgspec.json.encode(labels), {"content-type": "application/json"})
    answer = connection.getresponse()
    told = msgspec.json.decode(answer.read())
    if answer.status != 200:
        raise UsageError(f"the gateway refused the labels: {told.get('error')}", "labels")
    yield from told["results"]


def _count(sent: Sent, line: int, result: dict[str, str]) -> None:
    status = result.get("status")
    if status == "accepted":
        sent.accepted += 1
    elif status == "used":
        sent.used += 1
    else:
        sent.refused.append(f"line {line}: {result.get('error', status)}")
