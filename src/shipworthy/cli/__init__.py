"""The command line: one file per verb, each a thin face over a flow.

stdout is the result, stderr progress and problems; `--json` gives the result as one JSON object. Verbs are imported
when called, so that `check`, `status` and `kill` start without any numerical library. Exit codes: DECISIONS §11.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from shipworthy.cli.words import with_words
from shipworthy.errors import ShipworthyError

VERBS = {
    "init": "init",
    "keys": "keys",
    "check": "check",
    "note": "note",
    "build": "build",
    "reproduce": "reproduce",
    "train": "train",
    "scan": "scan",
    "sign": "sign",
    "verify": "verify",
    "evaluate": "evaluate",
    "strength": "strength",
    "import": "import_",
    "gate": "gate",
    "ship": "ship",
    "decide": "decide",
    "override": "override",
    "serve": "serve",
    "rollout": "rollout",
    "status": "status",
    "kill": "kill",
    "degrade": "kill",
    "confirm": "posture",
    "restore": "posture",
    "drill": "drill",
    "labels": "labels",
    "monitor": "monitor",
    "review-queue": "review_queue",
    "incident": "incident",
    "pagers": "pagers",
    "abuse": "abuse",
    "ledger": "ledger",
}


class Verbs(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a release's life."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's file and return its command."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f"shipworthy.cli.{VERBS[cmd_name]}")
        name = cmd_name.replace("-", "_")
        command = getattr(module, f"{name}_" if iskeyword(name) else name)
        return with_words(command) if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Add `did you mean` to an unknown verb."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, 1)
            raise click.UsageError(f"no verb {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""), ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SHIPWORTHY"})
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The model repository (default: this folder).",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="The state directory (default: .shipworthy/state in the repository).",
)
@click.version_option(package_name="shipworthy")
@click.pass_context
def cli(ctx: click.Context, root: Path, home: Path | None) -> None:
    """Make models safe to ship: check, gate, serve, respond. Start with `shipworthy init`."""
    ctx.obj = {"root": root, "home": home or root / ".shipworthy" / "state", "clock": ctx.obj}


def main(args: Sequence[str] | None = None, prog_name: str = "shipworthy", obj: Any = None) -> None:  # noqa: ANN401
    """Run the command line and leave with its exit code. `obj` is the clock that tests and the story hand in."""
    try:
        code = cli.main(args=args, prog_name=prog_name, standalone_mode=False, obj=obj)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(2)
    except ShipworthyError as problem:
        click.echo(str(problem), err=True)
        sys.exit(problem.exit_code)
    except Exception:
        import traceback

        click.echo(traceback.format_exc(), err=True)
        click.echo("this is our fault, not yours: please report it", err=True)
        sys.exit(70)
    sys.exit(code if isinstance(code, int) else 0)
