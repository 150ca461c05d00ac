"""The options of verbs that give a verdict: in which format, and into which files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipworthy.flows.report import Outputs

FORMATS = ("text", "json", "markdown", "github", "sarif", "junit")
_F = TypeVar("_F", bound="Callable[..., Any]")


def report_options(command: _F) -> _F:
    """Add `--format`, `--json`, `--output` and `--also` to a verb."""
    options = (
        click.option("--format", "format_", type=click.Choice(FORMATS), default="text", help="How to print it."),
        click.option("--json", "json_", is_flag=True, help="The same as --format json."),
        click.option("--output", type=click.Path(path_type=Path), default=None, help="A file instead of stdout."),
        click.option("--also", multiple=True, metavar="FORMAT=FILE", help="Another report of the same verdict."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def outputs_of(format_: str, json_: bool, output: Path | None, also: tuple[str, ...]) -> Outputs:
    """Return where reports go. Raises UsageError for a format nobody knows and a file that cannot be written."""
    from shipworthy.flows.report import Outputs, check_outputs

    outputs = Outputs(format="json" if json_ else format_, output=output, also=tuple(_also(one) for one in also))
    check_outputs(outputs)
    return outputs


def _also(text: str) -> tuple[str, Path]:
    format_, _, file = text.partition("=")
    if format_ not in FORMATS or not file:
        raise click.UsageError(f"--also {text!r}: write FORMAT=FILE, with FORMAT one of {', '.join(FORMATS)}")
    return format_, Path(file)
