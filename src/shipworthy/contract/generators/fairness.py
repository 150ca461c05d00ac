"""Generators over groups of people: gaps between them, what gives them away, and who is missed by what is optimised."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape
from shipworthy.contract.generators.tabular import ROWS

RATE_GAPS = (
    "selection_rate_gap",
    "true_positive_rate_gap",
    "false_positive_rate_gap",
    "false_negative_rate_gap",
    "accuracy_gap",
    "equalized_odds_gap",
)
RATE_RATIOS = ("selection_rate_ratio", "true_positive_rate_ratio", "false_positive_rate_ratio")
CALIBRATION_GAPS = ("calibration_gap", "ece_gap")
NEED_GAPS = ("need_recall_gap", "need_at_score_gap", "flag_at_need_gap", "flag_gap")

SHAPES = (
    Shape(
        name="group_gaps",
        does="Compares every pair of groups by a rate, a ratio or calibration; the worst pair is judged.",
        parameters={**ROWS, "by": (), "pairs": False, "selected": "score >= 0.5"},
        metrics=(*RATE_GAPS, *RATE_RATIOS, *CALIBRATION_GAPS),
    ),
    Shape(
        name="proxy_features",
        does="Predicts each protected feature from the other features, and from the score given the label.",
        parameters={"dataset": None, "where": "true", "sample": 5000, "by": (), "folds": 3},
        metrics=("proxy_features_auc",),
    ),
    Shape(
        name="target_audit",
        does="Compares who the score flags with who is in need by declared measures; prices what would mend it.",
        parameters={
            "dataset": None,
            "where": "true",
            "sample": 10_000,
            "by": (),
            "needs": REQUIRED,
            "need_share": 0.2,
            "flag": 0.2,
            "flagged": "",
            "strata": 10,
            "cost": "",
            "folds": 3,
        },
        metrics=NEED_GAPS,
    ),
)
