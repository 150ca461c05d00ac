"""Ask a model that writes text, over OpenAI chat completions on this machine.

In: where it listens, what is sent along, conversations. Out: a reply for each, in order; None where it gave none. Three
that fail in a row end the asking, so that a model that hangs costs three time-outs and not one for every question. An
answer is never asked for again: a second try would be another draw.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shipworthy.errors import Unreachable
from shipworthy.facts import Conversation, Reply, ToolCall

MOST_FAILED = 3
MOST_BYTES = 1 << 20


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str | dict[str, Any] = ""


class _Call(msgspec.Struct, frozen=True):
    function: _Function


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]


_completions = msgspec.json.Decoder(_Completion)


@dataclass(frozen=True, kw_only=True)
class ChatClient:
    """A model behind `url`; calling it asks. `tools` are sent with every question as they are."""

    url: str
    model: str
    temperature: float = 0.0
    seed: int = 1
    max_tokens: int = 200
    tools: tuple[dict[str, Any], ...] = ()
    timeout_s: float = 60.0

    def __call__(self, asked: Sequence[Conversation]) -> list[Reply | None]:
        """Return one reply a conversation. Raises Unreachable when nobody answers, or three in a row give none."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=self.timeout_s)
        path = f"{parts.path.rstrip('/')}/chat/completions"
        replies: list[Reply | None] = []
        failed = 0
        try:
            for one in asked:
                try:
                    replies.append(_ask(connection, path, self._body(one)))
                    failed = 0
                except (OSError, http.client.HTTPException, msgspec.MsgspecError, _NoReply) as fault:
                    connection.close()
                    failed += 1
                    if isinstance(fault, ConnectionRefusedError) or failed == MOST_FAILED:
                        raise Unreachable(_told(fault, failed), self.url, "see that it is up and answers") from fault
                    replies.append(None)
        finally:
            connection.close()
        return replies

    def _body(self, asked: Conversation) -> bytes:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": one.role, "content": one.content} for one in asked.messages],
            "temperature": self.temperature,
            "seed": self.seed + asked.draw,
            "max_tokens": self.max_tokens,
        }
        return json.dumps(body | ({"tools": list(self.tools)} if self.tools else {})).encode()


class _NoReply(Exception):
    """The server answered, and it was no reply."""


def _ask(connection: http.client.HTTPConnection, path: str, body: bytes) -> Reply:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    received = response.read(MOST_BYTES + 1)
    if response.status != 200:
        raise _NoReply(f"status {response.status}: {received[:200].decode(errors='replace')}")
    if len(received) > MOST_BYTES:
        raise _NoReply(f"an answer of more than {MOST_BYTES} bytes")
    choices = _completions.decode(received).choices
    if len(choices) != 1:
        raise _NoReply(f"{len(choices)} choices in place of one")
    message = choices[0].message
    return Reply(text=message.content or "", calls=tuple(_call(one.function) for one in message.tool_calls or ()))


def _call(function: _Function) -> ToolCall:
    """Arguments travel as JSON text; what is no JSON object is kept as a call whose arguments nobody knows."""
    if isinstance(function.arguments, dict):
        return ToolCall(name=function.name, arguments=function.arguments)
    try:
        read = json.loads(function.arguments or "{}")
    except (ValueError, RecursionError):
        read = None
    return ToolCall(name=function.name, arguments=read if isinstance(read, dict) else None)


def _told(fault: Exception, failed: int) -> str:
    why = "no answer in time" if isinstance(fault, TimeoutError) else str(fault) or type(fault).__name__
    return f"the assistant gave no reply {failed} times in a row: {why}" if failed > 1 else f"the assistant: {why}"
