from __future__ import annotations

from typing import Any

import pytest

from shipworthy.errors import ContractError
from shipworthy.evaluate import metamorphic
from shipworthy.evaluate.bench import Bench
from shipworthy.facts import CaseResult
from tests.evaluate.benches import bench, careless, case, model_of, truth


def run(generator: dict[str, object], on: Bench | None = None, **oracle: object) -> CaseResult:
    given = {"hits": "changed", "among": "true", "op": "==", "target": 0.0, **oracle}
    one = case(generator=generator, **given)  # type: ignore[arg-type]
    return getattr(metamorphic, str(generator["name"]))(one, on or bench(), 3).result  # type: ignore[no-any-return]


def test_text_in_a_column_that_is_no_feature_moves_no_answer() -> None:
    found = run({"name": "payload", "field": "remark"})
    assert (found.status, found.n, found.hits) == ("pass", 2000, 0)


def test_a_payload_in_a_feature_is_refused() -> None:
    with pytest.raises(ContractError, match="is a feature"):
        run({"name": "payload", "field": "sex"})


def test_hiding_a_category_shows_what_unknown_codes_would_get() -> None:
    generator: dict[str, object] = {"name": "hide_feature", "feature": "supplier", "dataset": "test"}
    oracle: dict[str, Any] = {"hits": "decision == 'auto_deny'", "among": "label == 1", "op": "<=", "target": 0.15}
    without = bench(model=model_of(careless), scorer=None)
    assert run(generator, without, **oracle).status == "fail"
    assert run(generator, **oracle).status == "pass"
    flagged = run(generator, hits="ood", among="true", op=">=", target=0.95)
    assert (flagged.status, flagged.value) == ("pass", 1.0)
    assert run(generator, hits="bucket == 'supplier'", among="true", op="==", target=1.0).status == "pass"


def test_an_answer_that_depends_on_a_protected_feature_is_not_invariant() -> None:
    generator: dict[str, object] = {"name": "invariance", "feature": "sex", "values": ["f", "m"], "sample": 200}
    assert run(generator).status == "pass"
    biased = bench(model=model_of(lambda row: truth(row) * (0.9 if row["sex"] == "f" else 1.0)))
    found = run(generator, biased)
    assert (found.status, found.n) == ("fail", 200)


def test_a_score_that_must_rise_is_caught_falling() -> None:
    generator: dict[str, object] = {"name": "monotone", "feature": "speed"}
    rising = run(generator, hits="fell")
    assert rising.status == "pass"
    assert rising.n == sum(int(row["speed"] or 0) < 4 for row in bench().rows("test"))
    assert run({**generator, "direction": "falls"}, hits="fell").status == "fail"
    amount: dict[str, object] = {"name": "monotone", "feature": "amount", "direction": "falls", "step": 5}
    assert run(amount, hits="fell").status == "pass"


def test_an_oracle_with_a_metric_counts_what_the_generator_names() -> None:
    assert run({"name": "monotone", "feature": "speed"}, metric="fell").hits == 0


def test_a_silent_model_counts_against_every_one_of_them() -> None:
    silent = bench(model=model_of(lambda row: None))
    assert run({"name": "payload", "field": "remark"}, silent).status == "fail"
    assert run({"name": "monotone", "feature": "speed"}, silent, hits="fell").status == "fail"


@pytest.mark.parametrize(
    "generator",
    [
        {"name": "monotone", "feature": "speed", "setp": 2},
        {"name": "monotone"},
        {"name": "monotone", "feature": "hight"},
        {"name": "monotone", "feature": "sex"},
        {"name": "monotone", "feature": "speed", "step": 0.0},
        {"name": "monotone", "feature": "speed", "step": "one"},
        {"name": "invariance", "feature": "sex", "values": []},
        {"name": "payload", "field": "remark", "payloads": []},
        {"name": "hide_feature", "feature": "supplier", "dataset": "tset"},
    ],
)
def test_what_a_generator_does_not_understand_is_refused(generator: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        run(generator)
