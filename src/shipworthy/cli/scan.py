"""`shipworthy scan`: look for unsafe code in the artefact folder."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, result, workspace


@click.command()
@as_json
@click.pass_context
def scan(ctx: click.Context, json_: bool) -> int:
    """Scan without loading anything. Unknown content is a finding; the planted canary must be found first."""
    from shipworthy.flows.scan import scan as run

    here = workspace(ctx)
    report = run(here.root, here.contract().manifest)
    lines = [f"{one.severity:<8} {one.file}: {one.kind}: {one.what}" for one in report.findings]
    lines.append(f"{len(report.files)} files scanned, {len(report.findings)} findings, canary found")
    told = {"findings": report.findings, "files": report.files}
    result(json_, told, "\n".join(lines))
    return 1 if report.findings else 0
