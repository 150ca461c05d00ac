"""`shipworthy monitor LOGS`: a report over logged requests."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from shipworthy.cli.show import as_json, progress, result, workspace
from shipworthy.errors import UsageError


@click.command(short_help="Report on logged requests by the contract.")
@click.argument("logs", nargs=-1, required=True)
@click.option("--every", default=None, help="A period: 1h, 1d, 7d, month, year, or a number of rows (default: 1h).")
@click.option("--reference", default=None, help="A log to compare with, in place of the built profile.")
@click.option("--backtest", default=None, help="A changed safety-slos.yaml: what would it have paged?")
@click.option("--html", default=None, type=click.Path(dir_okay=False, path_type=Path), help="Write one page here.")
@click.option("--time", "time", default=None, help="Column: when it was decided, RFC 3339 or epoch.")
@click.option("--version", "version", default=None, help="Column: the model's version.")
@click.option("--tenant", default=None, help="Column: whose request (default: the manifest's).")
@click.option("--score", default=None, help="Column: the score, 0 to 1.")
@click.option("--decision", default=None, help="Column: the word that left.")
@click.option("--route", default=None, help="Column: machine, person or refused.")
@click.option("--label", default=None, help="Column: the truth, 0 or 1 (default: the manifest's).")
@click.option("--took-ms", default=None, help="Column: time to answer, ms.")
@click.option("--segment", "segments", multiple=True, help="A column to segment by, beside the manifest's.")
@click.option("--group", "groups", multiple=True, help="A column whose groups are compared, beside protected features.")
@click.option("--ignore", "ignored", multiple=True, help="A column of the reference that is no input.")
@click.option("--no-ood", is_flag=True, help="Do not score rows against the reference: faster.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Where files are counted.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="How many processes share the files.")
@click.option("--address", default=None, help="A Ray cluster that runs already; without it one is started here.")
@as_json
@click.pass_context
def monitor(
    ctx: click.Context,
    /,
    logs: tuple[str, ...],
    every: str | None,
    reference: str | None,
    backtest: str | None,
    html: Path | None,
    segments: tuple[str, ...],
    groups: tuple[str, ...],
    ignored: tuple[str, ...],
    no_ood: bool,
    engine: Literal["local", "ray"],
    workers: int,
    address: str | None,
    json_: bool,
    **columns: str | None,
) -> int:
    """Count logged requests (CSV, JSON lines, Parquet; files, folders or globs) and judge them by the contract.

    A row holds the model's inputs and, where there is one, time, version, tenant, score, decision, route, label and
    took_ms. Without a contract, name a reference log with --reference.
    """
    from shipworthy.flows.monitor.count import Engine
    from shipworthy.flows.monitor.monitor import Asked
    from shipworthy.flows.monitor.monitor import monitor as run
    from shipworthy.web.monitor.page import page
    from shipworthy.web.monitor.text import text

    if address is not None and engine != "ray":
        raise UsageError("an address is that of a Ray cluster", "--address", "add --engine ray")
    asked = Asked(
        every=every,
        reference=reference,
        columns=columns,
        segments=segments,
        groups=groups,
        ignored=ignored,
        ood=not no_ood,
        engine=Engine(name=engine, workers=workers, address=address),
        backtest=backtest,
    )
    report = run(workspace(ctx), logs, asked, progress)
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
        progress(f"page: {html}")
    result(json_, {"report": report}, lambda: text(report))
    return report.exit_code
