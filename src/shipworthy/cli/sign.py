"""`shipworthy sign`: sign the artefact folder, or any model with any key of the format."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.errors import UsageError


@click.command(short_help="Sign the artefact folder.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="With PATH: a PEM file with an EC private key.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="With PATH: the signature file (default PATH/model.sig)."
)
@as_json
@click.pass_context
def sign(ctx: click.Context, path: Path | None, key: Path | None, output: Path | None, json_: bool) -> None:
    """Sign every file of the artefact folder with the site's signing key (model-signing v1.0 bundle).

    With PATH no contract is needed: any folder or file is signed with the EC P-256, P-384 or P-521 key in --key.
    """
    if path is None:
        if key is not None or output is not None:
            raise UsageError("--key and -o need a PATH", "sign", "shipworthy sign PATH --key KEY.pem -o FILE")
        from shipworthy.flows.sign import sign as run

        here = workspace(ctx)
        kept = run(here, here.contract())
    else:
        if key is None:
            raise UsageError("no --key to sign PATH with", "sign", "shipworthy sign PATH --key KEY.pem -o FILE")
        from shipworthy.artifact.files.signatures import sign_path

        kept = sign_path(path, key, output)
    result(json_, {"signature": str(kept)}, f"signed: {kept}")
