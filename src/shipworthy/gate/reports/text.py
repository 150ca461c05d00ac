"""The verdict as plain text for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipworthy.facts import Decision, Outcome, Verdict
from shipworthy.gate.reports import side_by_side
from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.side_by_side import Line
from shipworthy.gate.table import MARK, Row

NAMED = 5
SAYS = {
    Decision.SHIP: "SHIP: every deciding row is proven good",
    Decision.BLOCKED: "DO NOT DEPLOY: blocked",
    Decision.UNDECIDED: "DO NOT DEPLOY: not decided",
}


def render(verdict: Verdict, table: Iterable[Row], beside: Sequence[Line] = ()) -> str:
    """Return the report; the decision is its last line, because that is what people look for. `beside` is the table of
    accuracy and security."""
    subject = verdict.subject
    lines = [f"{subject.model} {subject.version}  artefact {subject.artefact[:19]}…  {_against(verdict)}", ""]
    clause = ""
    for row in table:
        if row.clause != clause:
            clause = row.clause
            lines.append(clause.upper().replace("_", " "))
        lines += _line(row)
    lines += side_by_side.plain(beside)
    lines += [f"  ! {block.name}: {block.because} — {block.fix}" for block in verdict.blocks]
    lines += [f"  warn  {told}" for told in verdict.warnings]
    lines += [f"  not claimed  {told}" for told in verdict.not_claimed]
    lines += [f"  OVERRIDE  {told}" for told in verdict.overrides]
    plain = [one_line(line) for line in lines]  # no text of a row can start a line of its own
    return "\n".join([*plain, "", one_line(SAYS[verdict.decision] + _by(verdict)), ""])


def _by(verdict: Verdict) -> str:
    """What keeps it from shipping, by name, so that nobody has to look for the red rows."""
    if verdict.decision is Decision.SHIP:
        return ""
    rows = [one for one in verdict.judgements if one.here and not one.trial and one.outcome is not Outcome.MET]
    names = list(dict.fromkeys([*(one.name for one in verdict.blocks), *(one.slo for one in rows)]))
    return f" by {', '.join(names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"


def _against(verdict: Verdict) -> str:
    if verdict.first:
        return "first release: absolute targets only"
    if verdict.baseline == verdict.subject.artefact:
        return "this is what shipped last: absolute targets only"
    return f"against baseline {(verdict.baseline or '')[:19]}…"


def _line(row: Row) -> list[str]:
    where = "" if row.segment == "*" else f" on {row.segment}"
    state = "" if row.deciding else "  (not judged here)" if "not judged" in row.because else "  (does not decide)"
    was = f"  (was {row.was})" if row.was else ""
    lines = [f"  {MARK[row.outcome]} {row.name + where:<44} {row.value:<24} n={row.n:<6} {row.target}{state}{was}"]
    if row.against:
        lines.append(f"      against baseline: {row.against}")
    if row.mend and row.deciding:
        why = "" if row.because == row.against else f"{row.because} "
        lines.append(f"      {why}→ {row.mend}")
    return lines
