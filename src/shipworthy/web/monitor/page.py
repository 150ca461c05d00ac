"""One self-contained page of a report: drawings and the tables behind them, no script, no font, no address.

In: a `MonitorReport`. Out: HTML that prints, reads in the dark, and has in words and numbers whatever it draws.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.facts import Outcome
from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.web.markup import clean, document, table
from shipworthy.web.monitor.grid import drift_grid, verdict_grid
from shipworthy.web.monitor.lines import ood_line, quality_lines
from shipworthy.web.monitor.shapes import calibration_curve, group_bars, shape
from shipworthy.web.monitor.text import SAID
from shipworthy.web.style import STYLE

LAYOUT = """
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem }
p.verdict { font-size: 1.15rem; margin: .25rem 0 } .soft { color: var(--soft) }
.tag { display: inline-block; padding: 0 .6rem; border-radius: 1rem; border: 2px solid var(--mark); font-weight: 600 }
svg rect.cell { stroke: var(--ground); stroke-width: 1 }
svg rect.met { fill: color-mix(in srgb, var(--good) 35%, var(--ground)) }
svg rect.breached { fill: var(--bad) }
svg rect.undecided { fill: color-mix(in srgb, var(--warn) 45%, var(--ground)) }
svg rect.no_data { fill: none; stroke: var(--edge); stroke-dasharray: 2 2 }
svg rect.heat { fill: var(--bad) }
svg text.onbad { fill: var(--ground); font-size: 10px }
.line.thin { stroke-width: 1; stroke-dasharray: 2 2 }
svg text.small { font-size: 10px }
ul { padding-left: 1.2rem }
@media print { body { max-width: none; padding: 0 } }
""".strip()


def page(report: MonitorReport) -> str:
    """Return the whole document."""
    title = f"{report.model}: logged requests"
    return document(title, f"{STYLE}\n{LAYOUT}", f"<main>{''.join(_body(report))}</main>")


def fragment(report: MonitorReport) -> str:
    """Return the page for a notebook: a frame of its own, so that neither styles the other."""
    return (
        f'<iframe title="{clean(report.model)}: logged requests" sandbox="" style="width:100%;height:42rem;border:0" '
        f'srcdoc="{clean(page(report))}"></iframe>'
    )


def _body(report: MonitorReport) -> Iterator[str]:
    yield from _head(report)
    yield f"<h2>Verdicts</h2>{verdict_grid(report)}{_pages(report)}"
    if report.backtest:
        yield f"<h2>A changed policy over the same windows</h2>{_backtest(report)}"
    if report.features:
        yield f"<h2>Inputs</h2>{drift_grid(report)}{''.join(shape(one) for one in report.shapes)}{_unseen(report)}"
    if any(one.n_ood is not None for one in report.periods):
        yield f"<h2>Out of distribution</h2>{ood_line(report)}"
    if report.calibration is not None:
        yield f"<h2>Quality</h2>{quality_lines(report)}{calibration_curve(report.calibration)}"
    if report.groups:
        yield f"<h2>Fairness</h2>{group_bars(report)}"
    yield f"<h2>Segments</h2>{_segments(report)}"
    yield f"<h2>What could not be told</h2>{_not_told(report)}"


def _head(report: MonitorReport) -> Iterator[str]:
    css = {Outcome.BREACHED: "bad", Outcome.NO_DATA: "warn", Outcome.UNDECIDED: "warn"}.get(report.outcome, "good")
    span = f"{report.periods[0].name} to {report.periods[-1].name}" if report.periods else "nothing"
    yield f"<h1>{clean(report.model)}: logged requests</h1>"
    yield f'<p class="verdict"><span class="tag {css}">{clean(SAID[report.outcome])}</span></p>'
    yield (
        f'<p class="soft">{report.rows} rows, {clean(span)}, by {clean(report.every)}. Compared with '
        f"{clean(report.reference)}. Judged by {clean(report.policy)}. "
        f"Versions: {clean(', '.join(report.versions))}.</p>"
    )


def _pages(report: MonitorReport) -> str:
    if not report.pages:
        return "<p>The policy would have paged nobody.</p>"
    rows = [
        [one.at, one.until, one.periods, one.slo, _scope(one.version, one.segment), one.because] for one in report.pages
    ]
    n = len(rows)
    return table(
        f"{n} page{'' if n == 1 else 's'} that the policy would have raised; what stays breached pages once",
        ["from", "to", "periods", "SLO", "scope", "because"],
        rows,
    )


def _scope(version: str, segment: str) -> str:
    return f"version {version}" if segment == "*" else f"version {version}, {segment}"


def _backtest(report: MonitorReport) -> str:
    said = "".join(f"<li><strong>{clean(one.slo)}</strong>: {clean(one.sentence)}</li>" for one in report.backtest)
    rows = [
        [
            one.slo,
            one.target,
            one.changed_target,
            one.pages,
            one.changed_pages,
            one.periods.get("breached", 0),
            one.changed_periods.get("breached", 0),
            _other(one.periods),
            _other(one.changed_periods),
        ]
        for one in report.backtest
    ]
    header = ["SLO", "target", "changed", "pages", "changed", "periods breached", "changed", "others", "changed"]
    return f"<ul>{said}</ul>{table('Present and changed policy', header, rows)}"


def _other(periods: dict[str, int]) -> str:
    return ", ".join(f"{n} {state}" for state, n in periods.items() if state != "breached") or "–"


def _unseen(report: MonitorReport) -> str:
    if not report.unseen:
        return ""
    rows = [
        [one.feature, one.n, ", ".join(f"{tag} at most {n}" for tag, n in one.tags) or "–"] for one in report.unseen
    ]
    return table("Categories that the reference never had, by keyed tag", ["feature", "rows", "commonest"], rows)


def _segments(report: MonitorReport) -> str:
    rows = [
        [
            one.segment,
            one.n,
            _rate(one.n_ood, one.n),
            one.labels,
            interval(one.error_rate),
            interval(one.ece),
        ]
        for one in report.segments
    ]
    header = ["segment", "rows", "flagged", "labels", "error rate", "calibration error"]
    return table("Segments, largest first; bounds are one-sided at 95 %", header, rows)


def _rate(hits: int | None, n: int) -> str:
    return "–" if hits is None or not n else f"{100 * hits / n:.2f} %"


def interval(one: tuple[float, float, float] | None) -> str:
    """Return a value with its bounds.

    >>> interval((0.25, 0.2, 0.3)), interval(None)
    ('0.250 [0.200, 0.300]', '–')
    """
    return "–" if one is None else f"{one[0]:.3f} [{one[1]:.3f}, {one[2]:.3f}]"


def _not_told(report: MonitorReport) -> str:
    notes = [f"{one.n} {one.what}" + (f" (first in {one.first})" if one.first else "") for one in report.notes]
    return f"<ul>{''.join(f'<li>{clean(line)}</li>' for line in (*notes, *report.not_told))}</ul>"
