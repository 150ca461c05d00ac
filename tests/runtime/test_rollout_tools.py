"""The manifests that are shipped, evaluated on the answers that are given: only `pass` lets anything through."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from shipworthy.runtime.outside.analysis import analysis
from shipworthy.runtime.outside.flagger import HOOKS, Hook, hook_answer
from tests.runtime.rollouts_seen import SITES

FOLDER = Path(__file__).resolve().parents[2] / "examples/rollout-tools"
CONDITION = re.compile(r'result\.([a-z]+) == "([a-z]+)"')
OUTCOMES = {"met": "Successful", "breached": "Failed", "undecided": "Inconclusive", "no data": "Inconclusive"}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def metrics() -> list[dict[str, Any]]:
    return [metric for one in documents("argo-analysis.yaml") for metric in one["spec"]["metrics"]]


def holds(condition: str, result: dict[str, Any]) -> bool:
    """Evaluate the one form of condition that the templates use. KeyError for a field that is not answered."""
    asked = CONDITION.fullmatch(condition)
    assert asked is not None, condition
    return bool(result[asked[1]] == asked[2])


def measured(metric: dict[str, Any], status: int, body: dict[str, Any]) -> str:
    """Return the phase of one measurement, as utils/evaluate and the web provider of Argo Rollouts make it."""
    if not 200 <= status < 300:
        return "Error"
    assert metric["provider"]["web"]["jsonPath"] == "{$.data}"
    failed, passed = (holds(metric[one], body["data"]) for one in ("failureCondition", "successCondition"))
    return "Failed" if failed else "Successful" if passed else "Inconclusive"


@pytest.mark.parametrize("state", OUTCOMES)
@pytest.mark.parametrize("at", range(2))
def test_each_outcome_is_the_phase_that_argo_must_hear(at: int, state: str) -> None:
    assert measured(metrics()[at], *analysis(SITES[state], "tiny", "2")) == OUTCOMES[state]


@pytest.mark.parametrize("at", range(2))
def test_a_rollout_that_is_not_known_is_an_error_and_no_phase(at: int) -> None:
    assert measured(metrics()[at], *analysis(SITES["none"], "tiny", "2")) == "Error"
    assert measured(metrics()[at], *analysis(SITES["met"], "tiny", "9")) == "Error"


def test_the_templates_ask_the_page_and_stop_at_the_first_failure() -> None:
    for metric in metrics():
        address = urlsplit(metric["provider"]["web"]["url"])
        assert address.path == "/rollouts/{{args.model}}/analysis"
        assert parse_qs(address.query)["revision"] == ["{{args.revision}}"]
        assert (metric["failureLimit"], metric["consecutiveErrorLimit"]) == (0, 4)
        assert metric["inconclusiveLimit"] >= 2880


def test_every_step_of_the_rollout_waits_for_a_template_with_its_arguments() -> None:
    templates = {one["metadata"]["name"]: one["spec"] for one in documents("argo-analysis.yaml")}
    (rollout,) = documents("argo-rollout.yaml")
    canary = rollout["spec"]["strategy"]["canary"]
    assert canary["dynamicStableScale"] is False
    analyses = [canary["analysis"], *(step["analysis"] for step in canary["steps"] if "analysis" in step)]
    for one in analyses:
        given = {arg["name"] for arg in one["args"]}
        for template in one["templates"]:
            asked = {arg["name"] for arg in templates[template["templateName"]]["args"] if "value" not in arg}
            assert asked <= given
    weights = [at for at, step in enumerate(canary["steps"]) if "setWeight" in step]
    assert all("analysis" in canary["steps"][at + 1] for at in weights)


def test_the_canary_calls_hooks_that_exist_by_their_own_names() -> None:
    (canary,) = documents("flagger-canary.yaml")
    hooks = canary["spec"]["analysis"]["webhooks"]
    for hook in hooks:
        assert hook["type"] in HOOKS
        assert urlsplit(hook["url"]).path == f"/hooks/flagger/{hook['type']}"
        assert set(hook["metadata"]) == {"model", "revision"}
    kinds = {hook["type"] for hook in hooks}
    assert {"confirm-traffic-increase", "confirm-promotion", "rollback"} <= kinds
    assert "rollout" not in kinds  # it would count "not yet shown" as a failed check


@pytest.mark.parametrize("state", OUTCOMES)
def test_flagger_with_this_canary_moves_only_on_a_pass_and_goes_back_only_on_a_breach(state: str) -> None:
    hook = Hook(metadata={"model": "tiny", "revision": "2"})
    assert (hook_answer(SITES[state], "confirm-traffic-increase", hook)[0] <= 202) == (state == "met")
    assert (hook_answer(SITES[state], "rollback", hook)[0] <= 202) == (state == "breached")
