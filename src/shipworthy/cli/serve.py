"""`shipworthy serve`: gateway, controller and API on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import progress, workspace


@click.command(short_help="Serve what has shipped.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 picks a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address needs TLS and keys of callers.")
@click.option("--tls-cert", metavar="FILE", type=click.Path(path_type=Path), help="Certificate with its chain, PEM.")
@click.option("--tls-key", metavar="FILE", type=click.Path(path_type=Path), help="Its private key, PEM, mode 600.")
@click.option("--observe-only", is_flag=True, help="Judge and show, and never act.")
@click.option("--otlp", metavar="URL", default="", help="Push metrics to this OTLP/HTTP receiver once a minute.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer requests."
)
@click.option(
    "--upstream",
    "upstreams",
    metavar="VERSION=URL",
    multiple=True,
    help="Another server scores for a version: v2+http://… or mlflow+http://…",
)
@click.option(
    "--pagers", metavar="FILE", type=click.Path(path_type=Path), help="Who is paged: a file of the site (see `pagers`)."
)
@click.option("--grpc-port", type=click.IntRange(1, 65535), help="Take the inference protocol by gRPC there as well.")
@click.pass_context
def serve(
    ctx: click.Context,
    port: int,
    host: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    observe_only: bool,
    otlp: str,
    workers: int,
    upstreams: tuple[str, ...],
    pagers: Path | None,
    grpc_port: int | None,
) -> None:
    """Serve the warm baseline and a running rollout until interrupted; then finish what is under way.

    Others reach it only with --host, and that needs TLS and keys of its callers (`shipworthy keys api`). A renewed
    certificate is taken without a restart. `/metrics` is for Prometheus; with --otlp the same is pushed.
    """
    from shipworthy.runtime.certificates import Tls
    from shipworthy.runtime.serve import serve as run

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    tls = Tls(tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    here = workspace(ctx)
    run(here, port, observe_only, progress, otlp, host, tls, workers, upstreams, grpc_port, pagers)
