"""Send late labels from a file to a running gateway, in batches, each with the receipt it came with."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from shipworthy.errors import PolicySaysNo, Unreachable, UsageError
from shipworthy.models.table import read_rows

BATCH = 256


class Sent(msgspec.Struct, kw_only=True):
    """How many labels were taken, were known already, are kept apart, and were refused (line and reason)."""

    accepted: int = 0
    quarantined: int = 0
    used: int = 0
    refused: list[str] = []


def send_labels(path: Path, url: str, key: str = "") -> Sent:
    """Post `receipt,label` lines of a CSV. Raises UsageError for a file without these columns.

    `key`: what the gateway asks its callers for. Raises PolicySaysNo when it does not take it.
    """
    rows = read_rows(path, text=frozenset({"receipt"}))
    if rows and not {"receipt", "label"} <= set(rows[0]):
        raise UsageError("the columns receipt and label are needed", str(path))
    asked: list[dict[str, object]] = [{"receipt": row["receipt"], "label": row["label"]} for row in rows]
    sent = Sent()
    connection = _connection(url)
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    try:
        for at in range(0, len(asked), BATCH):
            for line, result in enumerate(_post(connection, asked[at : at + BATCH], headers), at + 2):
                _count(sent, line, result)
    except OSError as problem:
        raise Unreachable(f"the gateway does not answer: {problem}", url, "is `shipworthy serve` running?") from problem
    finally:
        connection.close()
    return sent


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=30)


def _post(
    connection: http.client.HTTPConnection, labels: list[dict[str, object]], headers: dict[str, str]
) -> Iterator[dict[str, str]]:
    connection.request("POST", "/labels", msgspec.json.encode(labels), headers)
    answer = connection.getresponse()
    told = msgspec.json.decode(answer.read())
    if answer.status in (401, 403):
        raise PolicySaysNo(f"the gateway refused the key: {told.get('error')}", "labels", "set SHIPWORTHY_KEY")
    if answer.status != 200:
        raise UsageError(f"the gateway refused the labels: {told.get('error')}", "labels")
    yield from told["results"]


def _count(sent: Sent, line: int, result: dict[str, str]) -> None:
    status = result.get("status")
    if status == "accepted":
        sent.accepted += 1
    elif status == "used":
        sent.used += 1
    elif status == "quarantined":
        sent.quarantined += 1
    else:
        sent.refused.append(f"line {line}: {result.get('error', status)}")
