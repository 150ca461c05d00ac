"""`shipworthy scan`: look for unsafe code in the artefact folder, or in any file or folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, counted, progress, result, workspace

if TYPE_CHECKING:
    from shipworthy.artifact.scan import Report


@click.command(short_help="Look for unsafe code in the artefact.")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--learn", is_flag=True, help="Print the classes to declare under `scan:` in shipworthy.yaml.")
@as_json
@click.pass_context
def scan(ctx: click.Context, path: Path | None, learn: bool, json_: bool) -> int:
    """Scan without loading anything. Unknown content is a finding; a planted sample must be found first.

    With PATH no contract is needed, and nothing is declared: any file or folder is scanned as it is.
    """
    if learn:
        classes, report = _learn(ctx, path)
        _show_learned(classes, report, json_)
    else:
        report = _scan(ctx, path)
        lines = [str(one) for one in report.findings]
        scanned, findings = counted(len(report.files), "file"), counted(len(report.findings), "finding")
        lines.append(f"{scanned} scanned, {findings}, planted sample found")
        result(json_, {"findings": report.findings, "files": report.files}, "\n".join(lines))
    return 0 if report.clean else 1


def _scan(ctx: click.Context, path: Path | None) -> Report:
    if path is not None:
        from shipworthy.artifact.files.scanner import scan_path

        return scan_path(path)
    from shipworthy.flows.scan import scan as run

    here = workspace(ctx)
    return run(here.root, here.contract().manifest)


def _learn(ctx: click.Context, path: Path | None) -> tuple[tuple[str, ...], Report]:
    if path is not None:
        from shipworthy.artifact.files.scanner import learn_path
        from shipworthy.artifact.scan import Declared

        return learn_path(path, Declared())
    from shipworthy.flows.scan import learn as run

    here = workspace(ctx)
    return run(here.root, here.contract().manifest)


def _show_learned(classes: tuple[str, ...], report: Report, json_: bool) -> None:
    """The proposal goes to standard output, ready to be pasted; what it does not mend goes to the other."""
    from shipworthy.artifact.scan import as_yaml

    for one in report.findings:
        progress(str(one))
    told = {"classes": classes, "findings": report.findings, "files": report.files}
    result(json_, told, as_yaml(classes) if classes else "# nothing to declare")
