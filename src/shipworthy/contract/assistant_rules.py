"""What no type can say of `assistant:`: one way to reach it, an address of this machine, patterns that may run.

In: the manifest. Out: every fault at its place. Which files a command names is for `change.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from shipworthy.contract.assistant import PII, PORT, Assistant, Output, Tool, url_fault
from shipworthy.contract.patterns import MOST_TEXT, pattern_fault
from shipworthy.contract.problems import Findings, Path, did_you_mean
from shipworthy.expr import ExprError, compile_expr

SCHEMA_KEYS = ("type", "required", "properties", "items", "enum", "maxLength", "additionalProperties")
SCHEMA_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
MOST_DEPTH = 10
_AT: Path = ("assistant",)


def assistant_faults(assistant: Assistant, found: Findings) -> None:
    """Note what is wrong with an assistant."""
    _reached(assistant, found)
    for key in ("timeout_s", "start_timeout_s"):
        if not (getattr(assistant, key) > 0 and math.isfinite(getattr(assistant, key))):
            found.add((*_AT, key), f"{key} must be above 0", "write seconds")
    if not (assistant.temperature >= 0 and math.isfinite(assistant.temperature)):
        found.add((*_AT, "temperature"), "temperature must be 0 or more", "write 0 for the same answer each time")
    if assistant.max_tokens < 1:
        found.add((*_AT, "max_tokens"), "max_tokens below 1", "write how long an answer may be")
    names = [tool.name for tool in assistant.tools]
    for index, tool in enumerate(assistant.tools):
        if names.index(tool.name) != index:
            found.add((*_AT, "tools", index, "name"), f"the tool {tool.name!r} is listed twice", "list each once")
        _tool(tool, (*_AT, "tools", index), found)
    _output(assistant.output, (*_AT, "output"), found)


def _reached(assistant: Assistant, found: Findings) -> None:
    if (assistant.url is None) == (not assistant.command):
        found.add(_AT, "exactly one of `url` or `command`", "say where the assistant answers, or how it is started")
    if assistant.url is not None and (fault := url_fault(assistant.url)):
        found.add((*_AT, "url"), f"{assistant.url!r}: {fault}", "write http://127.0.0.1:PORT/v1")
    if assistant.command and sum(PORT in word for word in assistant.command) != 1:
        found.add(
            (*_AT, "command"), f"no word, or more than one, holds {PORT}", f'such as [python, serve.py, "{PORT}"]'
        )


def _tool(tool: Tool, path: Path, found: Findings) -> None:
    if not tool.name.strip():
        found.add((*path, "name"), "a tool without a name", "name it as the model calls it")
    for field, text in tool.arguments.items():
        try:
            compile_expr(text, frozenset(tool.arguments))
        except ExprError as fault:
            told = f"tool {tool.name!r}, {field}: {fault.what}"
            found.add((*path, "arguments", field), told, "an expression over the arguments, or `true` for anything")


def _output(output: Output, path: Path, found: Findings) -> None:
    for key, pattern in (("matches", output.matches), *(("forbids", one) for one in output.forbids)):
        if pattern is not None and (fault := pattern_fault(pattern)):
            found.add((*path, key), f"output {key}: {fault}", "see docs/how-to/red-team.md")
    if output.max_length is not None and not 1 <= output.max_length <= MOST_TEXT:
        told = f"max_length must lie between 1 and {MOST_TEXT}"
        found.add((*path, "max_length"), told, "no more than that is ever searched")
    for kind in output.no_pii:
        if kind not in PII:
            found.add((*path, "no_pii"), f"no_pii: {kind!r} is not known", did_you_mean(kind, PII))
    if output.json is not None and (fault := schema_fault(output.json)):
        found.add((*path, "json"), f"output json: {fault}", f"known: {', '.join(SCHEMA_KEYS)}")


def schema_fault(schema: Mapping[str, Any], depth: int = 0) -> str:
    """Return what of a schema we could not check; a keyword that is passed over would let everything through."""
    if depth > MOST_DEPTH:
        return f"nested deeper than {MOST_DEPTH}"
    for key, value in schema.items():
        if key not in SCHEMA_KEYS:
            return f"the keyword {key!r} is not known"
        if not _fits(key, value):
            return f"{key}: {value!r} is not what it takes"
    inner = [*(schema.get("properties") or {}).values(), *([schema["items"]] if "items" in schema else [])]
    if any(not isinstance(one, Mapping) for one in inner):
        return "a part that is no schema"
    return next((fault for one in inner if (fault := schema_fault(one, depth + 1))), "")


def _fits(key: str, value: object) -> bool:
    if key == "type":
        return value in SCHEMA_TYPES
    if key == "maxLength":
        return type(value) is int and value >= 0
    if key == "additionalProperties":
        return value is False  # everything else is how it is without the keyword
    if key in ("required", "enum"):
        return isinstance(value, list) and (key == "enum" or all(isinstance(one, str) for one in value))
    return isinstance(value, Mapping)
