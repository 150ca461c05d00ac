"""Generators over texts: what is written by people, changed by accident, on purpose, or meant as an attack."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape
from shipworthy.contract.generators.tabular import BEFORE, ROWS, SAME

ATTACKS = (
    "swap",
    "delete",
    "insert",
    "substitute",
    "keyboard",
    "homoglyph",
    "zero_width",
    "whitespace",
    "case",
    "number",
    "name",
)
CHANGES = (
    "typo",
    "case",
    "whitespace",
    "zero_width",
    "homoglyph",
    "number",
    "name",
    "contraction",
    "punctuation",
)
PAYLOAD_CLASSES = (
    "injection",
    "encoded",
    "oversized",
    "control",
    "markup",
    "template",
    "sql",
    "path",
    "format",
    "right_to_left",
    "null_byte",
    "long_number",
    "nested_json",
)

SHAPES = (
    Shape(
        name="text_flip",
        does="Misspells the words of a text that matter most, as few as it can, until the class flips.",
        parameters={
            "dataset": "",
            "where": "true",
            "field": "",
            "n": 200,
            "attacks": ATTACKS,
            "max_queries": 200,
            "most_changed": 0.2,
            "keep": (),
        },
        metrics=("text_flip_rate",),
    ),
    Shape(
        name="text_invariance",
        does="Changes each text once in a way that happens every day: no answer may move by more than `tolerance`.",
        parameters={**ROWS, "field": "", "change": REQUIRED, "keep": (), "tolerance": SAME},
        metrics=("changed",),
        names=BEFORE,
    ),
    Shape(
        name="surface",
        does="Writes what attackers send to any product into a text field: payloads of several classes.",
        parameters={
            **ROWS,
            "field": REQUIRED,
            "classes": PAYLOAD_CLASSES,
            "place": "append",
            "each": 5,
            "tolerance": SAME,
        },
        metrics=("changed",),
        names=(*BEFORE, "payload"),
    ),
    Shape(
        name="screen",
        does="Asks the model about every text of a corpus: how many malicious ones it catches, how many benign pass.",
        parameters={
            "corpus": REQUIRED,
            "field": "",
            "text": "text",
            "kind": "label",
            "malicious": ("malicious", "1"),
            "benign": ("benign", "0"),
            "sample": None,
        },
        rows=("corpus",),
        metrics=("caught", "passed"),
        names=("malicious", "caught"),
    ),
)
