"""`shipworthy verify`: check the artefact's signature, and with `--verdict` that the gate passed it."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace


@click.command()
@click.option("--verdict", is_flag=True, help="Also ask for the gate's signed verdict: the admission step of a server.")
@as_json
@click.pass_context
def verify(ctx: click.Context, verdict: bool, json_: bool) -> None:
    """Exit 0 when the artefact is what was signed (and passed, with --verdict), else 4."""
    from shipworthy.runtime.admission import verify_signature, verify_verdict

    here = workspace(ctx)
    contract = here.contract()
    verify_signature(here.root, contract)
    if verdict:
        verify_verdict(here.root, contract)
    what = "signature and verdict hold" if verdict else "the signature holds"
    result(json_, {"verified": True, "verdict": verdict}, what)
