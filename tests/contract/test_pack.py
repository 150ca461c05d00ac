from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.pack import Rows, case_files, read_pack
from tests.contract.repository import PACK

COLUMNS = frozenset({"age", "office", "label", "split"})
ROWS = Rows(
    names=COLUMNS,
    datasets={"test": COLUMNS},
    files=frozenset({"cases/office.csv"}),
    segment_keys={"office": None},
    model="demo",
    words=frozenset({"deny", "approve", "review"}),
)


def test_a_pack_is_read_with_its_seed_and_its_cases() -> None:
    pack, _, problems = read_pack(PACK, rows=ROWS)
    assert not problems
    assert pack is not None
    assert pack.pack.seed == 7
    assert [case.id for case in pack.cases] == ["tail.old", "ood.unit", "bias.office", "backdoor"]
    assert pack.cases[2].segment == "office=P1,P2"
    assert [case_files(case) for case in pack.cases] == [(), (), ("cases/office.csv",), ()]


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("id: ood.unit", "id: tail.old", 10, "used twice"),
        ("id: ood.unit", "id: ood unit", 10, "not a case id"),
        ("clause: robustness", "clause: strength", 4, "'strength' is not allowed"),
        ("severity: blocker", "severity: high", 8, "'high' is not allowed"),
        ("owner: ana", "owner: ''", 9, "has no owner"),
        ("owner: ana", "ownr: ana", 9, "unknown key cases[0].ownr"),
        ("    kind: tail\n", "", 3, "missing key cases[0].kind"),
        ("rows: test, where", "rows: tset, where", 6, "no dataset 'tset'"),
        ("rows: cases/office.csv", "rows: cases/ofice.csv", 20, "no file 'cases/ofice.csv'"),
        ("probe: unit, dataset: test", "probe: unit, dataset: tset", 13, "no dataset 'tset'"),
        ("name: probe, ", "name: prob, ", 13, "no generator 'prob'"),
        ("name: probe, ", "", 13, "the generator has no name"),
        ("probe: unit, dataset", "dataset", 13, "probe is missing"),
        ("probe: unit, dataset", "probe: unit, smaple: 3, dataset", 13, "unknown parameter 'smaple'"),
        ("probe: unit, dataset: test", "probe: unit, where: 3, dataset: test", 13, "of the wrong type"),
        ("metric: backdoor_findings", "metric: findings", 29, "lift_scan does not measure 'findings'"),
        ("age >= 75", "agee >= 75", 6, "unknown name 'agee'"),
        ("age >= 75", "age >=", 6, "not an expression"),
        ("where:", "wher:", 6, "unknown key input.wher"),
        ("{rows: test, where", "{where", 6, "input without rows"),
        ("    input: {rows: cases/office.csv}\n", "", 17, "exactly one of `input` or `generator`"),
        ("    input: {rows: cases/office.csv}\n", "    input: {}\n", 17, "nothing to run"),
        ("generator: {name: lift_scan, suspect: test}", "generator: {}", 25, "nothing to run"),
        ("    input: {rows: cases", "    generator: {name: probe}\n    input: {rows: cases", 17, "exactly one of"),
        ("decision == 'deny'", "decison == 'deny'", 7, "unknown name 'decison'"),
        ("label == 1", "label = 1", 7, "not an expression"),
        ('op: "<="', 'op: "<"', 7, "'<' is not allowed"),
        ("target: 0.2", "target: 1", 7, "nothing could fail it"),
        ('op: "<=", target: 0.2', 'op: ">=", target: 0', 7, "nothing could fail it"),
        ("decision == 'deny'", "1 == 2", 7, "every row says the same"),
        ("target: 0.2", "target: .nan", 7, "not a finite number"),
        ("target: 0.2", "target: 0.2, level: 1", 7, "out of range"),
        ("metric: backdoor_findings, ", "", 29, "exactly one of `hits` or `metric`"),
        ("metric: backdoor_findings, ", "metric: m, hits: 'age > 1', ", 29, "exactly one of `hits` or `metric`"),
        ("{office: [P2, P1]}", "{region: [P2, P1]}", 22, "unknown segment key 'region'"),
        ("{office: [P2, P1]}", "office=P2,P1", 22, "not in canonical form"),
        ("model: demo", "model: other", 1, "pack of 'other'"),
        ("decision == 'deny'", "decision == 'auto_deny'", 7, "no decision is called 'auto_deny'"),
        ("decision == 'deny'", "'dney' == decision", 7, "no decision is called 'dney'"),
        ("decision == 'deny'", "decision in ('deny', 'refuse')", 7, "no decision is called 'refuse'"),
        ("decision == 'deny'", "route == 'human'", 7, "no route is called 'human'"),
        ("dataset: test}", "dataset: test, where: 'agee > 3'}", 13, "unknown name 'agee'"),
    ],
)
def test_a_case_that_could_not_prove_anything_is_refused_at_its_line(old: str, new: str, line: int, told: str) -> None:
    assert old in PACK
    pack, _, problems = read_pack(PACK.replace(old, new, 1), rows=ROWS)
    assert pack is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]


@given(st.text(max_size=120))
def test_arbitrary_text_gives_problems_and_never_raises(text: str) -> None:
    pack, _, problems = read_pack(text, rows=ROWS)
    assert pack is None
    assert problems


def test_a_case_may_do_without_rows_only_where_its_generator_can() -> None:
    """`none` is no dataset: for the trusted rows of a lift scan it says that there are none."""
    known = Rows(datasets={"train": frozenset({"y"})})

    def faults(generator: str, metric: str) -> list[str]:
        text = f"""cases:
  - id: one
    clause: systemic_safety
    kind: k
    generator: {generator}
    oracle: {{name: o, metric: {metric}, op: "==", target: 0}}
    severity: minor
    owner: ed
"""
        return [problem.what for problem in read_pack(text, rows=known)[2]]

    assert faults("{name: lift_scan, suspect: train, trusted: none}", "backdoor_findings") == []
    assert faults("{name: lift_scan, suspect: none}", "backdoor_findings") == ["case 'one': no dataset 'none'"]
    assert faults("{name: membership, train: none}", "membership_tpr") == ["case 'one': no dataset 'none'"]
