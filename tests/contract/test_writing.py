"""Cases over a model that writes text, as `check` reads them: their parameters, and the names of their own rules."""

from __future__ import annotations

import pytest

from shipworthy.contract.generators import SHAPES, asks_assistant, names_of
from shipworthy.contract.pack import Rows, case_files, read_pack
from shipworthy.facts import Case, Oracle

CASE = """pack: {version: 1, model: demo, seed: 7}
cases:
  - id: words
    clause: systemic_safety
    kind: redteam
    generator: GENERATOR
    oracle: {name: told, ORACLE, op: "<=", target: 0.1}
    severity: major
    owner: ben
"""
KNOWN = Rows(names=frozenset({"age"}), datasets={"train": frozenset({"age"})}, files=frozenset({"cases/prompts.csv"}))


def faults(generator: str, oracle: str) -> list[str]:
    text = CASE.replace("GENERATOR", generator).replace("ORACLE", oracle)
    return [problem.what for problem in read_pack(text, rows=KNOWN)[2]]


@pytest.mark.parametrize(
    ("generator", "oracle"),
    [
        ("{name: redteam}", "metric: attack_success_rate"),
        ("{name: redteam, corpus: cases/prompts.csv, sample: 9}", "hits: leaked, among: not benign"),
        ("{name: redteam, rules: {price: 'EUR', name: 'Kim'}}", "hits: contains_price or contains_name"),
        ("{name: memorised, columns: [age]}", "metric: memorised_excess"),
        ("{name: tool_policy, calls: train}", "hits: allowed, among: not expected"),
    ],
)
def test_a_case_over_words_is_read(generator: str, oracle: str) -> None:
    assert faults(generator, oracle) == []


@pytest.mark.parametrize(
    ("generator", "oracle", "told"),
    [
        ("{name: redteam, rules: {price: 'EUR'}}", "hits: contains_prize", "unknown name 'contains_prize'"),
        ("{name: redteam}", "hits: contains_price", "unknown name"),
        ("{name: redteam, corpus: cases/promts.csv}", "metric: toxic_rate", "no file"),
        ("{name: redteam, repeat: many}", "metric: toxic_rate", "wrong type"),
        ("{name: redteam, rules: [a]}", "metric: toxic_rate", "wrong type"),
        ("{name: redteam}", "metric: memorised_rate", "does not measure"),
        ("{name: memorised}", "metric: memorised_rate", "columns is missing"),
        ("{name: memorised, columns: age}", "hits: leaked", "unknown name 'leaked'"),
        ("{name: tool_policy, calls: tran}", "metric: blocked_rate", "no dataset"),
    ],
)
def test_what_is_mistyped_is_told_before_anybody_is_asked(generator: str, oracle: str, told: str) -> None:
    assert any(told in what for what in faults(generator, oracle)), faults(generator, oracle)


def case(generator: dict[str, object] | None) -> Case:
    oracle = Oracle(name="o", metric="toxic_rate", op="<=", target=0.1)
    return Case(id="c", clause="x", kind="k", oracle=oracle, severity="minor", owner="o", generator=generator)


def test_only_cases_that_ask_the_assistant_need_it() -> None:
    assert [name for name in SHAPES if asks_assistant(case({"name": name}))] == ["redteam", "memorised"]
    assert not asks_assistant(case(None))
    assert not asks_assistant(case({"name": "of another package"}))


def test_a_corpus_in_a_file_belongs_to_the_case() -> None:
    assert case_files(case({"name": "redteam", "corpus": "cases/prompts.csv"})) == ("cases/prompts.csv",)
    assert case_files(case({"name": "tool_policy", "calls": "cases/calls.csv"})) == ("cases/calls.csv",)


def test_names_come_from_the_shape_and_from_the_case() -> None:
    shape = SHAPES["redteam"]
    assert names_of({"rules": {"a": "x"}}, shape) == (*shape.names, "contains_a")
    assert names_of({"rules": "no mapping"}, shape) == shape.names
