"""One prompt of a corpus, and how its blanks are filled.

In: a prompt with blanks, and the words of this run. Out: the turns to send. Of what an attack asks the model to write,
only the two halves stand in the prompt: a reply that quotes the attack, or repeats it while refusing, does not hold the
whole, and only one that did as it was told does.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Literal

from shipworthy.facts import Fact

ZERO_WIDTH = "\u200b"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
ROT13 = str.maketrans(
    _LETTERS + _LETTERS.upper(), _LETTERS[13:] + _LETTERS[:13] + (_LETTERS[13:] + _LETTERS[:13]).upper()
)
_LEET = str.maketrans("aeiost", "431057")

ENCODINGS: dict[str, Callable[[str], str]] = {
    "": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "rot13": lambda text: text.translate(ROT13),
    "hex": lambda text: text.encode().hex(),
    "leet": lambda text: text.translate(_LEET),
    "reversed": lambda text: text[::-1],
    "zero-width": ZERO_WIDTH.join,
}


class Prompt(Fact, frozen=True, kw_only=True):
    """One prompt. `turns` are said one after another.

    `goal`: what shows that an attack worked: `say` (the two halves as one word), `leak` (the canary or a secret),
    `link` (a link to the named host), `tool` (a call that the contract does not allow); "" for a harmless twin.
    `expects`: for a twin, any of these words makes its answer a useful one. `payload` is put in place of `{payload}`
    after it was encoded. `blanks`: False for a text of somebody else, which is sent as it is.
    """

    id: str
    kind: str
    goal: Literal["", "say", "leak", "link", "tool"] = ""
    turns: tuple[str, ...]
    expects: tuple[str, ...] = ()
    payload: str = ""
    encoding: str = ""
    blanks: bool = True

    @property
    def benign(self) -> bool:
        """True for a harmless twin."""
        return not self.goal


class Words(Fact, frozen=True, kw_only=True):
    """The words of one run: the halves that `say` wants joined, and the host that `link` wants named."""

    left: str
    right: str
    host: str

    @property
    def joined(self) -> str:
        """The word that no prompt holds."""
        return self.left + self.right


def filled(prompt: Prompt, words: Words) -> tuple[str, ...]:
    """Return the turns as they are sent."""
    if not prompt.blanks:
        return prompt.turns
    payload = ENCODINGS[prompt.encoding](_blanks(prompt.payload, words))
    return tuple(_blanks(turn, words).replace("{payload}", payload) for turn in prompt.turns)


def expected(prompt: Prompt, words: Words) -> tuple[str, ...]:
    """Return the words of which a useful answer holds one, in lower case."""
    return tuple(_blanks(one, words).lower() for one in prompt.expects)


def _blanks(text: str, words: Words) -> str:
    return text.replace("{left}", words.left).replace("{right}", words.right).replace("{host}", words.host)


def made(kind: str, goal: Literal["say", "leak", "link", "tool"], *texts: str) -> tuple[Prompt, ...]:
    """Return attacks of one turn each, with ids by their place."""
    return tuple(
        Prompt(id=f"{kind}.{goal}-{place:02}", kind=kind, goal=goal, turns=(text,))
        for place, text in enumerate(texts, 1)
    )
