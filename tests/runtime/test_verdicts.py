"""What Argo Rollouts and Flagger hear: a table of every state against every question; nothing unknown ever passes."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import Outcome
from shipworthy.runtime.outside.analysis import analysis
from shipworthy.runtime.outside.flagger import HOOKS, Hook, announces_end, hook_answer, read_hook
from shipworthy.runtime.outside.verdict import verdict_of
from tests.runtime.rollouts_seen import FIRST, LAST, NOW, SITES, STAGES, ended, seen

VERDICTS = {
    "met": "pass",
    "met in the last stage": "pass",
    "undecided": "inconclusive",
    "no data": "inconclusive",
    "thin": "inconclusive",
    "breached": "fail",
    "not judged": "inconclusive",
    "stale": "inconclusive",
    "of the future": "inconclusive",
    "held": "inconclusive",
    "aborted": "fail",
    "completed": "pass",
    "closed": "fail",
    "not loaded": "pass",
}
START, READY = "confirm-rollout", "pre-rollout"
PASSING: dict[str, set[str]] = {  # the states in which Flagger goes on; in `rollback`: rolls back
    START: {"met", "met in the last stage", "undecided", "no data", "thin", "not judged", "stale", "of the future",
            "not loaded"},
    READY: {"met", "met in the last stage", "undecided", "no data", "thin", "not judged", "stale", "of the future"},
    "rollout": {"met", "met in the last stage", "completed", "not loaded"},
    "confirm-traffic-increase": {"met", "met in the last stage", "completed", "not loaded"},
    "confirm-promotion": {"met in the last stage", "completed"},
    "rollback": {"breached", "aborted", "closed"},
    "post-rollout": set(VERDICTS),
    "event": set(VERDICTS),
}  # fmt: skip


@pytest.mark.parametrize("state", VERDICTS)
def test_argo_hears_one_of_three_words_and_only_finite_numbers(state: str) -> None:
    status, body = analysis(SITES[state], "tiny", "2")
    assert status == 200
    told = body["data"]
    assert set(told) == {"verdict", "score", "samples", "minSamples", "reasons", "epoch"}
    assert told["verdict"] == VERDICTS[state]
    assert math.isfinite(told["score"])
    assert 0.0 <= told["score"] <= 1.0
    assert told["reasons"]
    assert told["epoch"] == 42
    assert (told["verdict"] == "fail") == (state in ("breached", "aborted", "closed"))


def test_argo_hears_an_error_and_no_verdict_of_what_is_not_rolled_out() -> None:
    for site, model, revision in (
        (SITES["met"], "other", "2"),
        (SITES["met"], "tiny", "3"),
        (SITES["none"], "tiny", ""),
    ):
        status, body = analysis(site, model, revision)
        assert status == 404
        assert set(body) == {"error"}
    assert analysis(SITES["met"], "tiny")[0] == 200


def test_a_tenant_outside_of_the_stage_is_not_passed_on_the_word_of_others() -> None:
    assert analysis(SITES["met"], "tiny", "2", "acme")[1]["data"]["verdict"] == "pass"
    told = analysis(SITES["met"], "tiny", "2", "birch")[1]["data"]
    assert (told["verdict"], told["reasons"][0]) == ("inconclusive", "tenant 'birch' is not in this stage")
    assert analysis(SITES["met in the last stage"], "tiny", "2", "birch")[1]["data"]["verdict"] == "pass"
    assert analysis(SITES["breached"], "tiny", "2", "birch")[1]["data"]["verdict"] == "fail"
    assert analysis(SITES["completed"], "tiny", "2", "birch")[1]["data"]["verdict"] == "pass"


@pytest.mark.parametrize("state", VERDICTS)
@pytest.mark.parametrize("kind", HOOKS)
def test_flagger_goes_on_only_in_the_states_of_the_table(kind: str, state: str) -> None:
    status, reason = hook_answer(SITES[state], kind, Hook(metadata={"revision": "2"}))
    assert (status <= 202) == (state in PASSING[kind])
    assert status in (200, 409)
    assert reason


def test_rollback_says_the_opposite_of_a_promotion_whenever_a_breach_is_known() -> None:
    for state in ("breached", "aborted", "closed"):
        for kind in ("rollout", "confirm-traffic-increase", "confirm-promotion", "confirm-rollout", "pre-rollout"):
            assert hook_answer(SITES[state], kind, Hook())[0] > 202
        assert hook_answer(SITES[state], "rollback", Hook(phase="Waiting"))[0] == 200


@pytest.mark.parametrize("kind", HOOKS)
def test_no_hook_passes_of_what_is_not_rolled_out(kind: str) -> None:
    for site, metadata in (
        (SITES["none"], {}),
        (SITES["met"], {"revision": "9"}),
        (SITES["met"], {"model": "other"}),
        (SITES["breached"], {"revision": "9"}),
    ):
        assert hook_answer(site, kind, Hook(metadata=metadata))[0] == 404


@given(st.text())
def test_an_unknown_type_never_passes(kind: str) -> None:
    if kind not in HOOKS:
        assert hook_answer(SITES["breached"], kind, Hook())[0] == 404


@given(
    st.sampled_from(Outcome), st.sampled_from(Outcome), st.integers(0, 1000), st.integers(-600, 600), st.booleans(),
    st.sampled_from([FIRST, LAST, ended("held")]),
)  # fmt: skip
def test_only_all_met_fresh_and_enough_passes(
    slo: Outcome, beside: Outcome, samples: int, age_s: float, closed: bool, rollout: object
) -> None:
    site = seen(rollout, slo, beside, samples, age_s, closed)  # type: ignore[arg-type]
    word = analysis(site, "tiny", "2")[1]["data"]["verdict"]
    enough = samples >= 500 and 0 <= age_s <= 300 and not closed and site.rollout.status == "running"  # type: ignore[union-attr]
    assert (word == "pass") == (enough and slo is beside is Outcome.MET)


def test_what_is_missing_is_told_in_requests_and_minutes() -> None:
    verdict = SITES["undecided"].verdict(FIRST)
    assert (verdict.needs_n, verdict.needs_minutes, verdict.waits_for) == (300, math.ceil(300 / (812 / 40)), "")
    assert SITES["thin"].verdict(FIRST).needs_n == 1
    assert SITES["no data"].verdict(FIRST).needs_n is None
    assert SITES["met in the last stage"].verdict(LAST).waits_for == "sre"


def test_a_hook_is_read_with_fields_that_came_later_and_nothing_else_is_a_hook() -> None:
    raw = b'{"name":"podinfo","namespace":"test","phase":"Failed","checksum":"85d5","metadata":{"a":"b"},"new":1}'
    hook = read_hook(raw)
    assert (hook.name, hook.phase, hook.metadata) == ("podinfo", "Failed", {"a": "b"})
    assert announces_end("event", hook)
    assert not announces_end("post-rollout", hook)
    assert not announces_end("event", msgspec.structs.replace(hook, phase="Progressing"))
    for bad in (b"", b"[]", b'{"metadata":{"a":1}}', b"{"):
        with pytest.raises(ValueError, match=r"."):
            read_hook(bad)


def test_what_another_stage_or_status_was_judged_to_show_passes_nothing() -> None:
    shown = SITES["met"].shown
    assert shown is not None
    for now in (
        LAST,
        msgspec.structs.replace(FIRST, id="ROL-2027-0002"),
        msgspec.structs.replace(FIRST, status="held"),
    ):
        assert verdict_of(STAGES, now, shown, NOW).verdict == "inconclusive"
    assert verdict_of(STAGES, FIRST, shown, NOW).verdict == "pass"
