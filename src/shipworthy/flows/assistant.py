"""Seat the assistant of a repository for one evaluation: start it where the contract says how, and tell how to ask it.

In: the repository and its manifest. Out: a `ChatClient`, or None where the contract declares no assistant; the system
prompt as it is sent. A command runs in the repository and is ended with the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from shipworthy.contract.assistant import Assistant, Tool
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import Conversation, Reply
from shipworthy.models.assistant import HOST, AssistantProcess
from shipworthy.models.chat import ChatClient

LOG = Path(".shipworthy") / "assistant.log"


class Absent:
    """An assistant that did not start. Whoever asks it hears why, so that only the cases that ask fail."""

    def __init__(self, why: Unreachable) -> None:
        self._why = why

    def __call__(self, asked: Sequence[Conversation]) -> list[Reply | None]:
        """Raise Unreachable."""
        raise self._why


def seat(root: Path, manifest: Manifest, held: ExitStack) -> ChatClient | Absent | None:
    """Return how the assistant is asked. What had to be started is ended when `held` closes."""
    one = manifest.assistant
    if one is None:
        return None
    try:
        return _client(one, one.url if one.url is not None else _started(root, one, held))
    except Unreachable as why:
        return Absent(why)


def system_prompt(root: Path, manifest: Manifest) -> str:
    """Return the text of the system prompt, "" without one. Raises CannotDecide when it cannot be read."""
    one = manifest.assistant
    if one is None or one.system is None:
        return ""
    try:
        return (root / one.system).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as fault:
        raise CannotDecide(f"cannot be read: {fault}", one.system, "write it as UTF-8 text") from fault


def _started(root: Path, one: Assistant, held: ExitStack) -> str:
    process = AssistantProcess(one.command, root, root / LOG, one.start_timeout_s)
    held.callback(process.stop)
    process.start()
    return f"http://{HOST}:{process.port}/v1"


def _client(one: Assistant, url: str) -> ChatClient:
    return ChatClient(
        url=url,
        model=one.model,
        temperature=one.temperature,
        seed=one.seed,
        max_tokens=one.max_tokens,
        tools=tuple(_as_sent(tool) for tool in one.tools),
        timeout_s=one.timeout_s,
    )


def _as_sent(tool: Tool) -> dict[str, Any]:
    """A tool as OpenAI's `tools` has it; which values are allowed is ours to judge and not told."""
    parameters = {"type": "object", "properties": {name: {} for name in tool.arguments}}
    return {"type": "function", "function": {"name": tool.name, "description": tool.does, "parameters": parameters}}
