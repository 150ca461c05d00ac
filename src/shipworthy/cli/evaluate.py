"""`shipworthy evaluate`: run held-out metrics and the robustness pack, write evidence."""

from __future__ import annotations

import click

from shipworthy.cli.show import as_json, counted, progress, result, workspace


@click.command(short_help="Measure the built model.")
@click.option("--case", "only", default=None, help="Run one case and print it; no evidence is written.")
@as_json
@click.pass_context
def evaluate(ctx: click.Context, only: str | None, json_: bool) -> int:
    """Measure the built model; the evidence lands in .shipworthy/evidence/."""
    from shipworthy.flows.evaluate import evaluate as run
    from shipworthy.flows.evaluate import evaluate_case
    from shipworthy.gate.reports.side_by_side import plain
    from shipworthy.gate.side_by_side import lines as side_by_side

    here = workspace(ctx)
    if only is not None:
        case = evaluate_case(here.root, only)
        result(json_, {"case": case}, f"{case.status}: {case.because}")
        return 0 if case.status == "pass" else 1
    evidence, path = run(here, lambda name: progress(f"measuring {name}"))
    bad = [case for case in evidence.cases if case.status != "pass"]
    lines = [f"{case.status:<12} {case.case}: {case.because}" for case in bad]
    measured, cases = counted(len(evidence.measurements), "measurement"), counted(len(evidence.cases), "case")
    lines.append(f"{measured}; {cases}, {f'{len(bad)} not passed' if bad else 'all passed'}: {path}")
    contract = here.contract()
    lines += plain(side_by_side(evidence, contract.policy, contract.cases, contract.seed))
    result(json_, {"path": str(path), "cases": evidence.cases}, "\n".join(lines))
    return 0
