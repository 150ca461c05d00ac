"""A small keep-alive HTTP client of the story: one connection, one request at a time, bounded in time."""

from __future__ import annotations

import http.client
import json
from types import TracebackType
from typing import Any, Self

TIMEOUT_S = 20.0


class Client:
    """Talks JSON to one loopback server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def post(self, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Return (status, body, headers in lower case)."""
        raw = json.dumps(body).encode()
        self._connection.request("POST", path, raw, {"content-type": "application/json"})
        return self._answer()

    def get(self, path: str) -> tuple[int, Any, dict[str, str]]:
        """Return (status, body, headers in lower case)."""
        self._connection.request("GET", path)
        return self._answer()

    def _answer(self) -> tuple[int, Any, dict[str, str]]:
        answer = self._connection.getresponse()
        raw = answer.read()
        body = json.loads(raw) if raw else {}
        return answer.status, body, {key.lower(): value for key, value in answer.getheaders()}
