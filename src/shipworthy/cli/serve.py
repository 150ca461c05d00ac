"""`shipworthy serve`: gateway, controller and API on this machine."""

from __future__ import annotations

import click

from shipworthy.cli.show import progress, workspace


@click.command(short_help="Serve what has shipped, on 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 picks a free port.")
@click.option("--observe-only", is_flag=True, help="Judge and show, and never act.")
@click.option("--otlp", metavar="URL", default="", help="Push metrics to this OTLP/HTTP receiver once a minute.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer requests."
)
@click.pass_context
def serve(ctx: click.Context, port: int, observe_only: bool, otlp: str, workers: int) -> None:
    """Serve the warm baseline and a running rollout on 127.0.0.1 until interrupted.

    `/metrics` is for Prometheus; with --otlp the same is pushed.
    """
    from shipworthy.runtime.serve import serve as run

    here = workspace(ctx)
    run(here, port=port, observe_only=observe_only, say=progress, otlp=otlp, workers=workers)
