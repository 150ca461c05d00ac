"""How verbs print: plain text to people, one JSON object to programs, problems to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shipworthy.contract.problems import Problem
    from shipworthy.runtime.workspace import Workspace

VERSION = 1
as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object.")


def workspace(ctx: click.Context) -> Workspace:
    """Return the workspace of this call."""
    from os import environ

    from shipworthy.runtime.workspace import Workspace, ledger_environment, wall_clock

    given = ctx.find_root().obj
    clock = given["clock"] or wall_clock
    return Workspace(root=given["root"], home=given["home"], clock=clock, environment=ledger_environment(environ))


def result(json_: bool, told: dict[str, Any], text: str | Callable[[], str]) -> None:
    """Print the result: `told` as JSON with a format version, or `text`."""
    if json_:
        click.echo(msgspec.json.format(msgspec.json.encode({"version": VERSION, **told}), indent=2))
    else:
        click.echo(text if isinstance(text, str) else text())


def problems(found: Iterable[Problem]) -> None:
    """Print problems to stderr, one line each."""
    for one in found:
        click.echo(str(one), err=True)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> counted(1, "problem"), counted(0, "problem")
    ('1 problem', '0 problems')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def progress(text: str) -> None:
    """Print one line of progress to stderr."""
    click.echo(text, err=True)
