"""Marked tests become evidence, whatever happens to them; without the option nothing happens at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shipworthy.evaluate.imports.pytest import read
from shipworthy.facts import Outcome
from shipworthy.testing.pytest_plugin import Recorder
from tests.cli.calls import verb
from tests.flows.test_imports import ask, keep_only_imports, row
from tests.flows.tiny import Tiny

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import pytest

mark = pytest.mark.shipworthy(slo="unit_tests", clause="robustness")

@mark
def test_good(): pass

@mark
def test_bad(): assert False

@mark
@pytest.mark.skip(reason="later")
def test_skipped(): pass

@mark
@pytest.mark.xfail
def test_known_bad(): assert False

@pytest.fixture
def broken():
    raise RuntimeError("no")

@mark
def test_broken(broken): pass

@pytest.fixture
def messy():
    yield
    raise RuntimeError("no")

@mark
def test_messy(messy): pass

@pytest.mark.shipworthy(slo="other")
@mark
@pytest.mark.parametrize("x", [1, 2])
def test_two(x): pass

@pytest.mark.shipworthy
def test_of_no_slo(): pass

def test_unmarked(): pass
"""
GOOD = """
import pytest

@pytest.mark.shipworthy(slo="unit_tests", clause="robustness")
@pytest.mark.parametrize("x", range(5))
def test_good(x): pass
"""


def run(folder: Path, suite: str, *args: str, code: int = 0) -> str:
    """Run pytest on a suite in another process, with strict markers; return what it printed."""
    (folder / "test_suite.py").write_text(suite)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "shipworthy.testing.pytest_plugin", "-p", "no:cacheprovider",
        "--strict-markers", "-W", "error", "test_suite.py", *args,
    ]  # fmt: skip
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def results(folder: Path, suite: str, *args: str, code: int = 1) -> dict[tuple[str, str], str]:
    """Return how each marked test ended, by name and SLO."""
    run(folder, suite, "--shipworthy-evidence", "out.jsonl", *args, code=code)
    told = read((folder / "out.jsonl").read_bytes(), "out.jsonl")
    return {(one.test.partition("::")[2], one.slo): one.ended for one in told.results}


def test_every_end_is_told_for_what_it_is(tmp_path: Path) -> None:
    assert results(tmp_path, SUITE) == {
        ("test_good", "unit_tests"): "passed",
        ("test_bad", "unit_tests"): "failed",
        ("test_skipped", "unit_tests"): "skipped",
        ("test_known_bad", "unit_tests"): "failed",
        ("test_broken", "unit_tests"): "errored",
        ("test_messy", "unit_tests"): "errored",
        ("test_two[1]", "unit_tests"): "passed",
        ("test_two[1]", "other"): "passed",
        ("test_two[2]", "unit_tests"): "passed",
        ("test_two[2]", "other"): "passed",
        ("test_of_no_slo", ""): "passed",
    }


def test_a_marked_test_that_is_left_out_is_no_pass(tmp_path: Path) -> None:
    told = results(tmp_path, SUITE, "-k", "test_good or test_unmarked", code=0)
    assert told["test_good", "unit_tests"] == "passed"
    assert told["test_bad", "unit_tests"] == "skipped"
    told = results(tmp_path, SUITE, "-x")
    assert told["test_bad", "unit_tests"] == "failed"
    assert told["test_two[2]", "other"] == "skipped"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    results(tmp_path, SUITE)
    before = (tmp_path / "out.jsonl").read_bytes()
    results(tmp_path, SUITE)
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_without_the_option_nothing_of_ours_is_loaded_and_nothing_written(tmp_path: Path) -> None:
    suite = GOOD + "\n\ndef test_light():\n    import sys\n    assert 'msgspec' not in sys.modules\n"
    run(tmp_path, suite)
    assert {path.name for path in tmp_path.iterdir()} <= {"test_suite.py", "__pycache__"}


@pytest.mark.parametrize(
    "mark", ['"unit_tests"', 'slow="x"', "slo=3", 'clause="robust"', 'slo="a", clause="b"'], ids=str
)
def test_a_mark_that_says_something_else_is_refused(tmp_path: Path, mark: str) -> None:
    suite = f"import pytest\n\n@pytest.mark.shipworthy({mark})\ndef test_x(): pass\n"
    told = run(tmp_path, suite, "--shipworthy-evidence", "out.jsonl", code=4)
    assert "shipworthy(slo=" in told
    assert not (tmp_path / "out.jsonl").exists() or b'"exit_status":4' in (tmp_path / "out.jsonl").read_bytes()


@pytest.mark.parametrize(
    "args", [("--shipworthy-evidence", "no/such/x"), ("--shipworthy-evidence", "."), ("--shipworthy-root", ".")]
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, args: tuple[str, ...]) -> None:
    assert "shipworthy-evidence" in run(tmp_path, GOOD, *args, code=4)


def test_a_folder_without_a_contract_cannot_be_bound_to(tmp_path: Path) -> None:
    run(tmp_path, GOOD, "--shipworthy-evidence", "out.jsonl", "--shipworthy-root", ".", code=4)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_bound_run_is_evidence_of_exactly_this_subject(prepared: Tiny) -> None:
    ask(prepared, "accept: [pytest]")
    keep_only_imports(prepared)
    args = ("--shipworthy-evidence", "out.jsonl", "--shipworthy-root", str(prepared.root))
    run(prepared.at, GOOD, *args)
    path = str(prepared.at / "out.jsonl")
    left = verb(prepared, "import", path, "--format", "pytest")
    assert left.code == 0, left.err
    assert row(prepared)[0] is Outcome.MET
    prepared.release("1", slope=0.52)
    assert row(prepared)[0] is Outcome.NO_DATA
    left = verb(prepared, "import", path, "--format", "pytest")
    assert left.code == 4
    assert "made on another artefact" in left.err


def test_a_mark_of_another_clause_is_refused(prepared: Tiny) -> None:
    ask(prepared, "accept: [pytest]")
    run(prepared.at, GOOD.replace("robustness", "alignment"), "--shipworthy-evidence", "out.jsonl")
    left = verb(prepared, "import", str(prepared.at / "out.jsonl"), "--format", "pytest")
    assert left.code == 4
    assert "clause" in left.err


def test_the_plugin_is_found_by_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"shipworthy": "shipworthy.testing.pytest_plugin"}


class Node:
    """A worker of pytest-xdist, as far as the plugin looks at it."""

    def __init__(self, output: dict[str, object]) -> None:
        self.workeroutput = output


def test_what_a_worker_left_out_is_no_pass_either(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "out.jsonl", None)
    recorder.pytest_testnodedown(Node({"shipworthy_marks": {"t.py::a": [["unit_tests", ""]]}}))
    recorder.pytest_testnodedown(Node({}))
    assert recorder.marks == {"t.py::a": [("unit_tests", "")]}
    assert recorder.ended == {}  # nobody ran it: it is written as skipped
