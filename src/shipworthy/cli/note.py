"""`shipworthy note`: stamp the deliberation note with the digest of this change."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace


@click.command()
@as_json
@click.pass_context
def note(ctx: click.Context, json_: bool) -> None:
    """Stamp the note: it then speaks of exactly this code, data, lock file, policy and pack."""
    from shipworthy.flows.note import stamp_note

    change = stamp_note(workspace(ctx).root)
    result(json_, {"change": change}, f"the note speaks of change {change}")
