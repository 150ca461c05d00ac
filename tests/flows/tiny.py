"""A tiny real model repository: two numbers and a supplier, a logistic score in plain Python, every contract file.

In: a folder and a clock turned by hand. Out: a `Tiny` whose methods are the verbs of a release, through the flows that
the command line calls. Rows are synthetic, from one seed; the model knows the coefficients that made them, so that the
gate has something to pass. Version 2 carries a fault that no row of the data shows: it denies certain fast claims.
"""

from __future__ import annotations

import csv
import io
import math
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.contract.files.reader import read_manifest
from shipworthy.facts import Decision, Entry, Evidence, RolloutState, RuntimeState, Scope, digest
from shipworthy.flows import rollout
from shipworthy.flows.build import build
from shipworthy.flows.evaluate import evaluate
from shipworthy.flows.gate import Judged, judge
from shipworthy.flows.keys import new_keys
from shipworthy.flows.ledger import show
from shipworthy.flows.note import stamp_note
from shipworthy.flows.posture import state_of
from shipworthy.flows.ship import ship
from shipworthy.flows.sign import sign
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import HandClock

MODEL = "tiny-triage"
ROWS = {"train": 300, "calibration": 450, "test": 450}
SUPPLIERS = {"S1": -0.4, "S2": 0.0, "S3": 0.5}
TENANTS = ("acme", "birch")
FAULTY_AGE = 77  # in no row of the data: what version 2 does there, no offline evidence can show

