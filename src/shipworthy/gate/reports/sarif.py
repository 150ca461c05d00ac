"""SARIF 2.1.0 (OASIS, errata 01) in the profile of GitHub code scanning.

What that profile asks beyond the standard: relative URIs, a region with all four numbers, no empty texts, help for each
rule, a fingerprint of our own, at most 5,000 results (more are not shown). `security-severity` makes a rule a security
alert: only for files that would run code; a breached SLO has a `problem.severity`. The id of the run is
`category/run`, so that the alerts of one model replace each other and not those of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from shipworthy.facts import Verdict
from shipworthy.gate.reports.findings import Finding
from shipworthy.gate.reports.fingerprint import line_hashes
from shipworthy.gate.verdict import exit_code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SHOWN = 5_000
CODE_RUNS = "9.8"  # CVSS 3.1 AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H: whoever wrote the file runs code where it is opened
_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}


def render(verdict: Verdict, found: Sequence[Finding], texts: Mapping[str, str], version: str, prefix: str = "") -> str:
    """Return the log. `texts` are the files that findings point into; `prefix` leads to them from the checkout."""
    shown = found[:SHOWN]
    first = {one.rule: one for one in reversed(shown)}
    rules = {rule: index for index, rule in enumerate(dict.fromkeys(one.rule for one in shown))}
    hashes = {file: line_hashes(texts.get(file, "")) for file in {one.place.file for one in shown}}
    run = {
        "tool": {
            "driver": {
                "name": "Shipworthy",
                "semanticVersion": version,
                "rules": [_rule(first[rule]) for rule in rules],
            }
        },
        "automationDetails": {"id": f"shipworthy/{quote(verdict.subject.model)}/{quote(verdict.subject.artefact)}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(verdict, len(found) - len(shown))],
        "results": [_result(one, rules[one.rule], hashes[one.place.file], prefix) for one in shown],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log, order="deterministic"), indent=2).decode() + "\n"


def _invocation(verdict: Verdict, left: int) -> dict[str, Any]:
    told: dict[str, Any] = {"executionSuccessful": True, "exitCode": exit_code(verdict)}
    if left:
        text = f"{left} more findings are left out: the JSON report has them all"
        told["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return told


def _rule(one: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {"problem.severity": _SEVERITY[one.level], "tags": ["model-safety"]}
    if one.unsafe:
        properties = {"security-severity": CODE_RUNS, "tags": ["model-safety", "security"]}
    kind, _, name = one.rule.partition("/")
    about = {"slo": f"The SLO {name}", "case": f"The pack case {name}"}.get(kind, f"The gate: {name}")
    return {
        "id": one.rule,
        "name": one.rule,
        "shortDescription": {"text": about},
        "fullDescription": {"text": f"{about} is not proven good, and the gate ships only what is proven good."},
        "help": {"text": one.fix or "See what the finding says."},
        "defaultConfiguration": {"level": one.level},
        "properties": properties,
    }


def _result(one: Finding, index: int, hashes: Sequence[str], prefix: str) -> dict[str, Any]:
    place = one.place
    return {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.level,
        "message": {"text": one.text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(prefix + place.file), "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": place.line,
                        "startColumn": place.column,
                        "endLine": place.line,
                        "endColumn": max(place.end_column, place.column),
                    },
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(one, hashes)},
    }


def _fingerprint(one: Finding, hashes: Sequence[str]) -> str:
    """GitHub's own for the whole traffic; another name per segment, and per text where one rule says many things."""
    line = hashes[min(one.place.line, len(hashes)) - 1]
    if one.rule.startswith("gate/"):
        return f"{line}:{_short(one.message)}"
    return line if one.segment == "*" else f"{line}:{_short(one.segment)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
