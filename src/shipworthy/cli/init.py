"""`shipworthy init`: write a first contract into an existing project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, result, workspace

if TYPE_CHECKING:
    from shipworthy.contract.manifest import Stakes


@click.command(short_help="Write a first contract into a project.")
@click.option("--template", type=click.Choice(["tabular", "text", "llm"]), default="tabular", help="The kind of model.")
@click.option("--stakes", type=click.Choice(["low", "standard", "high"]), default="low", help="What a mistake costs.")
@click.option("--data", default=None, help="The table of labelled rows (default: the largest).")
@click.option("--label", default=None, help="The column that holds the truth, 0 or 1.")
@click.option("--model", default=None, help="The skops archive, where there are several.")
@click.option("--owner", default=None, help="Who answers for the model (default: your login name).")
@click.option("--split", is_flag=True, help="Write a copy of the table that says which rows to train on.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@as_json
@click.pass_context
def init(
    ctx: click.Context,
    template: str,
    stakes: Stakes,
    data: str | None,
    label: str | None,
    model: str | None,
    owner: str | None,
    split: bool,
    dry_run: bool,
    json_: bool,
) -> None:
    """Look at the project and write the contract files that are missing. Nothing that exists is overwritten."""
    from getpass import getuser

    from shipworthy.flows.init import begin
    from shipworthy.flows.survey import Told

    told = Told(owner=owner or getuser(), stakes=stakes, data=data, label=label, model=model, split=split)
    begun = begin(workspace(ctx), told, template, dry_run)
    lines = [
        *(f"{'would write' if dry_run else 'wrote'}  {name}" for name in begun.written),
        *(f"kept   {name}" for name in begun.kept),
        *(f"to do  {line}" for line in begun.todo),
        "nothing was written" if dry_run else "now `shipworthy check` says what is yours to say",
    ]
    result(json_, {"written": begun.written, "kept": begun.kept, "todo": begun.todo}, "\n".join(lines))
