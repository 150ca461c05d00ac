"""`shipworthy import FILE`: results of another tool become evidence."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result, workspace
from shipworthy.facts import IMPORT_FORMATS


@click.command("import", short_help="Take results of another tool as evidence.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "format_", type=click.Choice(IMPORT_FORMATS), required=True, help="Which tool wrote it.")
@click.option("--slo", default=None, help="The SLO that the results speak for; marked pytest tests name their own.")
@click.option("--segment", default="*", help="The segment they were made on.")
@as_json
@click.pass_context
def import_(ctx: click.Context, file: Path, format_: str, slo: str | None, segment: str, json_: bool) -> None:
    """Turn results into measurements of this subject. They count where the SLO says `accept:`."""
    from shipworthy.flows.imports import import_results

    made = import_results(workspace(ctx), file, format_, slo, segment)
    lines = []
    for one in made:
        origin = one.measurement.origin
        assert origin is not None  # what was imported has an origin
        counts = origin.counts
        lines.append(
            f"{origin.slo}: {counts.passed} passed, {counts.failed} failed, {counts.errored} errors, "
            f"{counts.skipped} skipped ({origin.assurance})"
        )
    result(json_, {"imported": made}, "\n".join(lines))
