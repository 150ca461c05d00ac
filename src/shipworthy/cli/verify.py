"""`shipworthy verify`: check the artefact's signature, and with `--verdict` that the gate passed it."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.errors import UsageError

_ALONE = "shipworthy verify PATH --signature FILE --public-key KEY.pem"


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--signature", type=click.Path(path_type=Path), help="With PATH: the signature file.")
@click.option("--public-key", type=click.Path(path_type=Path), help="With PATH: a PEM file with the EC public key.")
@click.option("--verdict", is_flag=True, help="Also ask for the gate's signed verdict: the admission step of a server.")
@as_json
@click.pass_context
def verify(
    ctx: click.Context,
    path: Path | None,
    signature: Path | None,
    public_key: Path | None,
    verdict: bool,
    json_: bool,
) -> None:
    """Exit 0 when the artefact is what was signed (and passed, with --verdict), else 4.

    With PATH no contract is needed: any folder or file, a model-signing v1.0 bundle, and the key you trust.
    """
    if path is not None:
        _alone(path, signature, public_key, verdict)
    else:
        if signature is not None or public_key is not None:
            raise UsageError("--signature and --public-key need a PATH", "verify", _ALONE)
        from shipworthy.runtime.admission import verify_signature, verify_verdict

        here = workspace(ctx)
        contract = here.contract()
        verify_signature(here.root, contract)
        if verdict:
            verify_verdict(here.root, contract)
    what = "signature and verdict hold" if verdict else "the signature holds"
    result(json_, {"verified": True, "verdict": verdict}, what)


def _alone(path: Path, signature: Path | None, public_key: Path | None, verdict: bool) -> None:
    """Verify without a contract; a verdict is always one about a contract."""
    if verdict:
        raise UsageError("--verdict is about a contract", "verify", "leave PATH out and use --root")
    if signature is None or public_key is None:
        raise UsageError("no --signature or no --public-key", "verify", _ALONE)
    from shipworthy.artifact.files.signatures import verify_path

    verify_path(path, signature, public_key)
