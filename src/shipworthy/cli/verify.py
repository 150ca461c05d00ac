"""`shipworthy verify`: check the artefact's signature, and with `--verdict` that the gate passed it."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--verdict", is_flag=True, help="Also ask for the gate's signed verdict: the admission step of a server.")
@click.option("--bundle", type=click.Path(path_type=Path), help="The verdict of the folder PATH; needs no contract.")
@click.option("--public-key", type=click.Path(path_type=Path), help="The key that must have signed it.")
@click.option("--max-age", help="Refuse a verdict that is older, such as 30d; with --bundle.")
@click.option("--policy", help="The digest of the policy it must have been judged under; with --bundle.")
@as_json
@click.pass_context
def verify(
    ctx: click.Context,
    path: Path | None,
    verdict: bool,
    bundle: Path | None,
    public_key: Path | None,
    max_age: str | None,
    policy: str | None,
    json_: bool,
) -> None:
    """Exit 0 when the artefact is what was signed (and passed, with --verdict), else 4.

    With --bundle, PATH is any folder: the admission step for users who keep their own servers.
    """
    if bundle is not None:
        return _by_bundle(ctx, path, bundle, public_key, max_age, policy, json_)
    if path is not None or public_key is not None or max_age is not None or policy is not None:
        raise click.UsageError("PATH, --public-key, --max-age and --policy go with --bundle")
    from shipworthy.runtime.admission import verify_signature, verify_verdict

    here = workspace(ctx)
    contract = here.contract()
    verify_signature(here.root, contract)
    if verdict:
        verify_verdict(here.root, contract)
    what = "signature and verdict hold" if verdict else "the signature holds"
    return result(json_, {"verified": True, "verdict": verdict}, what)


def _by_bundle(
    ctx: click.Context,
    path: Path | None,
    bundle: Path,
    public_key: Path | None,
    max_age: str | None,
    policy: str | None,
    json_: bool,
) -> None:
    """Admit a folder by the bundle of its verdict."""
    if path is None or public_key is None:
        raise click.UsageError("--bundle needs PATH and --public-key")
    from shipworthy.flows.verify_bundle import verify_bundle

    told = verify_bundle(path, bundle, public_key, workspace(ctx).clock, max_age, policy)
    summary = told.summary
    result(
        json_,
        {
            "verified": True,
            "artefact": summary.subject_digest,
            "resource": summary.resource_uri,
            "policy": summary.policy_digest,
            "judged": summary.time_verified,
            "result": told.results.result,
            "properties": told.properties,
        },
        f"the gate passed {summary.resource_uri} at {summary.time_verified} under {summary.policy_digest}",
    )
