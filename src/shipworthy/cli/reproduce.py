"""`shipworthy reproduce`: build again and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipworthy.cli.show import as_json, progress, result, workspace

if TYPE_CHECKING:
    from shipworthy.artifact.rebuilt import Rebuilt


@click.command(short_help="Build again and compare.")
@as_json
@click.pass_context
def reproduce(ctx: click.Context, json_: bool) -> int:
    """Build again in another clean folder: 0 the same bits or, visibly weaker, the same behaviour; 1 neither.

    Leaves with 4 when a file that went into the build is not the same now. The outcome is kept beside the evidence; an
    SLO on `rebuild_match` is judged by it.
    """
    from shipworthy.flows.pinned import pin_this_process

    pin_this_process()
    import msgspec

    from shipworthy.flows.reproduce import reproduce as run

    rebuilt, path = run(workspace(ctx), progress)
    told = {**msgspec.to_builtins(rebuilt), "record": str(path)}
    lines = [f"{one.file}: {one.why}" for one in rebuilt.differences]
    lines += [f"installed otherwise: {one}" for one in rebuilt.environment]
    result(json_, told, "\n".join([f"{rebuilt.outcome}: {_meaning(rebuilt)}", *lines]))
    return 1 if rebuilt.outcome == "differs" else 0


def _meaning(rebuilt: Rebuilt) -> str:
    if rebuilt.outcome == "bits":
        return "every file is the same, byte for byte"
    if rebuilt.outcome == "behaviour":
        return f"not the same bits; the same decisions on {rebuilt.rows} rows, scores within {rebuilt.worst:.3g}"
    return "neither the same bits nor the same behaviour"
