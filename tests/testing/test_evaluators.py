"""Every evaluator of ours keeps the rules of the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from shipworthy.contract.generators import SHAPES
from shipworthy.contract.generators.shape import REQUIRED
from shipworthy.evaluate.generators import GENERATORS
from shipworthy.facts import Oracle
from shipworthy.testing.bench import LABEL, SIZES, honest, standard_bench
from shipworthy.testing.evaluators import check_evaluator
from tests.testing.test_kit import Of

NOTICED = Oracle(name="noticed", hits="ood_flag", op=">=", target=0.05)
EXAMPLES: dict[str, tuple[Mapping[str, Any], Oracle | None]] = {
    "payload": ({"field": "remark"}, None),
    "hide_feature": ({"feature": ["supplier", "sex"]}, None),
    "invariance": ({"feature": "seat", "values": ["front", "rear"]}, None),
    "monotone": ({"feature": "speed", "steps": 2}, None),
    "direction": ({"by": {"speed": 1}, "set": {"belt": 0}, "least": 0.01}, None),
    "conversion": ({"feature": "amount", "unit": "sex", "from": "f", "to": "m", "factor": 1.0}, None),
    "nearest_flip": ({"n": 40, "k": 4, "max_queries": 100}, None),
    "feasible_flip": ({"n": 100, "max_queries": 600}, None),  # enough rows for the honest model to pass
    "extraction": ({"queries": [100, 500]}, None),
    "probe": ({"probe": "unit", "feature": "age"}, NOTICED),
    "tail": ({"rarest": 0.5}, None),
    "reweight": ({"feature": "speed", "to": {"4": 0.5, "0": 0.5}}, None),
    "label_shift": ({"base_rate": 0.3}, None),
    "stale_category": ({"feature": "supplier", "map": {"S1": "S2"}}, None),
    "membership": ({"false_positive_rate": 0.02}, None),
    "surface": ({"field": "remark"}, None),
}
"""What a case of each generator writes at least, and the oracle where the usual one says nothing."""


ELSEWHERE = {
    "target_audit": "needs a measure of need, which is no feature",
    "image_flip": "needs pixels",
    "text_flip": "needs a text",
    "text_invariance": "needs a text",
    "screen": "needs a text and a corpus",
    "tree_cells": "reads the weights of a model, which the standard bench has not",
    "redteam": "asks an assistant",
    "memorised": "asks an assistant",
    "tool_policy": "judges the policy of an assistant",
}
"""Generators that the standard bench cannot carry; the tests of each say what they demand."""


@pytest.mark.parametrize("name", sorted(set(GENERATORS) - set(ELSEWHERE)))
def test_every_generator_of_ours_keeps_the_rules(name: str) -> None:
    shape = SHAPES[name]
    needs = shape.one_of or [key for key, default in shape.parameters.items() if default is REQUIRED]
    assert not needs or name in EXAMPLES, "write what a case of it needs into EXAMPLES"
    generator, oracle = EXAMPLES.get(name, ({}, None))
    check_evaluator(Of(shape, GENERATORS[name]), generator, oracle)


@pytest.mark.parametrize(
    ("name", "generator"),
    [
        ("invariance", {"feature": "supplier", "equivalent": [["S1", "S2"]]}),
        ("tail", {"extremes": ["age", "amount"]}),
        ("tail", {"combine": {"speed": 4}}),
        ("reweight", {"feature": "amount", "mean_shift": 0.2}),
        ("missing_columns", {"together": True}),
        ("unit_error", {"features": ["age"], "factors": [12]}),
        ("time_split", {"newest": 0.4}),
    ],
)
def test_other_forms_keep_them_too(name: str, generator: Mapping[str, Any]) -> None:
    check_evaluator(Of(SHAPES[name], GENERATORS[name]), generator)


@pytest.mark.parametrize(
    "metric",
    [(name, one) for name in sorted(set(SHAPES) - set(ELSEWHERE)) for one in SHAPES[name].metrics[1:]],
    ids=str,
)
def test_every_further_metric_is_measured_by_the_rules(metric: tuple[str, str]) -> None:
    name, counted = metric
    generator, _ = EXAMPLES.get(name, ({}, None))
    oracle = Oracle(name="further", metric=counted, op="<=", target=0.4)
    check_evaluator(Of(SHAPES[name], GENERATORS[name]), generator, oracle)


def test_the_honest_model_is_honest_about_the_rows() -> None:
    bench = standard_bench()
    rows = [row for name in SIZES for row in bench.rows(name)]
    expected, seen = np.mean([honest(row) for row in rows]), np.mean([row[LABEL] == 1 for row in rows])
    assert seen == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(len(rows)))
    assert 0.4 < seen < 0.6
    assert all(relation(row) for row in rows for relation in bench.relations)
    assert all(row["front"] != row["rear"] for row in rows)


def test_fresh_rows_each_time() -> None:
    one, other = standard_bench(), standard_bench()
    assert one.datasets == other.datasets
    assert one.rows("test")[0] is not other.rows("test")[0]
