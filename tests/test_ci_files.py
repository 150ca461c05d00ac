"""The CI files call commands that exist, show keys to the one job that needs them, and really judge a repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.tiny import Tiny
from tests.test_docs import wrong

ROOT = Path(__file__).resolve().parents[1]
ACTION, WORKFLOW, GITLAB, HOOKS = "action.yml", "ci/github.yml", "ci/gitlab.yml", ".pre-commit-hooks.yaml"
FILES = (ACTION, WORKFLOW, GITLAB, HOOKS)
KEY = re.compile(r"secrets?\b|signing.key|private", re.IGNORECASE)


def read(name: str) -> Any:
    """Return a YAML file of the repository."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    """Return the steps of the action."""
    found = read(ACTION)["runs"]["steps"]
    assert isinstance(found, list)
    return found


def of_job(step: dict[str, Any], job: str) -> bool:
    """True when the step of the action runs in that job."""
    other = {"evaluate": "gate", "gate": "evaluate"}[job]
    return f"inputs.job == '{other}'" not in step.get("if", "")


def scripts() -> Iterator[tuple[str, str]]:
    """Yield (file, shell line) of everything that a CI runs."""
    for step in steps():
        yield from ((ACTION, line) for line in step.get("run", "").splitlines())
    for name, job in read(GITLAB).items():
        if name != "variables":
            yield from ((GITLAB, line) for line in (*job.get("before_script", ()), *job.get("script", ())))
    yield from ((HOOKS, hook["entry"]) for hook in read(HOOKS))


def test_every_command_exists_with_its_options() -> None:
    ours = [(file, line.strip()) for file, line in scripts() if line.strip().startswith("shipworthy ")]
    assert len(ours) >= 10
    assert [f"{file}: {told}" for file, line in ours if (told := wrong(line))] == []


def test_all_of_them_judge_with_the_same_commands() -> None:
    for file in (ACTION, GITLAB):
        said = [
            re.sub(r"--(?:root|home) \S+ ", "", line.strip()).split()[1]
            for name, line in scripts()
            if name == file and line.strip().startswith("shipworthy ")
        ]
        assert said == ["check", "build", "evaluate", "sign", "gate"]


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_fetched_by_address_and_actions_are_pinned(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    for used in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[a-z-]+/[a-z-]+(?:/[a-z-]+)?@v[0-9]+|\./\.github/actions/shipworthy", used)


def test_the_job_that_runs_the_model_sees_no_key() -> None:
    for step in steps():
        if of_job(step, "evaluate") and "inputs.job == 'gate'" not in step.get("if", ""):
            assert not KEY.search(json.dumps(step)), step["name"]
    assert not KEY.search(json.dumps(read(WORKFLOW)["jobs"]["evaluate"]))
    assert not KEY.search(json.dumps(read(GITLAB)["shipworthy-evaluate"]))
    assert KEY.search(json.dumps(read(WORKFLOW)["jobs"]["gate"]))
    assert KEY.search(json.dumps(read(GITLAB)["shipworthy-gate"]))


def test_the_job_with_the_key_runs_no_model() -> None:
    gate = [step for step in steps() if "inputs.job == 'gate'" in step.get("if", "")]
    told = json.dumps(gate) + json.dumps(read(GITLAB)["shipworthy-gate"])
    assert not re.search(r"shipworthy (?:--\S+ \S+ )*(?:build|evaluate|train|reproduce)", told)


def test_the_workflow_may_read_and_no_more() -> None:
    workflow = read(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["evaluate"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["gate"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert workflow["jobs"]["gate"]["needs"] == "evaluate"


def test_no_input_is_pasted_into_a_script() -> None:
    assert not [step["name"] for step in steps() if "${{" in step.get("run", "")]


def test_every_input_is_described_used_and_documented() -> None:
    inputs = read(ACTION)["inputs"]
    page = (ROOT / "docs/how-to/ci.md").read_text(encoding="utf-8")
    used = json.dumps(steps())
    for name, one in inputs.items():
        assert one["description"].endswith("."), name
        assert one.get("required") or isinstance(one["default"], str), name
        assert f"inputs.{name}" in used, name
        assert f"| `{name}` |" in page, name
    assert set(re.findall(r"inputs\.([a-z-]+)", used)) == set(inputs)
    for job in read(WORKFLOW)["jobs"].values():
        for step in job["steps"]:
            if step["uses"].endswith("/shipworthy"):
                assert set(step["with"]) <= set(inputs)


def test_hidden_folders_travel_between_the_jobs() -> None:
    (handover,) = [step for step in steps() if step.get("name") == "Hand over the evidence"]
    assert handover["with"]["include-hidden-files"] is True  # .shipworthy/evidence is one


def play(job: str, at: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the shell steps of the action for one job, as a runner would, without its network steps."""
    inputs = {name: one.get("default", "") for name, one in read(ACTION)["inputs"].items()} | {"job": job} | given
    shim = at / "bin"
    shim.mkdir(exist_ok=True)
    (shim / "shipworthy").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shipworthy "$@"\n')
    (shim / "shipworthy").chmod(0o755)
    base = {name: value for name, value in os.environ.items() if not name.startswith(("SHIPWORTHY", "GITHUB", "CI_"))}
    base |= {"PATH": f"{shim}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(at / "summary.md")}
    ran = subprocess.CompletedProcess[str]([], 0, "", "")
    for step in steps():
        if "run" not in step or step.get("name") == "Install" or not of_job(step, job):
            continue
        if "signing-key != ''" in step.get("if", "") and not inputs["signing-key"]:
            continue
        more = {key: _filled(value, inputs) for key, value in step["env"].items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ran = subprocess.run(command, cwd=at, env=base | more, capture_output=True, text=True, check=False, timeout=100)
        if ran.returncode:
            return ran
    return ran


def _filled(text: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: inputs[match[1]], text)


@pytest.mark.slow
def test_the_action_judges_a_repository_in_two_jobs(prepared: Tiny) -> None:
    key = (prepared.workspace.keys / "signing.pem").read_text()
    (prepared.root / "model/model.sig").unlink()
    assert play("evaluate", prepared.at, root="repo").returncode == 0
    unsigned = play("gate", prepared.at, root="repo")
    assert unsigned.returncode == 4
    assert "::error file=shipworthy.yaml" in unsigned.stdout
    signed = play("gate", prepared.at, root="repo", **{"signing-key": key.rstrip("\n")})
    assert signed.returncode == 0, signed.stdout + signed.stderr
    assert signed.stdout.startswith("::notice title=Shipworthy::SHIP")
    reports = prepared.at / "shipworthy-reports"
    assert {path.name for path in reports.iterdir()} == {"verdict.sarif", "junit.xml", "verdict.json", "comment.md"}
    assert "## SHIP" in (prepared.at / "summary.md").read_text()
    assert key not in signed.stdout + signed.stderr


def test_the_action_refuses_a_job_it_does_not_know(tmp_path: Path) -> None:
    first = next(step for step in steps() if "run" in step)
    for job, code in (("gate", 0), ("evaluate", 0), ("", 2), ("gate; true", 2)):
        ran = subprocess.run(["bash", "-c", first["run"]], env={**os.environ, "JOB": job}, check=False, cwd=tmp_path)
        assert ran.returncode == code
