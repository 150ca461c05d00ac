"""Results of other tools: what did not pass counts against the model, and what is not whole is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.decide import judge
from shipworthy.errors import CannotDecide
from shipworthy.evaluate.imports import evidently, garak, inspect, junit, promptfoo
from shipworthy.evaluate.imports import pytest as ours
from shipworthy.evaluate.imports.results import Ended, Result, Results, measure, worst_of_each
from shipworthy.facts import Action, Clause, Outcome, Slo, Target
from shipworthy.gate.recompute import mismatches
from shipworthy.stats.bounds import rate_bounds
from tests.evaluate import foreign

FILE = "sha256:" + "a" * 64
RATE = Slo(
    name="jailbreaks", indicator="feasible_flip_rate", objective="o", target=Target(op="<=", value=0.2),
    window="rolling", action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW, clause=Clause.ROBUSTNESS, min_samples=1,
    accept=("imported",),
)  # fmt: skip
CASES = msgspec.structs.replace(RATE, name="unit tests", indicator="case_pass_rate", target=Target(op=">=", value=1.0))
COUNT = msgspec.structs.replace(RATE, name="never", indicator="never_event_violations", target=Target(op="==", value=0))


def ended(results: Results) -> list[Ended]:
    """Return how each result ended."""
    return [one.ended for one in results.results]


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ('<testcase name="a"/>', ["passed"]),
        ('<testcase name="a"><system-out>x</system-out><properties/></testcase>', ["passed"]),
        ('<testcase name="a"><failure message="m"/></testcase>', ["failed"]),
        ('<testcase name="a"><error message="m"/></testcase>', ["errored"]),
        ('<testcase name="a"><skipped/></testcase>', ["skipped"]),
        ('<testcase name="a"><skipped/><failure/></testcase>', ["failed"]),
        ('<testcase name="a"><flakyFailure/></testcase>', ["failed"]),
        ('<testcase name="a"><flakyError/></testcase>', ["errored"]),
        ('<testcase name="a" status="run" result="completed"/>', ["passed"]),
        ('<testcase name="a" status="notrun" result="suppressed"/>', ["skipped"]),
        ('<testcase name="a" status="notrun"/>', ["skipped"]),
        ('<testcase name="a" result="suppressed"/>', ["skipped"]),
        ('<testcase name="a" status="failed"/>', ["failed"]),
        ('<testsuite name="inner"><testcase name="a"><failure/></testcase></testsuite>', ["failed"]),
        ("", []),
    ],
)
def test_junit_ends_as_its_worst_word(cases: str, expected: list[Ended]) -> None:
    assert ended(junit.read(foreign.junit(cases), "r.xml")) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html/>",
        b"<testsuites><testsuite>",
        b'<?xml version="1.0" encoding="no-such"?><testsuites/>',
        b'<!DOCTYPE t [<!ENTITY a "aaaa">]><testsuites>&a;</testsuites>',
        foreign.junit('<testcase name="a"><broken/></testcase>'),
        foreign.junit('<testcase name="a" status="perhaps"/>'),
        foreign.junit("<result/>"),
        foreign.junit('<testcase name="a"/>', 'tests="2"'),
        foreign.junit('<testcase name="a"/>', 'failures="1"'),
        foreign.junit('<testcase name="a"/>', 'errors="1"'),
        foreign.junit('<testcase name="a"/>', 'tests="-1"'),
        foreign.junit("<testsuite>" * 60 + "</testsuite>" * 60),
        b"\x00\xff",
    ],
)
def test_junit_that_is_not_whole_is_refused(raw: bytes) -> None:
    with pytest.raises(CannotDecide) as told:
        junit.read(raw, "r.xml")
    assert "\n" not in str(told.value)


def test_evidently_warnings_and_errors_are_no_passes() -> None:
    told = evidently.read(foreign.dump(foreign.evidently("SUCCESS", "FAIL", "WARNING", "ERROR", "SKIPPED")), "r.json")
    assert ended(told) == ["passed", "failed", "failed", "errored", "skipped"]


def test_promptfoo_errors_stay_in_the_denominator() -> None:
    told = promptfoo.read(foreign.dump(foreign.promptfoo(0, 0, 1, 2)), "r.json")
    assert told.tool_version == "0.121.20"
    assert ended(told) == ["passed", "passed", "failed", "errored"]
    made = measure(told, told.results, CASES, "*", "promptfoo", FILE)
    assert (made.n, made.hits, made.value) == (4, 2, 0.5)  # not 2 of 3


def test_inspect_counts_samples_that_broke() -> None:
    told = inspect.read(foreign.dump(foreign.inspect("C", 1, 1.0, True, "I", "P", "N", 0, 0.5, False, None)), "r.json")
    assert ended(told) == ["passed"] * 4 + ["failed"] * 6 + ["errored"]
    assert told.tool_version == "0.3.285"


def test_inspect_needs_every_scorer_and_every_epoch() -> None:
    log = foreign.inspect("C", "C")
    log["samples"][0]["scores"]["match"] = {"value": "I"}
    log["samples"][1]["id"] = 1
    log["eval"]["dataset"]["sample_ids"] = [1]
    assert worst_of_each(inspect.read(foreign.dump(log), "r.json").results) == {"int:1": "failed"}


def test_garak_attempts_pass_only_when_no_detector_speaks_and_all_could() -> None:
    told = garak.read(foreign.lines(foreign.garak([0.0, 0.1], [0.0, 0.5], [0.0, None], [None, 0.9], [])), "r.jsonl")
    assert ended(told) == ["passed", "failed", "errored", "failed", "errored"]
    assert told.tool_version == "0.17.1"


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ("dan.Dan", 0),
        ("dan", 0),
        ("probes.dan.Dan, dan", 0),
        ("all", 0),
        ("", 0),
        (None, 0),
        ("dan.Dan,encoding.InjectBase64", 1),
        ("dan.Dan,encoding,leakreplay", 2),
        ("dan.Da", 1),
    ],
)
def test_a_garak_probe_that_was_asked_for_and_never_ran_is_an_error(spec: str | None, errors: int) -> None:
    entries = foreign.garak([0.0])
    entries[0]["plugins.probe_spec"] = spec
    assert ended(garak.read(foreign.lines(entries), "r.jsonl")) == ["passed"] + ["errored"] * errors


def test_garak_attempts_that_nobody_judged_are_errors() -> None:
    entries = foreign.garak([0.0], [0.0])
    gone = next(one for one in entries if one.get("uuid") == "u1" and one["status"] == 2)
    entries.remove(gone)
    next(one for one in entries if one["entry_type"] == "eval")["passed"] = 1
    assert ended(garak.read(foreign.lines(entries), "r.jsonl")) == ["passed", "errored"]


def without(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a copy without one key."""
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return value


