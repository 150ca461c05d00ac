"""`shipworthy pagers list|test|owed`: who is paged, whether they hear us, and what is owed to them."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, counted, result, workspace

file = click.option(
    "--pagers", "path", metavar="FILE", type=click.Path(path_type=Path), required=True, help="The file of `serve`."
)


@click.group(short_help="Who is paged.")
def pagers() -> None:
    """Who is paged: the file that `serve --pagers FILE` is given."""


@pagers.command("list")
@file
@as_json
def list_(path: Path, json_: bool) -> None:
    """List the pagers of FILE, after checking it and the key files it names. Keys are never shown."""
    from shipworthy.flows.pagers import listed

    found = listed(path)
    told = [{"name": one.name, "kind": one.kind, "url": one.url, "severities": one.severities} for one in found]
    lines = [f"{one.name:<16} {one.kind:<13} {' '.join(one.severities):<20} {one.url}".rstrip() for one in found]
    result(json_, {"pagers": told}, "\n".join([*lines, counted(len(found), "pager")]))


@pagers.command()
@file
@click.option("--name", default=None, help="Only this pager.")
@as_json
@click.pass_context
def test(ctx: click.Context, path: Path, name: str | None, json_: bool) -> int:
    """Send a test page of SEV4 to every pager of FILE, and tell what each answered. Leaves with 5 when one did not."""
    from shipworthy.contract.files.reader import read_manifest
    from shipworthy.flows.pagers import try_all
    from shipworthy.runtime.workspace import wall_clock

    answers = try_all(path, read_manifest(workspace(ctx).root).model, name, wall_clock)
    lines = [f"{'ok ' if one.ok else 'NO '} {one.name} ({one.kind}): {one.answer}" for one in answers]
    result(json_, {"answers": answers}, "\n".join(lines))
    return 0 if all(one.ok for one in answers) else 5


@pagers.command()
@as_json
@click.pass_context
def owed(ctx: click.Context, json_: bool) -> None:
    """List the pages that a pager of this site has not taken yet, the worst first."""
    from shipworthy.flows.pagers import owed as run

    found = run(workspace(ctx))
    lines = [f"{one.severity} {one.phase:<8} {one.pager:<16} {one.title} (since {one.since})" for one in found]
    result(json_, {"owed": found}, "\n".join([*lines, counted(len(found), "page")]))
