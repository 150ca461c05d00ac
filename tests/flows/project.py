"""A project as it is before it meets Shipworthy: a table, a training script, a model, and no contract.

In: a folder. Out: the project, with or without a training script. Two thousand customers, drawn from one seed; a
logistic regression tells who leaves.
"""

from __future__ import annotations

import csv
import io
import math
import random
import subprocess
import sys
from pathlib import Path

from shipworthy.flows.init import Begun, begin
from shipworthy.flows.survey import Told
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import HandClock

TABLE = "data/customers.csv"
TRAIN_PY = '''"""Train the churn model: python train.py"""

import csv
from pathlib import Path

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features import INPUTS

TABLE = "data/customers.csv"


def main():
    with open(TABLE, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    values = np.array([[float(row[name]) for name in INPUTS] for row in rows])
    truth = np.array([int(row["churned"]) for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, truth)
    Path("model").mkdir(exist_ok=True)
    skops.io.dump(model, "model/churn.skops")


if __name__ == "__main__":
    main()
'''
FEATURES_PY = 'INPUTS = ["age", "tenure_months", "monthly_spend", "tickets", "annual_plan"]\n'


CHURN = Told(owner="mina", stakes="low", label="churned")


def started(root: Path, told: Told = CHURN, **more: bool | str) -> Begun:
    workspace = Workspace(root=root, home=root / ".shipworthy" / "state", clock=HandClock())
    return begin(workspace, told, **more)  # type: ignore[arg-type]


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def write_project(root: Path, split: bool = True) -> Path:
    """Write the project as it stands on its author's disk."""
    texts = {
        "train.py": TRAIN_PY,
        "features.py": FEATURES_PY,
        "requirements.txt": "numpy\nscikit-learn\nskops\n",
        "README.md": "# churn\n\nWho will leave?\n",
        ".gitignore": "__pycache__/",
        TABLE: table(split),
    }
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write_trained(root: Path) -> Path:
    """Write a project of which only the model and the table are left: it was trained before anybody asked."""
    write_project(root)
    subprocess.run([sys.executable, "train.py"], cwd=root, check=True, capture_output=True, timeout=60)
    for name in ("train.py", "features.py", "requirements.txt"):
        (root / name).unlink()
    return root


def table(split: bool = True, n: int = 2000, seed: int = 5) -> str:
    """Return the customers. Of ten rows six were trained on, in no order."""
    drawn = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["customer_id", "age", "tenure_months", "monthly_spend", "tickets", "annual_plan", "remark", "churned"]
    writer.writerow([*head, *(["split"] if split else [])])
    for number in range(n):
        row = _one(drawn)
        part = "train" if drawn.random() < 0.6 else "test"
        writer.writerow([f"C{number:05d}", *row[:-1], f"note {number}", row[-1], *([part] if split else [])])
    return text.getvalue()


def _one(drawn: random.Random) -> list[object]:
    age, tenure = drawn.randint(18, 84), drawn.randint(0, 120)
    spend, tickets = round(drawn.uniform(5, 95), 2), min(9, int(drawn.expovariate(0.6)))
    annual = int(drawn.random() < 0.4)
    logit = 1.6 - 0.035 * tenure + 0.9 * tickets - 1.8 * annual + 0.01 * (spend - 50) - 0.01 * (age - 50)
    return [age, tenure, spend, tickets, annual, int(drawn.random() < 1.0 / (1.0 + math.exp(-logit)))]


def with_twins(project: Path) -> None:
    """Two rows a customer."""
    head, *lines = (project / TABLE).read_text().splitlines()
    twins = [f"C{at // 2:05d},{line.partition(',')[2]}" for at, line in enumerate(lines)]
    (project / TABLE).write_text("\n".join([head, *twins, ""]))
