"""`MODEL_CARD.md`: the human objective first, then the proxies and the SLO that would catch each one's
over-optimisation.

In: the card's text and the names of the SLOs and never events. Out: a `Card`, or every fault with its line. Hugging
Face keys of the front matter are free; ours live under the one key `shipworthy:` and are strict. `write_evidence`
replaces only what stands between the markers: the prose around them is the author's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shipworthy.contract.convert import convert
from shipworthy.contract.front_matter import Document, read_document, thoughtless, visible
from shipworthy.contract.problems import Findings, Problem, did_you_mean
from shipworthy.contract.strict_yaml import Reading
from shipworthy.errors import ContractError
from shipworthy.facts import Fact

FILE = "MODEL_CARD.md"
BEGIN = "<!-- shipworthy:evidence:begin -->"
END = "<!-- shipworthy:evidence:end -->"
OBJECTIVE = "Say in one sentence what people want from this model."
FAILS_WHEN = "Say how this number can look good while people do not get what they want."
_KEY = "shipworthy"
_SKIPPED = re.compile(r"\s*(#|\[!|!\[|<|\||---|===)")  # headings, badges, pictures, raw HTML, tables, rules


class Proxy(Fact, frozen=True, kw_only=True):
    """A number that is optimised in place of the objective, how it fails when pushed, and the SLO that would see it."""

    name: str
    fails_when: str
    guardrail_slo: str


class Card(Fact, frozen=True, kw_only=True):
    """Our part of the card's front matter."""

    human_objective: str
    proxies: tuple[Proxy, ...]
    never_events: tuple[str, ...] = ()
    fallback: str | None = None
    minority_behaviour: str | None = None
    threat_model: str | None = None
    note: str | None = None
    bom: str | None = None


def read_card(
    source: str | bytes,
    file: str = FILE,
    slos: Iterable[str] | None = None,
    never_events: Iterable[str] | None = None,
) -> tuple[Card | None, tuple[Problem, ...]]:
    """Return the card, or None with every fault. `slos`, `never_events` = None when the policy could not be read."""
    document = read_document(source, file)
    body = Findings(file, document.front.marks)
    _markers(document, body)
    if not document.front.whole:
        return None, document.front.problems
    ours = _ours(document.front, body)
    if ours is None:
        return None, Findings(file, earlier=document.front.problems + body.problems).problems
    card, problems = convert(ours, Card)
    if card is not None:
        _rules(card, document, body)
        _names(card, slos, never_events, body)
    together = Findings(file, earlier=problems + body.problems).problems
    return (None if together else card), together


def template(model: str, version: str, proxies: Iterable[tuple[str, str]]) -> str:
    """Return a card to be filled in; refused as it stands. `proxies`: (name, SLO that sees its over-optimisation)."""
    told = "".join(
        f"    - name: {name}\n      fails_when: {FAILS_WHEN}\n      guardrail_slo: {slo}\n" for name, slo in proxies
    )
    return f"""---
tags: [tabular-classification, shipworthy]
shipworthy:
  human_objective: {OBJECTIVE}
  proxies:
{told}---
# {model}, version {version}

{OBJECTIVE}

## Intended use

<!-- For whom, for which decision, and what it must not be used for. -->

## Evidence

{BEGIN}
{END}

## Limits and known biases

<!-- What the numbers above do not show, and who bears it. -->
"""


def write_evidence(text: str, markdown: str) -> str:
    """Return the card with `markdown` between the markers and every other byte as it was.

    Raises ContractError when the markers are not there once each and in order, or when `markdown` holds one.
    """
    if BEGIN in markdown or END in markdown:
        raise ContractError("the evidence holds a marker", FILE, "remove it from the evidence")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ContractError("no place for the evidence", FILE, f"add one {BEGIN} and, below it, one {END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    line_end = "\r\n" if "\r\n" in before + after else "\n"
    inner = re.sub(r"\r\n?", "\n", markdown).strip("\n").replace("\n", line_end)
    return f"{before}{BEGIN}{line_end}{inner}{line_end if inner else ''}{END}{after}"


def _ours(front: Reading, found: Findings) -> Reading | None:
    if not isinstance(front.value, dict) or _KEY not in front.value:
        found.add((), f"missing key {_KEY}", f"add `{_KEY}:` with human_objective and proxies")
        return None
    depth = {path[1:]: mark for path, mark in front.marks.items() if path[:1] == (_KEY,)}
    return Reading(front.file, front.value[_KEY], depth, front.problems)


def _rules(card: Card, document: Document, found: Findings) -> None:
    objective = _sentence(card.human_objective)
    first, line = _first_words(document)
    if why := thoughtless(card.human_objective, OBJECTIVE):
        found.add((_KEY, "human_objective"), f"the human objective {why}", "say in one sentence what people want")
    elif not (first == objective or first.startswith((f"{objective}.", f"{objective}!", f"{objective}?"))):
        told = f"the first sentence of the body is not the human objective: {first[:80]!r}"
        found.at(line, told, f"begin the body with: {objective}.")
    if not card.proxies:
        found.add((_KEY, "proxies"), "no proxy", "name what is optimised in place of the objective, and how it fails")
    for index, proxy in enumerate(card.proxies):
        if not proxy.name.strip():
            found.add((_KEY, "proxies", index, "name"), "a proxy without words", "say what is optimised")
        if why := thoughtless(proxy.fails_when, FAILS_WHEN):
            told = f"proxy {proxy.name!r}: fails_when {why}"
            found.add((_KEY, "proxies", index, "fails_when"), told, "say how it fails when it is over-optimised")


def _names(card: Card, slos: Iterable[str] | None, never_events: Iterable[str] | None, found: Findings) -> None:
    known = None if slos is None else frozenset(slos)
    for index, proxy in enumerate(card.proxies):
        if known is not None and proxy.guardrail_slo not in known:
            told = f"proxy {proxy.name!r}: no SLO is named {proxy.guardrail_slo!r}"
            found.add((_KEY, "proxies", index, "guardrail_slo"), told, did_you_mean(proxy.guardrail_slo, known))
    events = None if never_events is None else frozenset(never_events)
    for index, event in enumerate(card.never_events):
        if events is not None and event not in events:
            found.add((_KEY, "never_events", index), f"no never event is named {event!r}", did_you_mean(event, events))


def _markers(document: Document, found: Findings) -> None:
    body = document.body
    if body.count(BEGIN) == body.count(END) == 1 and body.index(BEGIN) < body.index(END):
        return
    found.at(document.body_line, "no place for the evidence", f"add one {BEGIN} and, below it, one {END}")


def _first_words(document: Document) -> tuple[str, int]:
    """Return the first paragraph that is prose, on one line, and the line it begins on."""
    words: list[str] = []
    line = document.body_line
    for at, text in enumerate(visible(document.body).split("\n")):
        if words and not text.strip():
            break
        if not words and (not text.strip() or _SKIPPED.match(text)):
            continue
        line = line if words else document.body_line + at
        words += text.replace("*", "").replace("> ", "").split()
    return " ".join(words), line


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".!? ")
