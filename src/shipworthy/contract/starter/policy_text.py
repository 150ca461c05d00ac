"""The text of a first `safety-slos.yaml`: one promise or two a clause, with targets that a model can fail.

In: the manifest and the labelled rows that will judge the model. Out: YAML. Where a target has to come from somewhere
it comes from the data: a model must be proven better than always giving the commoner answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shipworthy.contract import slos
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.schema_files import editor_line
from shipworthy.contract.starter.columns import Row
from shipworthy.contract.starter.manifest_text import MOST_UNCERTAIN, NEVER

GUARDRAIL = "decision_ece_7d"
PROXIES = (("error rate at 0.5", GUARDRAIL),)
LEAST_SHARE = 0.2  # below it, always giving the commoner answer is hard to beat on errors alone: the ranking is judged


def policy_text(manifest: Manifest, rows: Sequence[Row]) -> str:
    """Return the text of the policy. `rows` are those of the dataset test."""
    share = rarer_share(manifest, rows)
    errors = _slo(
        "error_rate",
        f"Wrong less often than always giving the commoner answer, which is wrong for {share:.0%} of the test rows.",
        f"<= {math.floor(share * 100) / 100:.2f}",
        "rolling",
        "route_to_human_review",
        "    primary: true\n    max_regression: 0.05\n",
    )
    return (
        editor_line(slos.FILE)
        + "# What must hold, in CI and at run time, and what happens when it does not. The targets are a beginning:\n"
        + "# tightening one later is free, loosening one takes a signed decision.\n"
        + "slos:\n"
        + "  # Robustness\n"
        + _slo("auroc", "Better than chance at telling the two apart.", ">= 0.60", "rolling", "route_to_human_review")
        + (errors if share >= LEAST_SHARE else "")
        + "  # Monitoring\n"
        + _slo("ood_recall_7d", "Detect distribution shift before harm.", ">= 0.90", "7d", "degrade_to_safe_mode")
        + _slo("ood_false_alarm", "Ordinary rows raise no alarm.", "<= 0.05", "rolling", "route_to_human_review")
        + _slo(GUARDRAIL, "Probabilities mean what they say.", "<= 0.10", "7d", "route_to_human_review")
        + "  # Alignment\n"
        + _slo("never_event_violations", "Zero violations of the never events.", "== 0", "rolling", "kill_switch")
        + "  # Systemic safety\n"
        + _slo("artefact_findings", "No file of the release can run code.", "== 0", "rolling", "kill_switch")
        + "\nnever_events:\n"
        + f"  - name: {NEVER}\n"
        + f'    never: "decision == {manifest.decisions.deny!r} and uncertainty > {MOST_UNCERTAIN:.2f}"\n'
    )


def rarer_share(manifest: Manifest, rows: Sequence[Row]) -> float:
    """Return the share of the rarer label among the labelled rows, 0 without any."""
    labels = [row.get(manifest.label.column) for row in rows if row.get(manifest.label.column) in (0, 1)]
    ones = sum(label == 1 for label in labels) / len(labels) if labels else 0.0
    return min(ones, 1.0 - ones) if labels else 0.0


def _slo(name: str, objective: str, target: str, window: str, action: str, more: str = "") -> str:
    return (
        f'  - name: {name}\n    objective: "{objective}"\n    target: "{target}"\n    window: "{window}"\n'
        f'    action_on_breach: "{action}"\n{more}'
    )