MODEL_PY = '''"""A logistic score in plain Python."""

import json
import math
from pathlib import Path

KNOWN = json.loads((Path(__file__).parent / "weights.json").read_text())


def score(rows):
    return [answer(row) for row in rows]


def answer(row):
    speed = KNOWN["speed_mean"] if row["speed"] is None else row["speed"]
    age = KNOWN["age_mean"] if row["age"] is None else row["age"]
    sum_ = KNOWN["slope"] * (speed - KNOWN["speed_mean"]) + KNOWN["per_year"] * (age - KNOWN["age_mean"])
    sum_ += KNOWN["suppliers"].get(row["supplier"], KNOWN["unknown"])
    decision = "deny" if KNOWN["fault"] and age == KNOWN["fault"] and speed >= 12 else None
    return {"score": 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, sum_)))), "decision": decision}
'''
BUILD_PY = '''"""Write the artefact folder: the model's code and its weights."""

import json
import shutil
from pathlib import Path

out = Path("model")
out.mkdir(exist_ok=True)
shutil.copyfile("model.py", out / "model.py")
weights = json.loads(Path("training.json").read_text())
(out / "weights.json").write_text(json.dumps(weights, sort_keys=True) + "\\n")
print("wrote", out)
'''
WEIGHTS: dict[str, Any] = {
    "speed_mean": 10,
    "age_mean": 50,
    "slope": 0.5,
    "per_year": 0.04,
    "suppliers": SUPPLIERS,
    "unknown": 0,
    "fault": 0,
}
SLOS = """slos:
  - name: ood_recall_7d
    objective: "Detect distribution shift before harm."
    target: ">= 0.90"
    window: "7d"
    action_on_breach: "degrade_to_safe_mode"
  - name: decision_ece_7d
    objective: "Probabilities mean what they say."
    target: "<= 0.15"
    window: "7d"
    action_on_breach: "route_to_human_review"
  - name: never_event_violations
    objective: "Zero violations of policy-defined 'never events'."
    target: "== 0"
    window: "rolling"
    action_on_breach: "kill_switch"
  - name: ood_repeats
    objective: "Nobody is answered again and again where the machine is out of its depth."
    target: "== 0"
    window: "rolling"
    action_on_breach: "degrade_to_safe_mode"
  - name: error_rate
    objective: "The 0.5 decision is wrong no more often than people accept."
    target: "<= 0.30"
    window: "rolling"
    action_on_breach: "route_to_human_review"
    primary: true
    max_regression: 0.05
  - name: artefact_findings
    objective: "No file of the release can run code that nobody reviewed."
    target: "== 0"
    window: "rolling"
    action_on_breach: "kill_switch"
never_events:
  - {name: never_deny_fast, never: "decision == 'deny' and speed >= 12", scope: version}
"""
PACK = """pack: {version: 1, model: tiny-triage, seed: 7}
cases:
  - id: tail.fast
    clause: robustness
    kind: tail
    input: {rows: test, where: "speed >= 14"}
    oracle: {name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.2}
    severity: blocker
    owner: chidi
  - id: ood.months
    clause: monitoring
    kind: detector
    generator: {name: probe, probe: unit, dataset: test}
    oracle: {name: flagged, hits: "ood_flag", op: ">=", target: 0.9}
    severity: major
    owner: chidi
  - id: bias.old
    clause: alignment
    kind: bias
    input: {rows: test, where: "age >= 60"}
    oracle: {name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.25}
    severity: minor
    owner: ben
  - id: backdoor
    clause: systemic_safety
    kind: backdoor_data
    generator: {name: lift_scan}
    oracle: {name: findings, metric: backdoor_findings, op: "==", target: 0}
    severity: blocker
    owner: ben
"""
CARD = """---
license: apache-2.0
tags: [demo]
shipworthy:
  human_objective: Route risky claims to people without delaying the others.
  proxies:
    - {name: error rate, fails_when: probabilities drift while the 0.5 decision stays, guardrail_slo: decision_ece_7d}
---
# Tiny triage

Route risky claims to people without delaying the others.

<!-- shipworthy:evidence:begin -->
<!-- shipworthy:evidence:end -->
"""
NOTE = """---
change:
author: chidi
date: 2027-01-04
---
# Deliberation note

## Change
A first release: a logistic score over speed, age and supplier.

## Alternatives considered
Doing nothing, which keeps the delay.

## Who might be affected (non-users too)
Claimants and their families.

## Feedback that changed the plan
Ben asked for the supplier as a segment.

## Dissent
Nobody disagreed.

## How does this model behave on minority data sets?
Looked at by age: nobody above sixty fares worse.

## What is the fallback if the model fails?
Human review: people notice a wait.
"""
MANIFEST = """model: tiny-triage
version: "1"
stakes: standard
owner: chidi
adapter: {kind: python, entry: "model.py:score"}
build: [python, build.py]
code: [build.py, model.py, training.json]
features:
  - {name: speed, type: int, min: 0, max: 20}
  - {name: age, type: int, min: 0, max: 110, unit: years}
  - {name: supplier, type: category}
label: {column: label, matured_after: 1h}
unit: visit
tenant: tenant
segments: {keys: [{key: supplier, public: true}]}
review: {denied: 0.08, approved: 0.08, delta: 0.05, start_n: 60, buckets: [supplier]}
datasets:
  train: {path: data/rows.csv, where: "split == 'train'"}
  calibration: {path: data/rows.csv, where: "split == 'calibration'"}
  test: {path: data/rows.csv, where: "split == 'test'"}
data_sources:
  - name: rows
    origin: drawn from one seed
    licence: none needed
    consent: nobody is in it
    known_skews: none, by construction
    poisoning_checks: lift scan of training rows against the calibration rows
    file: data/rows.csv
    digest: DIGEST
people:
  - {id: ana, name: Ana, roles: [operator, sre], key: keys/ana.pub}
  - {id: ben, name: Ben, roles: [reviewer], key: keys/ben.pub}
  - {id: chidi, name: Chidi, roles: [ml], key: keys/chidi.pub}
  - {id: dana, name: Dana, roles: [operator, reviewer], key: keys/dana.pub}
issuers: {signing: keys/signing.pub, verdict: keys/verdict.pub}
rollout:
  salt: tiny
  stages:
    - {name: acme, share: 100, tenants: [acme], min_samples: 20, advance: sre}
    - {name: full, share: 100, tenants: ["*"], min_samples: 20, advance: auto}
fallback: human_review
kill_fallback: human_review
"""


