from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.oracle import judge_rows
from shipworthy.evaluate.rows_case import run_case
from shipworthy.facts import Case, CaseResult
from shipworthy.gate.recompute import case_mismatches
from shipworthy.stats.bounds import rate_bounds
from tests.evaluate.benches import bench, careless, case, model_of, rows


def shown(one: Case, on: Bench | None = None) -> CaseResult:
    return run_case(one, on or bench(), 1).result


def test_the_incident_case_fails_on_the_model_that_caused_it_and_passes_on_the_fix() -> None:
    strangers = [{**row, "supplier": "P99"} for row in rows(900, 31)]
    one = case("incident.unfamiliar", rows="cases/strangers.csv", target=0.3)
    where = {"cases/strangers.csv": strangers, "test": rows(10, 1)}
    # The careless release decides unknown suppliers by the thresholds of known ones; the fixed one has a bucket.
    plain = bench().thresholds
    assert plain is not None
    unbucketed = msgspec.structs.replace(plain, buckets=plain.buckets[:1])
    bad = shown(one, bench(datasets=where, model=model_of(careless), thresholds=unbucketed))
    good = shown(one, bench(datasets=where))
    assert (bad.status, good.status) == ("fail", "pass")
    assert bad.lo is not None
    assert bad.lo > 0.3
    assert len(bad.bits) == 900
    assert not case_mismatches([bad, good], [one])


def test_a_case_too_small_to_ever_pass_says_how_many_rows_it_takes() -> None:
    found = shown(case(where="age >= 93 and label == 1", hits="decision == 'auto_deny'"), bench(datasets={
        "test": [{**row, "label": row["y"]} for row in rows(300, 2)]}))  # fmt: skip
    assert found.n < 19
    assert found.status == "inconclusive"
    assert found.needs_n == 19 - found.n


def test_no_rows_at_all_are_inconclusive() -> None:
    found = shown(case(where="age > 200"))
    assert (found.status, found.n, found.needs_n) == ("inconclusive", 0, 19)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, None]), st.sampled_from([0.0, 1.0, None])), max_size=60),
    st.sampled_from(["<=", ">="]),
    st.floats(0.05, 0.95),
)
def test_knowing_less_never_turns_a_case_green(
    seen: list[tuple[int | None, float | None]], op: str, target: float
) -> None:
    one = case(hits="score >= 0.5", among="label == 1", op=op, target=target)
    named = [{"label": label, "score": score} for label, score in seen]
    lost = [{**row, "score": None} for row in named]
    if judge_rows(one, named, 0).status != "pass":
        assert judge_rows(one, lost, 0).status != "pass"
    result = judge_rows(one, named, 0)
    if result.n and result.hits is not None:
        assert (result.lo, result.hi) == rate_bounds(result.hits, result.n, 0.95)
    assert not case_mismatches([result], [one])


def test_each_row_leaves_one_bit_in_order() -> None:
    named: list[dict[str, float | None]] = [
        {"label": 1, "score": 0.9},
        {"label": 0, "score": 0.9},
        {"label": 1, "score": None},
        {"label": 1, "score": 0.1},
    ]
    assert judge_rows(case(hits="score > 0.5"), named, 0).bits == "1.?0"


def test_a_misspelt_column_gives_no_rows_and_never_a_pass() -> None:
    assert shown(case(among="lable == 1")).status == "inconclusive"
    assert shown(case(hits="decison == 'auto_deny'")).status == "fail"


@pytest.mark.parametrize(
    ("hits", "op", "target", "status"),
    [
        ("ood", ">=", 0.95, "fail"),
        ("not ood_flag", ">=", 0.95, "pass"),
        ("ood_p <= 0.01", "<=", 0.05, "pass"),
        ("route == 'person' or route == 'machine'", "==", 1.0, "pass"),
        ("route == 'person'", "==", 1.0, "fail"),
        ("uncertainty <= 0.3 or decision != 'auto_deny'", "==", 1.0, "pass"),
        ("bucket == '*'", "==", 1.0, "pass"),
    ],
)
def test_an_oracle_reads_what_the_runtime_knows(hits: str, op: str, target: float, status: str) -> None:
    assert shown(case(hits=hits, among="true", op=op, target=target)).status == status


def test_the_worst_rows_are_named_without_their_values() -> None:
    found = shown(case(hits="decision == 'auto_deny'", among="true", target=0.01))
    assert found.status == "fail"
    assert len(found.worst) == 5
    assert all(one.told.startswith("row ") and "P0" not in one.told and not one.before for one in found.worst)


def test_a_segment_narrows_the_rows() -> None:
    assert shown(case(among="true", segment="sex=f")).n == sum(row["sex"] == "f" for row in rows(2000, 104))


def test_a_trial_case_is_shown_as_one_that_does_not_decide() -> None:
    found = shown(case(trial=True, target=0.0001))
    assert (found.status, found.severity) == ("fail", "minor")
    assert found.because.startswith("trial: ")


def test_rows_nobody_loaded_are_an_error_and_not_an_empty_case() -> None:
    with pytest.raises(ContractError, match="no dataset"):
        shown(case(rows="cases/missing.csv"))