def changed(value: dict[str, Any], to: Any, *path: str) -> dict[str, Any]:
    """Return the value with one key changed."""
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return value


def two_providers() -> dict[str, Any]:
    run = foreign.promptfoo(0, 0)
    run["results"]["results"][1]["provider"] = {"id": "other"}
    return run


def two_prompts() -> dict[str, Any]:
    run = foreign.promptfoo(0, 0)
    run["results"]["results"][1]["promptId"] = "q"
    return run


def success_that_failed() -> dict[str, Any]:
    run = foreign.promptfoo(1)
    run["results"]["results"][0]["success"] = True
    return run


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (evidently.read, {}),
        (evidently.read, []),
        (evidently.read, foreign.evidently()),
        (evidently.read, foreign.evidently("OK")),
        (evidently.read, {"version": "0.4.1", "tests": [], "summary": {}}),
        (promptfoo.read, changed(foreign.promptfoo(0), 4, "results", "version")),
        (promptfoo.read, changed(foreign.promptfoo(0), True, "results", "version")),
        (promptfoo.read, without(foreign.promptfoo(0), "results", "stats")),
        (promptfoo.read, foreign.promptfoo(0, 2, stats={"successes": 1, "failures": 0, "errors": 0})),
        (promptfoo.read, foreign.promptfoo(0, stats={"successes": 2, "failures": 0, "errors": 0})),
        (promptfoo.read, foreign.promptfoo(3)),
        (promptfoo.read, two_providers()),
        (promptfoo.read, two_prompts()),
        (promptfoo.read, success_that_failed()),
        (inspect.read, changed(foreign.inspect("C"), 1, "version")),
        (inspect.read, changed(foreign.inspect("C"), "cancelled", "status")),
        (inspect.read, changed(foreign.inspect("C"), True, "invalidated")),
        (inspect.read, without(foreign.inspect("C"), "samples")),
        (inspect.read, changed(foreign.inspect("C"), 2, "results", "total_samples")),
        (inspect.read, foreign.inspect("C", ids=[1, 2])),
        (inspect.read, foreign.inspect("good")),
    ],
)
def test_a_file_of_another_shape_is_refused_with_one_line(read: Callable[[bytes, str], Results], value: Any) -> None:
    with pytest.raises(CannotDecide) as told:
        read(foreign.dump(value), "r.json")
    assert str(told.value).startswith("r.json")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["start_run setup", "init", "completion", "eval"])
def test_a_garak_report_without_one_of_its_parts_is_refused(kind: str) -> None:
    entries = [one for one in foreign.garak([0.0]) if one["entry_type"] != kind]
    with pytest.raises(CannotDecide):
        garak.read(foreign.lines(entries), "r.jsonl")


