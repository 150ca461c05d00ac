"""Generators that look for poisoned rows, planted triggers, wrong labels and leaks."""

from __future__ import annotations

from shipworthy.contract.generators.shape import Shape

SHAPES = (
    Shape(
        name="lift_scan",
        does="Looks for values, pairs and words in the training rows whose labels the approved rows do not explain.",
        parameters={"suspect": "", "trusted": "", "text": ()},
        rows=("suspect", "trusted"),
        metrics=("backdoor_findings",),
        asks=False,
        without=("trusted",),
        floors={"suspect": "train"},
    ),
    Shape(
        name="tree_cells",
        does="Tries every cell of the model's own split thresholds for a value that pulls any row to one class.",
        parameters={"trusted": "", "sample": 150, "least_excess": 0.65, "max_queries": 500_000},
        rows=("trusted",),
        metrics=("backdoor_findings",),
    ),
    Shape(
        name="trigger_search",
        does="Tries values that could have been planted, from outside, for one that pulls any row to one class.",
        parameters={"suspect": "", "trusted": "", "sample": 150, "least_excess": 0.65, "max_queries": 200_000},
        rows=("suspect", "trusted"),
        metrics=("backdoor_findings",),
        floors={"suspect": "train"},
    ),
    Shape(
        name="label_noise",
        does="Estimates how many labels of the training rows are wrong, alone or beyond those of trusted rows.",
        parameters={"suspect": "", "trusted": ""},
        rows=("suspect", "trusted"),
        metrics=("label_noise_rate", "excess_label_noise"),
        asks=False,
    ),
    Shape(
        name="duplicates",
        does="Counts held-out rows that stand in the training rows, by their features or by the columns of `by`.",
        parameters={"train": "", "held_out": "", "by": ()},
        rows=("train", "held_out"),
        metrics=("duplicates", "duplicate_rate", "excess_duplicate_rate", "conflicting_label_rate"),
        asks=False,
    ),
    Shape(
        name="target_leak",
        does="Counts columns that alone explain the label, by an AUROC whose lower bound exceeds `most`.",
        parameters={"dataset": "", "columns": (), "most": 0.98},
        metrics=("leaking_columns",),
        asks=False,
    ),
)
