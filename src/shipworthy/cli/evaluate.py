"""`shipworthy evaluate`: run held-out metrics and the robustness pack, write evidence."""

from __future__ import annotations

from typing import Literal

import click

from shipworthy.cli.show import as_json, counted, progress, result, workspace
from shipworthy.errors import UsageError


@click.command(short_help="Measure the built model.")
@click.option("--case", "only", default=None, help="Run one case and print it; no evidence is written.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Where the pieces run.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, help="How many processes share the pieces.")
@click.option("--address", default=None, help="A Ray cluster that runs already; without it one is started here.")
@click.option("--fresh", is_flag=True, help="Forget what an interrupted run has finished.")
@as_json
@click.pass_context
def evaluate(
    ctx: click.Context,
    only: str | None,
    engine: Literal["local", "ray"],
    workers: int,
    address: str | None,
    fresh: bool,
    json_: bool,
) -> int:
    """Measure the built model; the evidence lands in .shipworthy/evidence/.

    An interrupted run keeps what it has finished; the next one goes on from there.
    """
    from shipworthy.flows.evaluate import Engine, evaluate_case
    from shipworthy.flows.evaluate import evaluate as run
    from shipworthy.gate.reports.side_by_side import plain
    from shipworthy.gate.side_by_side import lines as side_by_side

    if address is not None and engine != "ray":
        raise UsageError("an address is that of a Ray cluster", "--address", "add --engine ray")

    here = workspace(ctx)
    if only is not None:
        case = evaluate_case(here.root, only)
        result(json_, {"case": case}, f"{case.status}: {case.because}")
        return {"pass": 0, "fail": 1}.get(case.status, 4)
    chosen = Engine(name=engine, workers=workers, address=address, fresh=fresh)
    try:
        evidence, path = run(here, progress, chosen)
    except KeyboardInterrupt:
        progress("interrupted: what was measured is kept, run it again to go on (--fresh begins anew)")
        raise
    bad = [case for case in evidence.cases if case.status != "pass"]
    lines = [f"{case.status:<12} {case.case}: {case.because}" for case in bad]
    measured, cases = counted(len(evidence.measurements), "measurement"), counted(len(evidence.cases), "case")
    lines.append(f"{measured}; {cases}, {f'{len(bad)} not passed' if bad else 'all passed'}: {path}")
    missing = [name for name in evidence.coverage.requested if name not in evidence.coverage.executed]
    if missing:
        lines.append(f"asked for and not measured: {', '.join(missing)}")
    contract = here.contract()
    lines += plain(side_by_side(evidence, contract.policy, contract.cases, contract.seed))
    result(json_, {"path": str(path), "cases": evidence.cases, "not_measured": missing}, "\n".join(lines))
    return 4 if missing else 0
