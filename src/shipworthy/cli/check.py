"""`shipworthy check`: read the contract and print every problem."""

from __future__ import annotations

import gc

import click

from shipworthy.cli.show import as_json, counted, problems, result


@click.command(short_help="Read the contract, print every problem.")
@as_json
@click.pass_context
def check(ctx: click.Context, json_: bool) -> int:
    """Read every contract file; print all problems as `file:line:column: what — fix`."""
    # No workspace: its store and keys take longer to import than this takes. One read of files with caps leaves little
    # for the collector to find, and its walks are a twentieth of the whole.
    collecting = gc.isenabled()
    gc.disable()
    try:
        from shipworthy.flows.check import check as run

        told = run(ctx.find_root().obj["root"])
    finally:
        if collecting:
            gc.enable()
    problems(told.problems)
    lines = [
        *(f"warn         {text}" for text in told.warnings),
        *(f"not claimed  {text}" for text in told.not_claimed),
    ]
    lines.append(counted(len(told.problems), "problem") if told.problems else "the contract is clean")
    result(
        json_,
        {"problems": told.problems, "warnings": told.warnings, "not_claimed": told.not_claimed},
        "\n".join(lines),
    )
    return told.exit_code