@pytest.mark.parametrize("lie", [{"passed": 2}, {"fails": 1}, {"nones": 1}, {"detector": "other"}, {"passed": None}])
def test_a_garak_evaluation_must_follow_from_the_attempts(lie: dict[str, Any]) -> None:
    with pytest.raises(CannotDecide):
        garak.read(foreign.lines(foreign.garak([0.0], **lie)), "r.jsonl")


@pytest.mark.parametrize("threshold", [None, 0, 2, True, "0.5"])
def test_a_garak_report_without_a_threshold_is_refused(threshold: Any) -> None:
    entries = foreign.garak([0.0])
    entries[0]["run.eval_threshold"] = threshold
    with pytest.raises(CannotDecide):
        garak.read(foreign.lines(entries), "r.jsonl")


TESTS = [ours.Test(test="t.py::b", ended="passed", slo="unit tests"), ours.Test(test="t.py::a", ended="errored")]


def test_our_own_format_comes_back_as_written() -> None:
    raw = ours.write(ours.Head(pytest="8.4", exit_status=1, tests=2), TESTS)
    told = ours.read(raw, "r.jsonl")
    assert [(one.test, one.ended, one.slo) for one in told.results] == [
        ("t.py::a", "errored", ""),
        ("t.py::b", "passed", "unit tests"),
    ]
    assert raw == ours.write(ours.Head(pytest="8.4", exit_status=1, tests=2), TESTS[::-1])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        ours.write(ours.Head(pytest="8.4", exit_status=1, tests=3), TESTS),
        ours.write(ours.Head(pytest="8.4", exit_status=2, tests=2), TESTS),
        ours.write(ours.Head(pytest="8.4", exit_status=1, tests=2), TESTS).replace(b'"errored"', b'"fine"'),
        ours.write(ours.Head(pytest="8.4", exit_status=1, tests=2), TESTS).replace(b'"version":1', b'"version":2'),
    ],
)
def test_our_own_format_cut_short_or_altered_is_refused(raw: bytes) -> None:
    with pytest.raises(CannotDecide):
        ours.read(raw, "r.jsonl")


endings = st.lists(st.sampled_from(["passed", "failed", "errored", "skipped"]), max_size=30)


@given(endings, st.sampled_from([RATE, CASES, COUNT]), st.integers(0, 29))
def test_a_result_that_gets_worse_never_helps(ends: list[Ended], slo: Slo, at: int) -> None:
    before = outcome(ends, slo)
    worse: tuple[Ended, ...] = ("failed", "errored", "skipped")
    for one in worse:
        if at < len(ends) and ends[at] == "passed":
            spoiled: list[Ended] = [*ends[:at], one, *ends[at + 1 :]]
            assert outcome(spoiled, slo) is not Outcome.MET or before is Outcome.MET
    if "skipped" in ends or not ends:
        assert before is Outcome.NO_DATA


def outcome(ends: list[Ended], slo: Slo) -> Outcome:
    """Return what the gate would make of these results."""
    told = Results(
        tool="t", tool_version="1", results=tuple(Result(test=str(i), ended=one) for i, one in enumerate(ends))
    )
    made = measure(told, told.results, slo, "*", "junit", FILE)
    assert mismatches([made]) == ()
    return judge(slo, "*", [made]).outcome


@pytest.mark.parametrize(
    ("slo", "hits", "value"), [(RATE, 3, 0.3), (CASES, 7, 0.7), (COUNT, 3, 3.0)], ids=["rate", "enumerated", "count"]
)
def test_hits_are_what_the_indicator_counts(slo: Slo, hits: int, value: float) -> None:
    ends: list[Ended] = ["passed" for _ in range(7)]
    ends += ["failed", "failed", "errored"]
    results = tuple(Result(test=str(index), ended=one) for index, one in enumerate(ends))
    made = measure(Results(tool="t", tool_version="", results=results), results, slo, "*", "junit", FILE)
    assert (made.n, made.hits, made.value) == (10, hits, value)
    if slo is RATE:
        assert (made.lo, made.hi) == rate_bounds(3, 10)


def test_repeats_of_one_question_are_one_trial() -> None:
    results = tuple(Result(test=str(index % 2), ended="failed" if index == 9 else "passed") for index in range(10))
    made = measure(Results(tool="t", tool_version="", results=results), results, CASES, "*", "junit", FILE)
    assert (made.n, made.hits) == (2, 1)


def test_a_skipped_result_leaves_no_number_to_judge() -> None:
    results = (Result(test="a", ended="passed"), Result(test="b", ended="skipped"))
    made = measure(Results(tool="t", tool_version="", results=results), results, CASES, "*", "junit", FILE)
    assert (made.n, made.value, made.lo, made.hi) == (2, None, None, None)
