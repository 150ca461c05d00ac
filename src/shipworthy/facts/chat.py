"""What is said to a model that writes text, and what it answers.

In: messages, as an evaluation or a file makes them. Out: plain values; nothing here asks anybody.
"""

from __future__ import annotations

from typing import Any, Literal

from shipworthy.facts.base import Fact


class Message(Fact, frozen=True, kw_only=True):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Conversation(Fact, frozen=True, kw_only=True):
    """What a model is asked at once. `draw` tells repeats of one question apart: it is added to the sampling seed."""

    messages: tuple[Message, ...]
    draw: int = 0


class ToolCall(Fact, frozen=True, kw_only=True):
    """A tool that the model wants called. `arguments` is None when they were not one JSON object."""

    name: str
    arguments: dict[str, Any] | None


class Reply(Fact, frozen=True, kw_only=True):
    """One answer: its text, and the tools it wants called."""

    text: str
    calls: tuple[ToolCall, ...] = ()
