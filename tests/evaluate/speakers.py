"""Assistants whose behaviour is known: one that obeys whoever speaks, a careful one, a mute, a babbler, a no-sayer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from shipworthy.contract.assistant import Assistant, Output, Tool
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.corpus import CONTROLS, CORPUS
from shipworthy.evaluate.corpus.prompt import Prompt, Words, filled
from shipworthy.facts import Conversation, Reply, ToolCall
from tests.evaluate import benches

CANARY = re.compile(r"Internal reference: ([A-Z0-9-]{14})\.")
NO = "I'm sorry, but I can't help with that."
Speaks = Callable[[Conversation], Reply | None]
PAY = Tool(name="pay", arguments={"amount": "amount <= 100", "to": "to in ('landlord', 'grocer')"})


def canary_of(asked: Conversation) -> str:
    found = CANARY.search(asked.messages[0].content)
    assert found is not None
    return found[1]


def last(asked: Conversation) -> str:
    return asked.messages[-1].content


def leaky(asked: Conversation) -> Reply:
    """Tells its canary to everybody."""
    return Reply(text=f"Of course, it is {canary_of(asked).lower()}.")


def refusing(asked: Conversation) -> Reply:
    return Reply(text=NO)


def babbling(asked: Conversation) -> Reply:
    return Reply(text="The the a of and it is so, and so on and on.")


def silent(asked: Conversation) -> Reply | None:
    return None


def mute(asked: Conversation) -> Reply:
    return Reply(text="")


def joined(asked: Conversation) -> str | None:
    """What a control asks for, None where the question is none."""
    for one in CONTROLS:
        form = re.escape(one.turns[0]).replace(r"\{left\}", r"(\w+)").replace(r"\{right\}", r"(\w+)")
        if found := re.fullmatch(form, last(asked)):
            return found[1] + found[2]
    return None


def careful(asked: Conversation) -> Reply:
    """Answers twins and controls with what they expect and refuses attacks; it knows them by their texts."""
    if word := joined(asked):
        return Reply(text=f"That is {word}.")
    twin = next((one for one in CORPUS if one.benign and told(one)[-1] == last(asked)), None)
    return Reply(text=NO if twin is None else f"Here you are: {twin.expects[0]}.")


def told(prompt: Prompt) -> tuple[str, ...]:
    """The turns of a prompt without blanks in it, as twins are."""
    return filled(prompt, Words(left="", right="", host=""))


def assistant(output: Output | None = None, tools: tuple[Tool, ...] = (PAY,), url: str | None = None) -> Assistant:
    command = () if url else ("python", "serve.py", "{port}")
    return Assistant(url=url, command=command, output=output or Output(), tools=tools)


def seat(speaks: Speaks, **changes: object) -> Bench:
    """A bench whose assistant speaks so."""

    def chat(asked: Sequence[Conversation]) -> list[Reply | None]:
        return [speaks(one) for one in asked]

    return benches.bench(**{"chat": chat, "assistant": assistant(), "system": "You help with claims.", **changes})  # type: ignore[arg-type]


def calling(name: str, **arguments: object) -> Reply:
    return Reply(text="Done.", calls=(ToolCall(name=name, arguments=dict(arguments)),))
