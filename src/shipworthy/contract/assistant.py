"""The shapes of `assistant:` in `shipworthy.yaml`: a model that writes text, what it may call and what may leave it.

In: what the strict reader found. Out: frozen values. An assistant is reached on this machine only, by `url`, or started
from `command` and ended again. Its system prompt is a file of the repository and belongs to the change.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from shipworthy.facts import Fact

PII = ("card", "iban", "email", "us_ssn")
PORT = "{port}"
_LOOPBACK = re.compile(r"127(?:\.[0-9]{1,3}){3}")  # 127.0.0.0/8, RFC 1122 section 3.2.1.3


class Tool(Fact, frozen=True, kw_only=True):
    """A tool that the assistant may call. `arguments`: each argument it takes → an expression over all of them that
    must be true. An argument that is not named, or a call that is not of a named tool, is not allowed."""

    name: str
    does: str = ""
    arguments: dict[str, str] = {}


class Output(Fact, frozen=True, kw_only=True):
    """What every answer must keep to. What is not written is not asked.

    `json`: the answer is JSON of this shape (type, required, properties, items, enum, maxLength). `matches`: a regular
    expression found in it; `forbids`: ones that are not. `max_length` in characters. `links`: the hosts that links and
    images may lead to, `[]` for none. `plain`: no control or invisible characters. `no_pii`: kinds of `PII` that must
    not stand in it. `no_code`: no code blocks.
    """

    json: dict[str, Any] | None = None
    matches: str | None = None
    forbids: tuple[str, ...] = ()
    max_length: int | None = None
    links: tuple[str, ...] | None = None
    plain: bool = False
    no_pii: tuple[str, ...] = ()
    no_code: bool = False


class Assistant(Fact, frozen=True, kw_only=True):
    """A model that writes text, asked as OpenAI chat completions. Exactly one of `url` and `command`.

    `url`: such as http://127.0.0.1:8124/v1. `command`: words of which one holds `{port}`; it runs in the repository,
    in a process without keys. `system`: the file of the system prompt. `temperature`, `seed`, `max_tokens` are sent as
    they are. `timeout_s` for one answer, `start_timeout_s` for the command to listen.
    """

    url: str | None = None
    command: tuple[str, ...] = ()
    model: str = "assistant"
    system: str | None = None
    temperature: float = 0.0
    seed: int = 1
    max_tokens: int = 200
    timeout_s: float = 60.0
    start_timeout_s: float = 60.0
    tools: tuple[Tool, ...] = ()
    output: Output = Output()


def url_fault(url: str) -> str:
    """Return why an assistant's address is refused, "" for plain HTTP to this machine with a port.

    >>> url_fault("http://127.0.0.1:8124/v1"), url_fault("https://api.example.com/v1")
    ('', 'evaluation has no network: only http:// to this machine')
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "not an address"
    if parts.scheme != "http" or not _is_this_machine(parts):
        return "evaluation has no network: only http:// to this machine"
    if not port:
        return "an address without a port"
    return "an address with more than a path" if parts.query or parts.fragment or parts.username else ""


def _is_this_machine(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host in ("localhost", "::1"):
        return True
    return _LOOPBACK.fullmatch(host) is not None and all(int(part) <= 255 for part in host.split("."))


def unbound(assistant: Assistant | None) -> str:
    """Return why what answers cannot be told from something else, "" where it is bound to the subject or not there."""
    if assistant is None or assistant.url is None:
        return ""
    return f"what {assistant.url} serves is bound to no digest"
