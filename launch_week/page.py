"""The story as one page: what should hold, whether it did, and six figures of the week.

In: the record of one run, whatever it holds: names and remarks in it may come from strangers, series may be missing.
Out: one self-contained HTML page without scripts or outside references. A story without claims is never shown as held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from launch_week.record import Claim, Record, Scene
from shipworthy.web.figures.ece import ece_by_supplier
from shipworthy.web.figures.ledger import ledger_timeline
from shipworthy.web.figures.ood import ood_scores
from shipworthy.web.figures.postures import posture_lanes
from shipworthy.web.figures.recorded import Recorded
from shipworthy.web.figures.review import review_thresholds
from shipworthy.web.figures.share import canary_share
from shipworthy.web.markup import clean, document, table
from shipworthy.web.style import STYLE

TITLE = "The launch week of a claims-triage model"
LAYOUT = Path(__file__).with_name("page.css")
FIGURES: tuple[Callable[[Recorded], str], ...] = (
    canary_share,
    ood_scores,
    ece_by_supplier,
    posture_lanes,
    review_thresholds,
    ledger_timeline,
)
INTRODUCTION = (
    "An insurer's model reads crash claims and proposes: deny, approve, or let a person look. A new version goes live"
    " step by step, and then claims arrive from offices that it has never seen. This page is the record of one run:"
    " real crash records, real processes and requests, and a clock turned by hand so that a week passes in minutes."
    " Every line below was checked against what that run did."
)
_HELD, _FAILED, _OPEN = ("✓", "held", "held"), ("✗", "failed", "failed"), ("–", "no claims", "open")
Mark = tuple[str, str, str]  # icon, word, class of the style sheet


def render(record: Record) -> str:
    """Return the page. Raises UsageError when a recorded series has rows of another shape than its figure draws."""
    body = (
        f"{_header(record.scenes)}<main>{_strip(record.scenes)}{_figures(record.series)}"
        f"{''.join(_scene(scene) for scene in record.scenes)}</main>"
    )
    return document(TITLE, STYLE + "\n" + LAYOUT.read_text(encoding="utf-8"), body)


def mark_of(claims: Sequence[Claim]) -> Mark:
    """Return how some claims went together: held only if there are some and all of them held."""
    if not claims:
        return _OPEN
    return _HELD if all(claim.held for claim in claims) else _FAILED


def _whole(scenes: Sequence[Scene]) -> Mark:
    """Return how the story went; a scene that checked nothing does not hide behind those that did."""
    worst = [mark_of(scene.claims) for scene in scenes]
    return next((mark for mark in (_FAILED, _OPEN) if mark in worst), _HELD if worst else _OPEN)


def _header(scenes: Sequence[Scene]) -> str:
    claims = [claim for scene in scenes for claim in scene.claims]
    icon, word, css = _whole(scenes)
    held = sum(claim.held for claim in claims)
    sentence = f"{held} of {len(claims)} claims held" if claims else "No claim was checked"
    silent = [str(scene.number) for scene in scenes if not scene.claims]
    more = f"; nothing was checked in scene {', '.join(silent)}" if silent else ""
    return (
        f'<header><h1>{clean(TITLE)}</h1><p class="summary {css}"><span class="icon" aria-hidden="true">{icon}</span>'
        f' <span><strong>{sentence}</strong> in {len(scenes)} scenes{more}<span class="unseen"> ({word})</span></span>'
        f'</p><p class="lead">{clean(INTRODUCTION)}</p></header>'
    )


def _strip(scenes: Sequence[Scene]) -> str:
    if not scenes:
        return '<p class="nothing">No scene was played.</p>'
    items = "".join(f'<li class="{mark_of(scene.claims)[2]}">{_step(scene)}</li>' for scene in scenes)
    return f'<nav aria-label="Scenes"><ol class="strip">{items}</ol></nav>'


def _step(scene: Scene) -> str:
    icon, word, _ = mark_of(scene.claims)
    held = sum(claim.held for claim in scene.claims)
    count = f" {held}/{len(scene.claims)}" if scene.claims else ""
    return (
        f'<a href="#scene-{scene.number}"><span class="step">{scene.number}</span>'
        f'<span class="title">{clean(scene.title)}</span>'
        f'<span class="verdict"><span class="icon" aria-hidden="true">{icon}</span> {word}{count}</span></a>'
    )


def _figures(series: Recorded) -> str:
    drawn = "".join(draw(series) for draw in FIGURES)
    return (
        f'<section id="figures" aria-labelledby="figures-title"><h2 id="figures-title">The week</h2>{drawn}</section>'
    )


def _scene(scene: Scene) -> str:
    number, (icon, word, css) = scene.number, mark_of(scene.claims)
    claims = "".join(_claim(claim) for claim in scene.claims)
    listed = f'<ul class="claims">{claims}</ul>' if claims else '<p class="nothing">This scene checked nothing.</p>'
    tables = "".join(table(caption, header, rows) for caption, header, rows in scene.tables)
    return (
        f'<section id="scene-{number}" class="scene {css}" aria-labelledby="title-{number}">'
        f'<h2 id="title-{number}"><span class="step">{number}</span> <span class="title">{clean(scene.title)}</span>'
        f' <span class="verdict"><span class="icon" aria-hidden="true">{icon}</span> {word}</span>'
        f' <span class="took">{scene.seconds:.1f} s</span></h2>{listed}{tables}</section>'
    )


def _claim(claim: Claim) -> str:
    icon, word, css = mark_of([claim])
    figure = f'<span class="figure">{clean(claim.figure)}</span>' if claim.figure else ""
    return (
        f'<li class="{css}"><span class="verdict"><span class="icon" aria-hidden="true">{icon}</span> {word}</span>'
        f'<span class="said">{clean(claim.text)}</span>{figure}</li>'
    )
