"""`shipworthy incident open|list|show|command|update|promote|close|export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli.show import as_json, counted, result, workspace
from shipworthy.cli.words import Finite, Prose, Words
from shipworthy.errors import UsageError
from shipworthy.facts import CaseResult, Scope, Severity
from shipworthy.facts.incident import Factor, Harm, Reference, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipworthy.flows.incident import Told

person = click.option("--as", "person", required=True, help="Your id in the contract's `people`.")
_SEVERITIES = [one.value for one in Severity]
_HARMS = (
    "none", "other", "health", "rights", "property", "environment", "critical_infrastructure", "widespread", "death",
)  # fmt: skip
_FACTORS = ("data", "model", "contract", "monitoring", "procedure", "environment", "dependency", "attack")


@click.group(short_help="Open, lead, describe, promote and close incidents.")
def incident() -> None:
    """Breaches with an owner, a timeline and an end that is proven."""


@incident.command("open")
@click.argument("title", type=Words())
@click.option("--severity", type=click.Choice(_SEVERITIES), required=True, help="How bad it is; SEV1 is the worst.")
@click.option("--because", type=Prose(), required=True, help="What was seen.")
@click.option("--version", "version_", type=Words(), default="*", help="The version it happened on.")
@click.option("--tenant", type=Words(), default="*", help="Whose requests.")
@click.option("--segment", type=Words(), default="*", help="Which requests, such as supplier=P42.")
@click.option(
    "--detected-by",
    type=click.Choice(["user", "person", "abuse-log", "drill"]),
    default="person",
    show_default=True,
    help="What noticed it.",
)
@person
@as_json
@click.pass_context
def open_(
    ctx: click.Context,
    title: str,
    severity: str,
    because: str,
    version_: str,
    tenant: str,
    segment: str,
    detected_by: Any,  # noqa: ANN401
    person: str,
    json_: bool,
) -> None:
    """Open an incident that you saw, with a TITLE of one line."""
    from shipworthy.flows.incident import open_by_hand as run

    place = workspace(ctx)
    scope = Scope(model=place.contract().manifest.model, version=version_, tenant=tenant, segment=segment)
    one = run(place, title, Severity(severity), scope, because, person, detected_by)
    result(json_, {"incident": one}, f"{one.id} {one.severity} {one.status}: {one.title}")


@incident.command("list")
@as_json
@click.pass_context
def list_(ctx: click.Context, json_: bool) -> None:
    """List incidents."""
    from shipworthy.flows.incident import listed

    found = listed(workspace(ctx))
    lines = [
        f"{one.id} {one.severity} {one.status:<6} owner {one.owner}, command {one.commander or 'nobody'}: {one.title}"
        for one in found
    ]
    result(json_, {"incidents": found}, "\n".join(lines) or "no incidents")


@incident.command()
@click.argument("name")
@as_json
@click.pass_context
def show(ctx: click.Context, name: str, json_: bool) -> None:
    """Show an incident: its timeline from the ledger, its clocks, and who is called next."""
    from shipworthy.flows.incident import show as run

    told = run(workspace(ctx), name)
    shown = {key: getattr(told, key) for key in told.__struct_fields__}
    result(json_, shown, lambda: "\n".join(_story(told)))


@incident.command("command")
@click.argument("name")
@person
@as_json
@click.pass_context
def command_(ctx: click.Context, name: str, person: str, json_: bool) -> None:
    """Take command of an incident."""
    from shipworthy.flows.incident import command as run

    one = run(workspace(ctx), name, person)
    result(json_, {"incident": one}, f"{one.id}: {one.commander} is in command")


@incident.command()
@click.argument("name")
@click.option("--title", type=Words(), help="A better title.")
@click.option("--description", type=Prose(), help="What happened, in plain words.")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="How bad it is now known to be.")
@click.option("--scribe", type=Words(), help="Who writes along: an id of `people`.")
@click.option("--harm", type=click.Choice(_HARMS), help="What was done to people; `none` when nothing was.")
@click.option("--harm-severity", type=click.Choice(["none", "minor", "major", "severe"]), help="How much harm.")
@click.option("--group", "groups", type=Words(), multiple=True, help="Who was hit: a group, never a name.")
@click.option("--ref", "refs", type=Words(), multiple=True, help="CATALOGUE:VERSION:ID, such as atlas:5.6.0:AML.T0020.")
@click.option(
    "--factor", "factors", type=Prose(), multiple=True, help=f"KIND:TEXT; what made it possible: {', '.join(_FACTORS)}."
)
@click.option("--task", "tasks", type=Prose(), multiple=True, help="WHO:TEXT; WHO is a person's id or a role.")
@click.option("--done", type=int, multiple=True, help="The number of a task that is done.")
@click.option("--tenant", "tenants", type=Words(), multiple=True, help="A tenant that was hit.")
@click.option("--link", "links", type=Words(), multiple=True, help="Where more is written.")
@click.option("--reported", type=Words(), multiple=True, help="A rule under which it has been reported now.")
@click.option("--no-threat", type=Prose(), help="Why the threat model needs no change; you sign it with your key.")
@click.option("--stable", is_flag=True, help="It does no more harm.")
@person
@as_json
@click.pass_context
def update(ctx: click.Context, /, name: str, person: str, json_: bool, **given: Any) -> None:  # noqa: ANN401
    """Write down what was found out about an incident. Lists grow; nothing is taken away."""
    from shipworthy.flows.incident import update as run

    one = run(workspace(ctx), name, _changes(given), person)
    result(json_, {"incident": one}, f"{one.id} {one.severity} {one.status}, revision {one.revision}")


@incident.command()
@click.argument("name")
@click.option(
    "--rows",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A table (CSV) of the incident's rows with their labels; without it they come out of the review queue.",
)
@click.option(
    "--target",
    type=Finite(0, 1, min_open=True, max_open=True),
    default=0.15,
    show_default=True,
    help="The most of what the new case counts that a fix may still do.",
)
@click.option(
    "--for-fix",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows here that the case does not need: a fix may learn from these.",
)
@person
@as_json
@click.pass_context
def promote(
    ctx: click.Context, name: str, rows: Path | None, target: float, for_fix: Path | None, person: str, json_: bool
) -> None:
    """Write the failure into the pack of this repository, with the least rows that show it."""
    from shipworthy.flows.incident_promote import promote as run

    made = run(workspace(ctx), name, rows, person, target, for_fix=for_fix)
    lines = [f"{case.id}: {case.oracle.name} {case.oracle.op} {case.oracle.target:g}" for case in made.cases]
    lines.append(f"{counted(made.rows, 'row')} in the case")
    lines += [f"left out: {told}" for told in made.left_out]
    lines += [f"{counted(made.for_fix, 'row')} for a fix in {for_fix}"] if for_fix else []
    shown = {key: getattr(made, key) for key in made.__struct_fields__}
    result(json_, shown, "\n".join(lines))


@incident.command()
@click.argument("name")
@person
@as_json
@click.pass_context
def close(ctx: click.Context, name: str, person: str, json_: bool) -> int:
    """Close an incident: its cases must fail on its model and pass on the one built here."""
    from shipworthy.flows.incident_close import close as run

    told = run(workspace(ctx), name, person)
    lines = [*_lines("before", told.before), *_lines("after", told.after), *told.refused, *told.notes]
    lines.append(f"{told.incident.id} {told.incident.status}")
    shown = {key: getattr(told, key) for key in told.__struct_fields__}
    result(json_, shown, "\n".join(lines))
    return 1 if told.refused else 0


@incident.command()
@click.argument("name")
@click.option("--check", is_flag=True, help="Write nothing; fail when the file does not say what the ledger says.")
@as_json
@click.pass_context
def export(ctx: click.Context, name: str, check: bool, json_: bool) -> None:
    """Write the record as incidents/NAME.yaml."""
    from shipworthy.flows import incident_file

    run: Callable[..., Path] = incident_file.check if check else incident_file.export
    path = run(workspace(ctx), name)
    result(json_, {"path": str(path)}, str(path))


def _lines(when: str, results: tuple[CaseResult, ...]) -> list[str]:
    return [f"{when:<7} {one.status:<5} {one.case}: {one.because}" for one in results]


def _story(told: Told) -> list[str]:
    one = told.incident
    lines = [
        f"{one.id} {one.severity} {one.status}: {one.title}",
        f"owner {one.owner}, command {one.commander or 'nobody'}, detected by {one.detected_by}",
    ]
    if one.worst_severity:
        lines.append(f"counts as {one.worst_severity}: it was said to be that bad")
    if one.decisions_affected is not None:
        lines.append(f"{counted(one.decisions_affected, 'decision')} in scope before the first order")
    times = (("detect", told.time_to_detect_s), ("degrade", told.time_to_degrade_s))
    lines += [f"time to {what}: {seconds:.0f} s" for what, seconds in times if seconds is not None]
    lines += [f"clock {clock.rule}: due {clock.due}, {clock.state}" for clock in told.clocks]
    lines += [f"nobody has confirmed {name}" for name in told.unconfirmed]
    lines += [f"next to be called: {told.next}"] if told.next else []
    return [*lines, "", *(f"{line.at}  {line.after:>12}  {line.actor:<10} {line.what}" for line in told.timeline)]


def _changes(given: dict[str, Any]) -> Any:  # noqa: ANN401
    from shipworthy.flows.incident import Changes

    harm, amount = given.pop("harm"), given.pop("harm_severity")
    groups = given.pop("groups")
    if harm is None and (amount is not None or groups):
        raise UsageError("harm without its kind", "--harm", f"one of {', '.join(_HARMS)}")
    if harm is not None and amount is None and harm != "none":
        raise UsageError("harm without how much", "--harm-severity", "minor, major or severe")
    severity = given.pop("severity")
    return Changes(
        **{key: given[key] for key in ("title", "description", "scribe", "no_threat", "stable")},
        **{key: given[key] for key in ("done", "tenants", "links", "reported")},
        severity=Severity(severity) if severity else None,
        harm=Harm(type=harm, severity=amount or "none", groups=groups) if harm else None,
        refs=tuple(_reference(text) for text in given["refs"]),
        factors=tuple(_factor(text) for text in given["factors"]),
        tasks=tuple(_task(text) for text in given["tasks"]),
    )


def _reference(text: str) -> Reference:
    catalogue, version, name = _parts(text, 3, "--ref", "CATALOGUE:VERSION:ID")
    return Reference(catalogue=catalogue, version=version, id=name)


def _factor(text: str) -> Factor:
    kind, what = _parts(text, 2, "--factor", "KIND:TEXT")
    if kind not in _FACTORS:
        raise UsageError(f"no kind of factor is named {kind!r}", "--factor", f"one of {', '.join(_FACTORS)}")
    return Factor(kind=kind, what=what)  # type: ignore[arg-type]


def _task(text: str) -> Task:
    owner, what = _parts(text, 2, "--task", "WHO:TEXT")
    return Task(what=what, owner=owner)


def _parts(text: str, count: int, option: str, form: str) -> list[str]:
    parts = [part.strip() for part in text.split(":", count - 1)]
    if len(parts) != count or not all(parts):
        raise UsageError(f"not of the form {form}: {text!r}", option, f"write {form}")
    return parts
