"""Generators that attack: what changes flip the model's class, within what somebody could really change."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape

ENSEMBLE = ("nearest_flip", "boundary", "hop_skip_jump", "random")
_FLIP = {
    "dataset": "",
    "donors": "",
    "n": 300,
    "k": 32,
    "at_cost": 1.0,
    "max_queries": 600,
    "max_donors": 2000,
    "relations": (),
    "cost": "mad_l1",
}

SHAPES = (
    Shape(
        name="nearest_flip",
        does="Changes what may be changed of a row, as cheaply as it can, until the class flips.",
        parameters=_FLIP,
        rows=("dataset", "donors"),
        metrics=("feasible_flip_rate",),
        shares=("feasible_flip_rate",),
        most="n",
        floors={"at_cost": "least", "max_queries": "least", "k": "least", "cost": "exactly"},
    ),
    Shape(
        name="feasible_flip",
        does="The same by several attacks under one budget of queries a row, the cheapest flip of any; with a floor.",
        parameters={**_FLIP, "max_queries": 2400, "attacks": ENSEMBLE},
        rows=("dataset", "donors"),
        metrics=("feasible_flip_rate",),
        shares=("feasible_flip_rate",),
        most="n",
        floors={"at_cost": "least", "max_queries": "least", "k": "least", "cost": "exactly"},
    ),
    Shape(
        name="image_flip",
        does="Changes pixels by at most `eps` of their declared range until the class flips.",
        parameters={
            "dataset": "",
            "donors": "",
            "columns": REQUIRED,
            "norm": "linf",
            "eps": REQUIRED,
            "n": 100,
            "max_queries": 1000,
            "max_donors": 2000,
        },
        rows=("dataset", "donors"),
        metrics=("image_flip_rate",),
        shares=("image_flip_rate",),
        most="n",
    ),
)