@dataclass
class Tiny:
    """One working copy with its state directory. `at` holds `repo` and `home`."""

    at: Path
    clock: HandClock

    @property
    def root(self) -> Path:
        """The model repository."""
        return self.at / "repo"

    @property
    def workspace(self) -> Workspace:
        """The workspace over repository, state directory and clock."""
        return Workspace(root=self.root, home=self.at / "home", clock=self.clock)

    def copy(self, to: Path) -> Tiny:
        """Return a copy of everything, its clock showing the same time."""
        shutil.copytree(self.at, to)
        return Tiny(to, HandClock(self.clock()))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that occurs exactly once in a file of the repository."""
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, (file, old, text.count(old))
        path.write_text(text.replace(old, new))

    def build(self) -> dict[str, Any]:
        """Build the artefact folder."""
        return build(self.workspace, lambda _: None)

    def sign(self) -> Path:
        """Sign the artefact folder."""
        return sign(self.workspace, self.workspace.contract())

    def evaluate(self) -> Evidence:
        """Measure the built model."""
        return evaluate(self.workspace, lambda _: None)[0]

    def judge(self) -> Judged:
        """Ask the gate."""
        return judge(self.workspace)

    def prepare(self) -> None:
        """Stamp the note, build, sign and evaluate: all the gate needs."""
        stamp_note(self.root)
        self.build()
        self.sign()
        self.evaluate()

    def release(self, version: str, **weights: object) -> None:
        """Prepare another version for the gate, with other weights."""
        before = read_manifest(self.root).version
        if before != version:
            self.edit("shipworthy.yaml", f'version: "{before}"', f'version: "{version}"')
        self.weigh(**weights)
        self.prepare()

    def ship(self) -> None:
        """Ship what must pass the gate."""
        verdict = ship(self.workspace).verdict
        assert verdict.decision is Decision.SHIP, (verdict.blocks, verdict.judgements)

    def start(self, version: str) -> RolloutState:
        """Start the rollout of a shipped version, as ana."""
        return rollout.start(self.workspace, version, "ana")

    def weigh(self, **weights: object) -> None:
        """Change the weights that the next build writes."""
        path = self.root / "training.json"
        known = msgspec.json.decode(path.read_bytes())
        path.write_bytes(msgspec.json.format(msgspec.json.encode({**known, **weights}), indent=1) + b"\n")

    def scope(self, version: str = "*", tenant: str = "*", segment: str = "*") -> Scope:
        """Return a scope of this model."""
        return Scope(model=MODEL, version=version, tenant=tenant, segment=segment)

    def entries(self) -> list[Entry]:
        """Return the ledger."""
        return show(self.workspace)

    def kinds(self) -> list[str]:
        """Return the kinds of all ledger entries."""
        return [entry.kind for entry in self.entries()]

    def state(self) -> RuntimeState:
        """Return what holds."""
        return state_of(self.workspace)

    def rollout(self) -> RolloutState:
        """Return the rollout of the moment."""
        found = rollout.current(self.workspace)
        assert found is not None
        return found


def write_tiny(at: Path) -> Tiny:
    """Write the repository as its authors would, make the keys, and stop before the first build."""
    tiny = Tiny(at, HandClock())
    rows = rows_csv().encode()
    files: dict[str, str | bytes] = {
        "shipworthy.yaml": MANIFEST.replace("DIGEST", digest(rows)),
        "safety-slos.yaml": SLOS,
        "robustness-pack.yaml": PACK,
        "MODEL_CARD.md": CARD,
        "deliberation-note.md": NOTE,
        "model.py": MODEL_PY,
        "build.py": BUILD_PY,
        "training.json": msgspec.json.encode(WEIGHTS),
        "data/rows.csv": rows,
    }
    for name, content in files.items():
        path = tiny.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    new_keys(tiny.workspace, read_manifest(tiny.root))
    return tiny


def rows_csv(seed: int = 20270104) -> str:
    """Return the rows of all splits; two rows in three share their visit with no other."""
    drawn = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["split", "visit", "tenant", "supplier", "speed", "age", "label"])
    for split, n in ROWS.items():
        for index in range(n):
            writer.writerow([split, f"{split}-{index - index % 3 // 2}", *_one(drawn)])
    return text.getvalue()


def _one(drawn: random.Random) -> list[object]:
    supplier = drawn.choice(list(SUPPLIERS))
    speed, age = drawn.randint(0, 20), drawn.choice([age for age in range(20, 91) if age != FAULTY_AGE])
    logit = 0.5 * (speed - 10) + 0.04 * (age - 50) + SUPPLIERS[supplier]
    label = int(drawn.random() < 1.0 / (1.0 + math.exp(-logit)))
    return [drawn.choice(TENANTS), supplier, speed, age, label]
