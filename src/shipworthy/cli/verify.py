"""`shipworthy verify`: the artefact's signature, the gate's verdict, with or without a contract at hand."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.errors import UsageError

_ALONE = "shipworthy verify PATH --signature SIG --public-key KEY, or --bundle FILE --public-key KEY"


@click.command(short_help="Verify signature and verdict.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--signature", type=click.Path(path_type=Path), help="With PATH: the signature file.")
@click.option("--bundle", type=click.Path(path_type=Path), help="With PATH: the gate's verdict on that folder.")
@click.option("--public-key", type=click.Path(path_type=Path), help="With PATH: the key that must have signed it.")
@click.option("--max-age", help="Refuse a verdict that is older, such as 30d; with --bundle.")
@click.option("--policy", help="The digest of the policy it must have been judged under; with --bundle.")
@click.option("--verdict", is_flag=True, help="Also ask for the gate's signed verdict: the admission step of a server.")
@as_json
@click.pass_context
def verify(
    ctx: click.Context,
    path: Path | None,
    signature: Path | None,
    bundle: Path | None,
    public_key: Path | None,
    max_age: str | None,
    policy: str | None,
    verdict: bool,
    json_: bool,
) -> None:
    """Exit 0 when the artefact is what was signed (and passed, with --verdict), else 4.

    With PATH no contract is needed: any folder or file against a model-signing v1.0 bundle, or a folder against the
    gate's verdict (--bundle), and the key you trust. That is the admission step for users who keep their own servers.
    """
    if bundle is None and (max_age is not None or policy is not None):
        raise UsageError("--max-age and --policy go with --bundle", "verify", _ALONE)
    if path is None:
        if signature is not None or bundle is not None or public_key is not None:
            raise UsageError("--signature, --bundle and --public-key need a PATH", "verify", _ALONE)
        return _by_contract(ctx, verdict, json_)
    if verdict:
        raise UsageError("--verdict is about a contract", "verify", "leave PATH out and use --root")
    if (signature is None) is (bundle is None) or public_key is None:
        raise UsageError("PATH needs --public-key and one of --signature and --bundle", "verify", _ALONE)
    if bundle is not None:
        return _by_bundle(ctx, path, bundle, public_key, max_age, policy, json_)
    from shipworthy.artifact.files.signatures import verify_path

    assert signature is not None  # one of the two is there
    verify_path(path, signature, public_key)
    return result(json_, {"verified": True, "verdict": False}, "the signature holds")


def _by_contract(ctx: click.Context, verdict: bool, json_: bool) -> None:
    from shipworthy.runtime.admission import verify_signature, verify_verdict

    here = workspace(ctx)
    contract = here.contract()
    verify_signature(here.root, contract)
    if verdict:
        verify_verdict(here.root, contract)
    what = "signature and verdict hold" if verdict else "the signature holds"
    result(json_, {"verified": True, "verdict": verdict}, what)


def _by_bundle(
    ctx: click.Context,
    path: Path,
    bundle: Path,
    public_key: Path,
    max_age: str | None,
    policy: str | None,
    json_: bool,
) -> None:
    """Admit a folder by the bundle of its verdict."""
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
