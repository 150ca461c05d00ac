"""The types of what a shell hands in as text: one line, plain, of bounded length; else one line says why not.

In: a command. Out: the same command, each of whose texts is looked at before the verb runs. Prose may come in several
lines, because its verbs join them.
"""

from __future__ import annotations

import math
from typing import Any

import click

from shipworthy.contract.words import on_one_line, unfit
from shipworthy.errors import UsageError


class Words(click.types.StringParamType):
    """A text on one line, such as a name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the text as it is. Raises UsageError when it cannot be kept or shown."""
        if wrong := unfit(self.line(str(value))):
            raise UsageError(wrong, _place(param), "write plain words")
        return str(value)

    def line(self, text: str) -> str:
        """Return what must be plain."""
        return text


class Prose(Words):
    """A text whose lines will be joined, such as a reason."""

    def line(self, text: str) -> str:
        """Return the joined lines."""
        return on_one_line(text)


class Finite(click.FloatRange):
    """A number inside a range: NaN compares with no end of it, so that click lets it through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return the number. Raises UsageError for one that is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            raise UsageError(f"not a number: {value!r}", _place(param), "write such as 5")
        return number


WORDS, PROSE = Words(), Prose()


def with_words(command: click.Command) -> click.Command:
    """Return the command; each plain text of it and of its parts is of the type `WORDS` from now on."""
    for param in command.params:
        if param.type is click.STRING:
            param.type = WORDS
    if isinstance(command, click.Group):
        for part in command.commands.values():
            with_words(part)
    return command


def _place(param: click.Parameter | None) -> str:
    if param is None:
        return "the call"
    return param.opts[0] if isinstance(param, click.Option) else str(param.name).upper()
