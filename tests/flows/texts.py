"""A real repository of a text classifier: TF-IDF and logistic regression out of a skops file, every contract file.

In: a folder. Out: a `Tiny` over it, before its first build. The build command trains on the messages of the split
`train`; label 1 is a genuine message.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from shipworthy.contract.files.reader import read_manifest
from shipworthy.flows.keys import new_keys
from shipworthy.testing.clock import HandClock
from tests.flows.tiny import CARD, NOTE, Tiny
from tests.messages import messages

ROWS = {"train": 400, "calibration": 500, "test": 500}
TRAIN_PY = '''"""Train the model of messages: python train.py"""

import csv
from pathlib import Path

import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

with open("data/messages.csv", newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
texts, truth = [row["text"] for row in rows], [int(row["label"]) for row in rows]
model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=4.0)).fit(texts, truth)
Path("model").mkdir(exist_ok=True)
skops.io.dump(model, "model/model.skops")
'''
MANIFEST = """model: screen
version: "1"
stakes: low
owner: chidi
adapter: {kind: sklearn, file: model.skops}
build: [python, train.py]
code: [train.py, data/messages.csv]
features:
  - {name: text, type: text, max: 2000, mutable: "yes"}
label: {column: label, matured_after: 1h}
decisions: {deny: deny, approve: approve, review: review}
unit: customer
review: {denied: 0.15, approved: 0.15, delta: 0.05, start_n: 60}
segments: {keys: [{key: agent, public: true}]}
datasets:
  train: {path: data/messages.csv, where: "split == 'train'"}
  calibration: {path: data/messages.csv, where: "split == 'calibration'"}
  test: {path: data/messages.csv, where: "split == 'test'"}
people:
  - {id: ana, name: Ana, roles: [operator, sre], key: keys/ana.pub}
  - {id: ben, name: Ben, roles: [reviewer], key: keys/ben.pub}
  - {id: chidi, name: Chidi, roles: [ml], key: keys/chidi.pub}
issuers: {signing: keys/signing.pub, verdict: keys/verdict.pub}
fallback: human_review
kill_fallback: human_review
"""
SLOS = """slos:
  - name: decision_ece_7d
    objective: "Probabilities mean what they say."
    target: "<= 0.20"
    window: "7d"
    action_on_breach: "route_to_human_review"
  - name: error_rate
    objective: "The 0.5 decision is wrong no more often than people accept."
    target: "<= 0.20"
    window: "rolling"
    action_on_breach: "route_to_human_review"
    primary: true
    max_regression: 0.05
  - name: ood_recall_7d
    objective: "Detect texts unlike those of training before harm."
    target: ">= 0.90"
    window: "7d"
    action_on_breach: "degrade_to_safe_mode"
  - name: artefact_findings
    objective: "No file of the release can run code that nobody reviewed."
    target: "== 0"
    window: "rolling"
    action_on_breach: "kill_switch"
never_events:
  - {name: never_approve_card_now, never: "decision == 'approve' and text == 'confirm your card now'", scope: version}
"""
PACK = """pack: {version: 1, model: screen, seed: 7}
cases:
  - id: text.typos
    clause: robustness
    kind: metamorphic
    generator: {name: text_invariance, field: text, change: typo, tolerance: 0.35}
    oracle: {name: moved, metric: changed, op: "<=", target: 0.5}
    severity: minor
    owner: chidi
  - id: text.flips
    clause: robustness
    kind: adversarial
    generator: {name: text_flip, n: 60, keep: ["P-[0-9]+"]}
    oracle: {name: flipped, metric: text_flip_rate, op: "<=", target: 0.95}
    severity: minor
    owner: chidi
  - id: redteam.remark
    clause: systemic_safety
    kind: redteam
    generator: {name: surface, field: remark}
    oracle: {name: moved, metric: changed, op: "<=", target: 0.05}
    severity: blocker
    owner: ben
  - id: tail.agent
    clause: alignment
    kind: bias
    input: {rows: test, where: "agent == 'Anna'"}
    oracle: {name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.5}
    severity: minor
    owner: ben
  - id: ood.garbled
    clause: monitoring
    kind: detector
    generator: {name: probe, probe: unseen, dataset: test, sample: 200}
    oracle: {name: flagged, hits: "ood_flag", op: ">=", target: 0.9}
    severity: major
    owner: chidi
  - id: backdoor
    clause: systemic_safety
    kind: backdoor_data
    generator: {name: lift_scan}
    oracle: {name: findings, metric: backdoor_findings, op: "==", target: 0}
    severity: minor
    owner: ben
"""


def write_texts(at: Path) -> Tiny:
    """Write the repository as its authors would, make the keys, and stop before the first build."""
    texts = Tiny(at, HandClock())
    files = {
        "shipworthy.yaml": MANIFEST,
        "safety-slos.yaml": SLOS,
        "robustness-pack.yaml": PACK,
        "MODEL_CARD.md": CARD,
        "deliberation-note.md": NOTE.replace(
            "Looked at by age: nobody above sixty", "Looked at by agent: nobody of them"
        ),
        "train.py": TRAIN_PY,
        "data/messages.csv": table(),
    }
    for name, content in files.items():
        path = texts.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    new_keys(texts.workspace, read_manifest(texts.root))
    return texts


def table() -> str:
    """Return the messages of all splits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["split", "customer", "agent", "text", "label"])
    for seed, (split, n) in enumerate(ROWS.items(), start=11):
        for row in messages(n, seed):
            writer.writerow([split, f"{split}-{row['customer']}", row["agent"], row["text"], row["label"]])
    return text.getvalue()
