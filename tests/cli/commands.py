"""Walk over every command of the command line: its words, as a shell takes them, and the click command."""

from __future__ import annotations

from collections.abc import Iterator

import click

from shipworthy.cli import cli


def commands(group: click.Group = cli, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield (words, command) of every verb and its parts, groups before what is in them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*words, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


def complaint(words: list[str]) -> str:
    """Return what is wrong with the words after `shipworthy`, "" when a shell could run them. Runs nothing."""
    command: click.Command = cli
    context = click.Context(cli, info_name="shipworthy")
    while isinstance(command, click.Group):
        words = _without_options(command, context, words)
        if not words:
            return ""  # the group alone: shows its help
        found = command.get_command(context, words[0])
        if found is None:
            return f"no verb {words[0]!r} in {context.info_name}"
        command, context, words = found, click.Context(found, context, info_name=words[0]), words[1:]
    return _leaf(command, context, words)


def _without_options(group: click.Group, context: click.Context, words: list[str]) -> list[str]:
    parser = group.make_parser(context)
    parser.allow_interspersed_args = False
    _, rest, _ = parser.parse_args(list(words))
    return list(rest)


def _leaf(command: click.Command, context: click.Context, words: list[str]) -> str:
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as problem:
        return problem.format_message()
    if rest:
        return f"too much: {' '.join(rest)}"
    missing = [param.name for param in command.params if param.required and not _is_given(given.get(str(param.name)))]
    return f"{context.info_name} misses {', '.join(str(name) for name in missing)}" if missing else ""


def _is_given(value: object) -> bool:
    """True for a text, and for at least one word where several are taken."""
    return isinstance(value, str) or (isinstance(value, tuple | list) and any(isinstance(one, str) for one in value))
