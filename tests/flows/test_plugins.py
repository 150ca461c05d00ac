"""Evaluators of other packages: found by their entry point, run like ours, and never green when they are not there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipworthy.flows.check import check
from shipworthy.flows.evaluate import evaluate_case
from shipworthy.flows.plugins import NotLoaded, plugins_of
from tests.evaluate.benches import case
from tests.flows.tiny import Tiny

MODULE = '''
from shipworthy.contract.generators import Shape
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import CaseShown
from shipworthy.evaluate.oracle import judge_rows
from shipworthy.evaluate.parameters import case_rows, parameters


class Rounded:
    """Every row with one number rounded to tens."""

    shape = Shape(name="rounded_to_tens", does="Rounds a number.", parameters={"feature": "", "dataset": "test"})

    def run(self, case, bench, seed):
        given = parameters(case, self.shape)
        rows = case_rows(bench, case, given["dataset"], "true", None, seed)
        rows = [{**row, given["feature"]: row[given["feature"]] // 10 * 10} for row in rows]
        return CaseShown(result=judge_rows(case, [one.named() for one in answer(bench, rows)], seed))


class Broken:
    shape = Rounded.shape

    def run(self, case, bench, seed):
        raise MemoryError("too much")


nothing = 7
raise_at_import = None
'''
POINTS = """[shipworthy.evaluators]
rounded_to_tens = of_others:Rounded
broken_inside = of_others:Broken
is_nothing = of_others:nothing
not_there = of_others:absent
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    site = tmp_path / "site-packages"
    info = site / "of_others-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "of_others.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: of-others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(site))
    yield site
    sys.modules.pop("of_others", None)


def add(tiny: Tiny, name: str, feature: str = "feature: age") -> None:
    pack = tiny.root / "robustness-pack.yaml"
    pack.write_text(
        pack.read_text()
        + f"""  - id: of.others
    clause: robustness
    kind: shift
    generator: {{name: {name}, {feature}}}
    oracle: {{name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.4}}
    severity: minor
    owner: ben
"""
    )


def test_an_evaluator_of_another_package_runs_like_ours(prepared: Tiny, installed: Path) -> None:
    add(prepared, "rounded_to_tens")
    assert not [one for one in check(prepared.root).problems if one.exit_code == 3]
    shown = evaluate_case(prepared.root, "of.others")
    assert shown.status == "pass"
    assert shown.queries == 450


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken_inside", "MemoryError: too much"),
        ("is_nothing", "it has no `shape` and `run`"),
        ("not_there", "AttributeError"),
    ],
)
def test_one_that_does_not_load_or_breaks_is_an_error_of_its_case(
    prepared: Tiny, installed: Path, name: str, told: str
) -> None:
    add(prepared, name)
    shown = evaluate_case(prepared.root, "of.others")
    assert shown.status == "error"
    assert told in shown.because


def test_a_parameter_it_does_not_take_is_an_error_of_its_case(prepared: Tiny, installed: Path) -> None:
    add(prepared, "rounded_to_tens", "fature: age")
    shown = evaluate_case(prepared.root, "of.others")
    assert (shown.status, "unknown parameter 'fature'" in shown.because) == ("error", True)


def test_a_name_that_nobody_brings_is_refused_by_check_with_the_near_ones(prepared: Tiny, installed: Path) -> None:
    add(prepared, "rounded_to_ten")
    found = [str(one) for one in check(prepared.root).problems if "rounded_to_ten'" in str(one)]
    assert len(found) == 1, check(prepared.root).problems
    assert "no generator 'rounded_to_ten'" in found[0]
    assert "rounded_to_tens" in found[0]


def test_two_packages_with_one_name_are_none(installed: Path) -> None:
    again = installed / "again-1.0.dist-info"
    again.mkdir()
    (again / "METADATA").write_text("Metadata-Version: 2.1\nName: again\nVersion: 1.0\n")
    (again / "entry_points.txt").write_text(POINTS)
    found = plugins_of([case(generator={"name": "rounded_to_tens"})])
    assert isinstance(found["rounded_to_tens"], NotLoaded)


def test_our_own_generators_never_come_from_elsewhere(installed: Path) -> None:
    points = installed / "of_others-1.0.dist-info" / "entry_points.txt"
    points.write_text(POINTS + "probe = of_others:Rounded\n")
    assert plugins_of([case(generator={"name": "probe", "probe": "unit"})]) == {}
    assert plugins_of([case()]) == {}


def test_check_looks_for_others_only_where_a_name_is_not_ours(prepared: Tiny) -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}; from pathlib import Path; from shipworthy.flows.check import check; "
        f"check(Path({str(prepared.root)!r})); sys.exit('importlib.metadata' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-S", "-c", code]).returncode == 0


OTHERWISE = """
import msgspec
from shipworthy.facts import Measurement


class Otherwise(Rounded):
    def run(self, case, bench, seed):
        shown = super().run(case, bench, seed)
        return CaseShown(result=msgspec.structs.replace(shown.result, **{changes}), measurements={measured})
"""
NOT_ASKED = "(Measurement(indicator='error_rate', n=9, hits=0, value=0.0, lo=0.0, hi=0.1),)"


@pytest.mark.parametrize(
    ("changes", "measured", "told"),
    [
        ("dict(case='tail.fast')", "()", "something else: case"),
        ("dict(target='<= 0.9')", "()", "something else: target"),
        ("dict(severity='blocker')", "()", "something else: severity"),
        ("dict(status='green')", "()", "status 'green'"),
        ("dict()", NOT_ASKED, "something else: error_rate"),
    ],
)
def test_what_one_says_of_something_else_is_an_error_of_its_case(
    prepared: Tiny, installed: Path, changes: str, measured: str, told: str
) -> None:
    with (installed / "of_others.py").open("a") as module:
        module.write(OTHERWISE.replace("{changes}", changes).replace("{measured}", measured))
    with (installed / "of_others-1.0.dist-info" / "entry_points.txt").open("a") as points:
        points.write("otherwise = of_others:Otherwise\n")
    add(prepared, "otherwise")
    shown = evaluate_case(prepared.root, "of.others")
    assert (shown.status, shown.case, shown.severity) == ("error", "of.others", "minor")
    assert told in shown.because
