"""`shipworthy note`: stamp the deliberation note with the digest of this change, or see whether it is still of it."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, counted, problems, result, workspace


@click.command(short_help="Stamp the note with the digest of this change.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing: exit 4 when it speaks of another change.")
@as_json
@click.pass_context
def note(ctx: click.Context, only_check: bool, json_: bool) -> int:
    """Stamp the note: it then speaks of exactly this code, data, lock file, policy and pack."""
    from shipworthy.flows.note import note_problems, stamp_note

    root = workspace(ctx).root
    if only_check:
        found = note_problems(root)
        problems(found)
        told = counted(len(found), "problem") if found else "the note speaks of this change"
        result(json_, {"problems": found}, told)
        return min((one.exit_code for one in found), default=0)
    change = stamp_note(root)
    result(json_, {"change": change}, f"the note speaks of change {change}")
    return 0
