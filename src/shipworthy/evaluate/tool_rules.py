"""May this tool call be made.

In: the declared tools and a call. Out: why it is not allowed, or "". Closed by default: a tool that is not declared, an
argument that is not declared, and an expression that cannot be told are all not allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipworthy.contract.assistant import Tool
from shipworthy.expr import compile_expr
from shipworthy.facts import ToolCall


def forbidden(tools: Sequence[Tool], call: ToolCall) -> str:
    """Return why a call is not allowed, "" when it is.

    >>> pay = Tool(name="pay", arguments={"amount": "amount <= 100"})
    >>> forbidden([pay], ToolCall(name="pay", arguments={"amount": 5}))
    ''
    >>> forbidden([pay], ToolCall(name="pay", arguments={"amount": 500}))
    'amount'
    """
    declared = next((tool for tool in tools if tool.name == call.name), None)
    if declared is None:
        return "tool"
    if call.arguments is None:
        return "arguments"
    more = sorted(set(call.arguments) - set(declared.arguments))
    if more:
        return more[0]
    kept = ((field, compile_expr(text)(call.arguments)) for field, text in declared.arguments.items())
    return next((field for field, told in kept if told is not True), "")


def all_allowed(tools: Sequence[Tool], calls: Iterable[ToolCall]) -> bool:
    """Return whether every call may be made; none is none too many."""
    return not any(forbidden(tools, call) for call in calls)
