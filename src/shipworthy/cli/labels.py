"""`shipworthy labels FILE` sends late labels to a running gateway; `labels quarantine` is about those it doubts."""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli.show import as_json, counted, result, workspace

SEND = "send"


class SendsFiles(click.Group):
    """A group that sends when its first word is no command: `labels FILE` is `labels send FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb before a file that stands alone."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [SEND, *args]
        return super().parse_args(ctx, args)


@click.group(cls=SendsFiles, short_help="Send late labels; look at those in quarantine.")
def labels() -> None:
    """Send late labels to a gateway, or look at those that it keeps apart. `labels FILE` is `labels send FILE`."""


@labels.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@as_json
def send(file: Path, url: str, json_: bool) -> int:
    """Send `receipt,label` rows of a CSV; each label finds its decision by its receipt.

    A gateway that asks for keys takes the one in the environment variable SHIPWORTHY_KEY.
    """
    from os import environ

    from shipworthy.flows.labels import send_labels

    sent = send_labels(file, url, environ.get("SHIPWORTHY_KEY", ""))
    for line in sent.refused:
        click.echo(line, err=True)
    apart = f", {sent.quarantined} in quarantine" if sent.quarantined else ""
    told = f"{sent.accepted} taken, {sent.used} known already, {len(sent.refused)} refused{apart}"
    result(json_, {"sent": sent}, told)
    return 1 if sent.refused else 0


@labels.group()
def quarantine() -> None:
    """Labels that are kept apart until an operator releases or drops them.

    They are of senders who contradict the model far more than all others do, or of decisions that a person decided
    otherwise.
    """


@quarantine.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List whose labels are kept apart. While some are, nothing that rests on labels of that version is called met."""
    from shipworthy.flows.quarantine import quarantined

    found = quarantined(workspace(ctx))
    lines = [
        f"{one.version}  {one.source}: {counted(one.held, 'label')} held"
        + (f", doubted since {one.flagged_at}: {one.against} of {one.n} against" if one.flagged_at else "")
        for one in found
    ]
    result(json_, {"sources": found}, "\n".join(lines) or "nothing is in quarantine")


def _settles(status: str, name: str, told: str, counts: bool = False) -> None:
    @quarantine.command(name, help=told)
    @click.argument("version")
    @click.argument("source")
    @click.option("--as", "person", required=True, help="Your id in the contract's `people`; an operator.")
    @click.option("--because", required=True, help="Why; the ledger keeps it.")
    @as_json
    @click.pass_context
    def settle(ctx: click.Context, version: str, source: str, person: str, because: str, json_: bool) -> None:
        from shipworthy.flows.quarantine import settle as run

        settled = run(workspace(ctx), version, source, status, person, because)
        known = settled.n - settled.counted
        nothing = f"; {known} of them change nothing: their decisions have a label already" if counts and known else ""
        body = {"version": version, "source": source, status: settled.n}
        body |= {"counted": settled.counted} if counts else {}
        result(json_, body, f"{counted(settled.n, 'label')} {status}{nothing}")


_settles("released", "release", "Count the labels of SOURCE about VERSION after all, and trust it again.", counts=True)
_settles("dropped", "drop", "Forget the labels of SOURCE about VERSION; what it sends from now on is counted anew.")
