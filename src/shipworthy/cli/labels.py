"""`shipworthy labels FILE`: send late labels to a running gateway."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, result


@click.command(short_help="Send late labels to a gateway.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@as_json
def labels(file: Path, url: str, json_: bool) -> int:
    """Send `receipt,label` rows of a CSV; each label finds its decision by its receipt.

    A gateway that asks for keys takes the one in the environment variable SHIPWORTHY_KEY.
    """
    from os import environ

    from shipworthy.flows.labels import send_labels

    sent = send_labels(file, url, environ.get("SHIPWORTHY_KEY", ""))
    for line in sent.refused:
        click.echo(line, err=True)
    result(json_, {"sent": sent}, f"{sent.accepted} taken, {sent.used} known already, {len(sent.refused)} refused")
    return 1 if sent.refused else 0
