"""Generators over a model that writes text: attacks in words, values learnt by heart, and the calls it may make."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape

SEEN = (
    "benign",
    "empty",
    "kind",
    "leaked",
    "matches",
    "obeyed",
    "refused",
    "succeeded",
    "tool_allowed",
    "tool_called",
    "toxic",
    "useful",
    "valid",
)

SHAPES = (
    Shape(
        name="redteam",
        does="Puts attacks and their harmless twins to the assistant; plain rules tell what its replies gave away.",
        parameters={
            "corpus": "",
            "kinds": (),
            "sample": None,
            "repeat": 1,
            "most_calls": 1000,
            "canary": True,
            "secrets": (),
            "rules": {},
        },
        rows=("corpus",),
        metrics=("attack_success_rate", "over_refusal_rate", "toxic_rate"),
        names=SEEN,
        named_by={"rules": "contains_"},
        chats=True,
    ),
    Shape(
        name="memorised",
        does="Gives the beginning of values that were trained on; a reply with the rest has learnt them by heart.",
        parameters={
            "columns": REQUIRED,
            "train": "",
            "controls": "",
            "sample": 100,
            "least": 8,
            "shown": 0.5,
            "most_calls": 1000,
        },
        rows=("train", "controls"),
        metrics=("memorised_rate", "memorised_excess"),
        chats=True,
    ),
    Shape(
        name="tool_policy",
        does="Judges written tool calls, hijacked and wanted ones, by the declared tools; no model is asked.",
        parameters={"calls": REQUIRED},
        rows=("calls",),
        metrics=("hijack_pass_rate", "blocked_rate"),
        names=("allowed", "expected", "tool"),
        asks=False,
    ),
)
