"""A small model repository to read, and a way to change one thing in it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from shipworthy.contract import note
from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_change, read_contract

MISSION_SLOS = b"""# safety-slos.yaml
slos:
  - name: ood_recall_7d
    objective: "Detect distribution shift before harm."
    target: ">= 0.90"
    window: "7d"
    action_on_breach: "degrade_to_safe_mode"
  - name: decision_ece_p95_24h
    objective: "Keep calibration error low on high-impact endpoints."
    target: "<= 0.05"
    window: "24h"
    action_on_breach: "route_to_human_review"
  - name: never_event_violations
    objective: "Zero violations of policy-defined 'never events'."
    target: "== 0"
    window: "rolling"
    action_on_breach: "kill_switch"
"""
NEVER = """never_events:
  - {name: never_deny_unsure, never: "decision == 'deny' and uncertainty > 0.30"}
"""
CARD = """---
license: apache-2.0
tags: [demo]
shipworthy:
  human_objective: Route risky claims to experts.
  proxies:
    - {name: AUROC, fails_when: ranking stays good while probabilities drift, guardrail_slo: decision_ece_p95_24h}
---
# Demo

Route risky claims to experts.

<!-- shipworthy:evidence:begin -->
<!-- shipworthy:evidence:end -->
"""
NOTE = """---
change:
author: ana
date: 2026-11-02
---
# Deliberation note

## Change
First release of the demo.

## Alternatives considered
Doing nothing, which keeps the delay.

## Who might be affected (non-users too)
Claimants and their families.

## Feedback that changed the plan
Ben asked for the office as a segment.

## Dissent
Nobody disagreed.

## How does this model behave on minority data sets?
Looked at by age: the bound for 75 and more is wide.

## What is the fallback if the model fails?
Human review: people notice a wait.
"""
DATA = b"age,office,label,split\n40,P1,0,test\n80,P2,1,test\n"
PACK = """pack: {version: 1, model: demo, seed: 7}
cases:
  - id: tail.old
    clause: robustness
    kind: tail
    input: {rows: test, where: "age >= 75"}
    oracle: {name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.2}
    severity: blocker
    owner: ana
  - id: ood.unit
    clause: monitoring
    kind: detector
    generator: {name: probe, probe: unit, dataset: test}
    oracle: {name: flagged, hits: "ood_flag", op: ">=", target: 0.9}
    severity: major
    owner: ana
  - id: bias.office
    clause: alignment
    kind: bias
    input: {rows: cases/office.csv}
    oracle: {name: denied, hits: "decision == 'deny'", op: "<=", target: 0.2}
    segment: {office: [P2, P1]}
    severity: minor
    owner: ben
  - id: backdoor
    clause: systemic_safety
    kind: backdoor_data
    generator: {name: lift_scan, suspect: test}
    oracle: {name: findings, metric: backdoor_findings, op: "==", target: 0}
    severity: blocker
    owner: ben
"""
RECORD = """---
status: accepted
date: 2026-11-03
kind: safety-review
decision-makers: [ana, ben]
dissent: [{who: ben, point: the office is a poor stand-in}]
---
# Experts only for P9

## Context and Problem Statement
Office P9 is new.

## Decision Outcome
People decide there.
"""
THREATS = """schema: shipworthy/threat-model@1
model: demo
created: 2026-11-02T09:00:00Z
assets: [{id: A1, kind: training-data}]
threats:
  - {id: T1, asset: A1, likelihood: 2, impact: 5, treatment: test, bound_to: ["case:backdoor"]}
"""


def ssh_key(seed: int, comment: str = "") -> str:
    """Return an OpenSSH line of a key that nobody holds."""
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + hashlib.sha256(bytes([seed])).digest()
    return f"ssh-ed25519 {base64.b64encode(raw).decode()} {comment}".strip() + "\n"


def pem_key(seed: int) -> str:
    """Return a PEM block that looks like a public key."""
    raw = hashlib.sha512(bytes([seed])).digest()[:44]
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(raw).decode()}\n-----END PUBLIC KEY-----\n"


def manifest(stakes: str = "low", more: str = "") -> str:
    """Return a manifest; `more` is added below."""
    return f"""model: demo
version: "1"
stakes: {stakes}
owner: ana
adapter: {{kind: sklearn}}
code: [train.py]
features:
  - {{name: age, type: int, min: 0, max: 110, unit: years, bins: [25, 75], protected: true}}
  - {{name: office, type: category, accepted: [P1, P2]}}
label: {{column: label}}
issuers: {{signing: keys/signing.pub, verdict: keys/verdict.pub}}
people:
  - {{id: ana, name: Ana, roles: [operator, ml], key: keys/ana.pub}}
  - {{id: ben, name: Ben, roles: [reviewer], key: keys/ben.pub}}
segments: {{keys: [{{key: office, public: true}}]}}
datasets:
  test: {{path: data/rows.csv, where: "split == 'test'"}}
{more}"""


def standard(stakes: str = "standard") -> str:
    """Return what a manifest needs beyond the least, from standard stakes on."""
    return manifest(
        stakes,
        f"""data_sources:
  - name: rows
    origin: made here
    licence: none needed
    consent: nobody is in it
    known_skews: two rows
    poisoning_checks: read by eye
    file: data/rows.csv
    digest: sha256:{hashlib.sha256(DATA).hexdigest()}
fallback: human_review
scope_limits:
  - {{name: new-office, segment: "office=P9", posture: human_review, decision: docs/decisions/0001-new-office.md}}
""",
    )


def files(stakes: str = "low") -> dict[str, str | bytes]:
    """Return the files of a repository that reads without a fault once the note is stamped."""
    least: dict[str, str | bytes] = {
        "shipworthy.yaml": manifest(),
        "MODEL_CARD.md": CARD,
        "deliberation-note.md": NOTE,
        "safety-slos.yaml": MISSION_SLOS,
        "train.py": "print('training')\n",
        "data/rows.csv": DATA,
        "keys/signing.pub": pem_key(1),
        "keys/verdict.pub": pem_key(2),
        "keys/ana.pub": ssh_key(3),
        "keys/ben.pub": ssh_key(4),
    }
    if stakes == "low":
        return least
    return least | {
        "shipworthy.yaml": standard(stakes),
        "safety-slos.yaml": MISSION_SLOS.decode() + NEVER,
        "robustness-pack.yaml": PACK,
        "cases/office.csv": "age,office,label\n30,P1,0\n",
        "docs/decisions/0001-new-office.md": RECORD,
        "threat-model.yaml": THREATS,
    }


def write(root: Path, contents: dict[str, str | bytes]) -> Path:
    """Write files below `root`."""
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def stamp(root: Path) -> None:
    """Stamp the note with the change as it stands."""
    change, problems = read_change(root)
    assert change is not None, problems
    path = root / note.FILE
    path.write_bytes(note.stamp(path.read_bytes().decode(), change).encode())


def whole(root: Path, stakes: str = "standard", **changed: str | bytes) -> Contract:
    """Write, stamp and read a repository that must be without a fault; `changed`: pack, slos, manifest."""
    contents = files(stakes)
    short = {"pack": "robustness-pack.yaml", "slos": "safety-slos.yaml", "manifest": "shipworthy.yaml"}
    write(root, contents | {short[key]: value for key, value in changed.items()})
    stamp(root)
    contract, problems = read_contract(root)
    assert contract is not None, [str(problem) for problem in problems]
    assert not problems
    return contract
