"""Loosening of the assistant: tools it may call more freely, answers that fewer rules hold back, and its removal.

In: the assistant of the lock and that of the manifest now. Out: rows. Two expressions or patterns cannot be compared,
so any change of one is a row; a rule or a tool restriction that is new tightens and is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.contract.assistant import Assistant, Output, Tool


def assistant_rows(old: Assistant | None, new: Assistant | None) -> Iterator[str]:
    """Yield a row per loosening of what the assistant may call or say."""
    if old is None:
        return
    if new is None:
        yield "assistant: removed"
        return
    if old.command and not new.command:  # what a command serves is part of the subject, what an address serves is not
        yield "assistant: command → url, which is bound to no digest"
    before = {tool.name: tool for tool in old.tools}
    for tool in new.tools:
        yield from (f"assistant: tool {tool.name}: {row}" for row in _tool(before.get(tool.name), tool))
    yield from (f"assistant: output {row}" for row in _output(old.output, new.output))


def _tool(old: Tool | None, new: Tool) -> Iterator[str]:
    if old is None:
        yield "added"
        return
    for field, text in new.arguments.items():
        before = old.arguments.get(field)
        if before is None:
            yield f"argument {field} added"
        elif " ".join(before.split()) != " ".join(text.split()):
            yield f"{field} {before!r} → {text!r}"
    yield from (f"argument {field} removed" for field in old.arguments if field not in new.arguments)


def _output(old: Output, new: Output) -> Iterator[str]:
    for key in ("json", "matches"):
        if getattr(old, key) is not None and getattr(old, key) != getattr(new, key):
            yield f"{key} {'removed' if getattr(new, key) is None else 'changed'}"
    for key in ("forbids", "no_pii"):
        yield from (f"{key} {one!r} removed" for one in getattr(old, key) if one not in getattr(new, key))
    if old.max_length is not None and (new.max_length is None or new.max_length > old.max_length):
        yield f"max_length {old.max_length} → {'none' if new.max_length is None else new.max_length}"
    if old.links is not None:
        if new.links is None:
            yield "links no longer checked"
        yield from (f"links {host} let through" for host in new.links or () if host not in old.links)
    yield from (f"{key} true → false" for key in ("plain", "no_code") if getattr(old, key) and not getattr(new, key))
