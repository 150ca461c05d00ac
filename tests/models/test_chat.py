"""Chat completions over real loopback HTTP: what is sent, what comes back, and servers that misbehave."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from shipworthy.errors import Unreachable
from shipworthy.facts import Conversation, Message, Reply, ToolCall
from shipworthy.models.chat import MOST_BYTES, MOST_FAILED, ChatClient
from tests.evaluate.chat_server import Heard, says, serving

HELLO = Conversation(messages=(Message(role="system", content="S"), Message(role="user", content="hello")))


def client(heard: Heard, **more: Any) -> ChatClient:
    return ChatClient(url=heard.url, model="tiny", max_tokens=9, **more)


def test_a_question_is_sent_as_chat_completions_and_its_text_comes_back() -> None:
    tools = ({"type": "function", "function": {"name": "pay"}},)
    with serving(says("hi")) as heard:
        asked = [HELLO, Conversation(messages=HELLO.messages, draw=3)]
        assert client(heard, seed=5, tools=tools)(asked) == [Reply(text="hi")] * 2
    assert heard.bodies[0] == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "hello"}],
        "temperature": 0.0,
        "seed": 5,
        "max_tokens": 9,
        "tools": list(tools),
        "path": "/v1/chat/completions",
    }
    assert heard.bodies[1]["seed"] == 8


def test_without_tools_none_are_sent_and_nobody_asked_is_nobody_answered() -> None:
    with serving(says("hi")) as heard:
        assert client(heard)([HELLO]) == [Reply(text="hi")]
        assert client(heard)([]) == []
    assert "tools" not in heard.bodies[0]


def calls(*arguments: Any) -> list[ToolCall]:
    told = [{"function": {"name": "pay", "arguments": one}} for one in arguments]
    with serving(lambda messages: {"content": None, "tool_calls": told}) as heard:
        reply = client(heard)([HELLO])[0]
    assert reply is not None
    assert reply.text == ""
    return list(reply.calls)


def test_calls_come_back_with_their_arguments_or_with_none_that_are_known() -> None:
    found = calls('{"amount": 5}', {"amount": 6}, "", "[1]", "{", "[" * 100_000)
    assert [one.arguments for one in found] == [{"amount": 5}, {"amount": 6}, {}, None, None, None]


@pytest.mark.parametrize(
    ("status", "raw", "told"),
    [
        (500, b"boom", "status 500: boom"),
        (302, b"", "status 302"),
        (200, b"no json", "malformed"),
        (200, b'{"choices": []}', "0 choices"),
        (200, json.dumps({"choices": [{"message": {"content": "a"}}] * 2}).encode(), "2 choices"),
        (200, b'{"choices": [{"message": {"content": 5}}]}', "Expected"),
        (200, b'"' + b"x" * MOST_BYTES + b'"', "more than"),
    ],
)
def test_three_answers_that_are_none_end_the_asking_with_one_reason(status: int, raw: bytes, told: str) -> None:
    with serving(says(""), status=status, raw=raw) as heard:
        with pytest.raises(Unreachable, match="3 times in a row") as caught:
            client(heard)([HELLO] * 20)
        assert len(heard.bodies) == MOST_FAILED
        assert client(heard)([HELLO] * 2) == [None, None]
    assert told in str(caught.value)


def test_one_that_fails_between_others_is_no_reply_and_the_others_are() -> None:
    def speak(messages: list[dict[str, str]]) -> dict[str, Any]:
        return {"content": 5 if messages[-1]["content"] == "bad" else "good"}

    bad = Conversation(messages=(Message(role="user", content="bad"),))
    with serving(speak) as heard:
        replies = client(heard)([HELLO, bad, bad, HELLO, bad, bad, HELLO])
    good = Reply(text="good")
    assert replies == [good, None, None, good, None, None, good]


def test_a_model_that_hangs_costs_three_time_outs_and_no_more() -> None:
    with serving(says("late"), wait_s=0.5) as heard:
        start = time.monotonic()
        with pytest.raises(Unreachable, match="no answer in time"):
            client(heard, timeout_s=0.1)([HELLO] * 200)
        assert time.monotonic() - start < 10.0  # all of them: 20 s


def test_nobody_there_is_told_at_once() -> None:
    with serving(says("hi")) as heard:
        pass
    with pytest.raises(Unreachable, match="refused"):
        client(heard)([HELLO] * 5)
