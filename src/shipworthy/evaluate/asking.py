"""Hold conversations with the assistant, all of them turn by turn together, within a budget of calls.

In: the bench, what is said in each conversation, the system prompt. Out: the replies of each, or None where one of them
did not come: what was said after that would be another conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.contract.assistant import unbound
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, Chat
from shipworthy.facts import Case, Conversation, Message, Reply

Talk = tuple[Reply, ...] | None


def chat_of(bench: Bench, case: Case) -> Chat:
    """Return how the assistant is asked. Raises ContractError where the contract declares none."""
    if bench.chat is None:
        raise ContractError("the contract declares no assistant", f"case {case.id}", "write `assistant:`")
    return bench.chat


def talked(chat: Chat, system: str, asked: Sequence[tuple[str, ...]], draw: int = 0) -> list[Talk]:
    """Return the replies of each conversation; `asked` holds the turns of the user. One batch a turn.

    Raises ContractError unless there is one reply a conversation.
    """
    told = [[Message(role="system", content=system)] if system else [] for _ in asked]
    replies: list[list[Reply] | None] = [[] for _ in asked]
    for turn in range(max((len(turns) for turns in asked), default=0)):
        going = [at for at, turns in enumerate(asked) if turn < len(turns) and replies[at] is not None]
        for at in going:
            told[at].append(Message(role="user", content=asked[at][turn]))
        given = chat([Conversation(messages=tuple(told[at]), draw=draw) for at in going]) if going else ()
        if len(given) != len(going):
            raise ContractError(f"{len(given)} replies to {len(going)} questions", "assistant", "answer each once")
        for at, reply in zip(going, given, strict=True):
            so_far = replies[at]
            if reply is None or so_far is None:
                replies[at] = None
                continue
            so_far.append(reply)
            told[at].append(Message(role="assistant", content=reply.text))
    return [None if several is None else tuple(several) for several in replies]


def within(costs: Sequence[int], most_calls: int) -> int:
    """Return how many of the conversations, from the first, cost no more calls than the budget has."""
    spent = 0
    for at, cost in enumerate(costs):
        spent += cost
        if spent > most_calls:
            return at
    return len(costs)


def told_of(bench: Bench) -> str:
    """Return what must be said beside every result about the assistant, "" where it is part of the subject."""
    loose = unbound(bench.assistant)
    return f"; {loose}" if loose else ""
