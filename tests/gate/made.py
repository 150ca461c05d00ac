"""One verdict made by hand, red in every way and with hostile text in it, and the contract files it points into."""

from __future__ import annotations

from typing import Any

import msgspec

from shipworthy.contract.places import Places, find_places
from shipworthy.facts import Block, Decision, Judgement, Outcome, Subject, Verdict
from shipworthy.gate.side_by_side import Line
from shipworthy.gate.table import Row

D = "sha256:" + "0" * 64
HOSTILE = 'a|b <b>x</b> @ana/team #12 `c` [l](u) \n::error::out\r\x1b[31m\u202e "q" \' & 100% \ud800 ://x *y* a:b, ]]>'
SLOS = """# objectives
slos:
  - name: error_rate
    objective: few errors
    target: "<= 0.3"
  - objective: none unsafe
    name: artefact_findings   
    target: "== 0"
  - {name: naïve_rate, target: "<= 0.1"}
never_events:
  - {name: never_deny_fast, never: "decision == 'deny'"}
"""
PACK = """cases:
  - id: tail.fast
    clause: robustness
  - kind: tail
    id: tail.slow
"""
MANIFEST = 'model: m\nversion: "2"\n'
NOTE = "---\nchange:\n---\n# Note\n"


def places() -> Places:
    """Return the places in the files above."""
    files = {
        "safety-slos.yaml": SLOS,
        "robustness-pack.yaml": PACK,
        "shipworthy.yaml": MANIFEST,
        "deliberation-note.md": NOTE,
    }
    return find_places({name: text.encode() for name, text in files.items()})


def row(name: str, outcome: Outcome, **more: Any) -> Row:
    """Return one line of the table."""
    told: dict[str, Any] = {
        "clause": "robustness", "name": name, "segment": "*", "value": "0.200 [0.180, 0.220]", "n": "1000",
        "target": "<= 0.3", "against": "", "was": "", "outcome": outcome, "deciding": True,
        "because": "0.2 [0.18, 0.22] n=1000", "mend": "" if outcome is Outcome.MET else "a better candidate",
    }  # fmt: skip
    return Row(**(told | more))


def rows() -> tuple[Row, ...]:
    """Return a table with every kind of row."""
    return (
        row("error_rate", Outcome.MET),
        row("error_rate", Outcome.BREACHED, segment="supplier=S1", against="+0.1 [0.05, 0.2] n=50 (McNemar)"),
        row("naïve_rate", Outcome.UNDECIDED, because=HOSTILE, mend="120 more samples, if the rate stays"),
        row("case:tail.slow", Outcome.NO_DATA, because="did not run", value="", n=""),
        row("case:tail.fast", Outcome.BREACHED, deciding=False, because="3 of 40", mend=""),
        row("artefact_findings", Outcome.BREACHED, clause="systemic_safety", value="1", because="1 file"),
        row("ood_repeats", Outcome.NO_DATA, clause="monitoring", deciding=False, because="not judged at the gate"),
    )


def beside() -> tuple[Line, ...]:
    """Return a table of accuracy and security, with hostile text in it."""
    told = {"n": "1000", "value": "0.2", "bound": "[0.180, 0.220]", "target": "<= 0.3", "outcome": "met", "seed": "7"}
    return (
        Line(about="accuracy", what="error_rate", **told),
        Line(about="security", what="artefact_findings", **(told | {"bound": "", "value": "1", "outcome": "breached"})),
        Line(about="security", what="case:a|b @ana/team\n::error::x", **(told | {"outcome": "not asked"})),
    )


def verdict(decision: Decision = Decision.BLOCKED, **changes: Any) -> Verdict:
    """Return a verdict with blocks, warnings and what is not claimed."""
    subject = Subject(model="m", version='2 "x"', artefact=D, change=D, policy=D, pack=D, data=D, profile=D)
    told: dict[str, Any] = {
        "subject": subject,
        "baseline": "sha256:" + "b" * 64,
        "judgements": (Judgement(slo="error_rate", segment="*", outcome=Outcome.MET, because="0.2"),),
        "decision": decision,
        "first": False,
        "policy_changes": ("slo error_rate: target <= 0.3 → <= 0.4 (allowed by 0001-x)",),
        "blocks": (
            Block(name="contract", because="deliberation-note.md:2: of another change", fix="stamp it", exit_code=4),
            Block(name="loosened", because="slo artefact_findings: target", fix="record a decision", exit_code=1),
            Block(name="loosened", because="never event never_deny_fast: removed", fix="record it", exit_code=1),
            Block(name="signature", because="missing", fix="run `shipworthy sign`", exit_code=4),
        ),
        "warnings": ("no threat model: write one",),
        "not_claimed": ("review quorum",),
    }
    return Verdict(**(told | changes))


def good() -> tuple[Verdict, tuple[Row, ...]]:
    """Return a verdict to ship and its table."""
    shipped = verdict(Decision.SHIP, blocks=(), warnings=(), not_claimed=(), policy_changes=())
    return shipped, (row("error_rate", Outcome.MET),)


def many(n: int) -> tuple[Row, ...]:
    """Return n red rows, each as long as a row can get."""
    one = row("error_rate", Outcome.BREACHED, because="x" * 2000, mend="y" * 2000)
    return tuple(msgspec.structs.replace(one, segment=f"supplier=S{index}") for index in range(n))
