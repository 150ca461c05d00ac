"""`shipworthy build`: run the build command in a clean folder and add the reference profile and thresholds."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, progress, result, workspace


@click.command(short_help="Build the model in a clean folder.")
@as_json
@click.pass_context
def build(ctx: click.Context, json_: bool) -> None:
    """Run the manifest's build command in a clean folder, then fit profile and thresholds on the declared rows.

    The command sees the files of the change (manifest, code, data, lock file), a pinned environment, no key and, where
    the system allows, no network. Its provenance says which it was and is kept beside the evidence.
    """
    from shipworthy.flows.pinned import pin_this_process

    pin_this_process()
    from shipworthy.flows.build import build as run

    told = run(workspace(ctx), progress)
    result(json_, told, f"built {told['artefact']}")
