from __future__ import annotations

from collections.abc import Mapping

from shipworthy.evaluate.bench import CaseShown
from shipworthy.evaluate.membership import run_case
from shipworthy.gate.recompute import mismatches
from shipworthy.profile.rows import Value
from tests.evaluate.benches import FEATURES, Score, bench, case, model_of, rows, truth

TRAIN, TEST = rows(3000, 51), rows(2000, 52)
NAMES = [one.name for one in FEATURES]
LEARNT = {tuple(str(row[name]) for name in NAMES): row["y"] for row in TRAIN}


def parrot(row: Mapping[str, Value]) -> float:
    """Knows every training row by heart."""
    label = LEARNT.get(tuple(str(row[name]) for name in NAMES))
    return truth(row) if label is None else 0.9999 * float(label) + 0.00005


def shown(score: Score, **generator: object) -> CaseShown:
    one = case(generator={"name": "membership", **generator}, metric="membership_tpr", target=0.03)
    return run_case(one, bench(datasets={"train": TRAIN, "test": TEST}, model=model_of(score)), 1)


def test_a_model_that_does_not_memorise_passes() -> None:
    found = shown(truth)
    assert found.result.status == "pass"
    assert found.result.n == 3000
    assert not mismatches(found.measurements)


def test_a_model_that_memorises_is_caught() -> None:
    found = shown(parrot)
    assert found.result.status == "fail"
    assert (found.measurements[0].lo or 0) > 0.9


def test_answers_that_are_all_alike_tell_nothing() -> None:
    assert shown(lambda row: 0.5).result.hits == 0


def test_too_few_strangers_for_one_false_alarm_are_inconclusive() -> None:
    found = shown(truth, false_positive_rate=0.0001)
    assert found.result.status == "inconclusive"
    assert found.measurements[0].value is None
