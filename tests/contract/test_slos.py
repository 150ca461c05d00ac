from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.slos import Declared, read_slos
from shipworthy.facts import Action, Clause, Policy, Severity, Slo, Target, digest
from shipworthy.indicators import INDICATORS
from tests.contract.repository import MISSION_SLOS

DECLARED = Declared(
    names=frozenset({"decision", "uncertainty"}),
    endpoints=frozenset({"decide", "quote"}),
    served="decide",
    segment_keys={"office": None},
)


def slo(**keys: str) -> str:
    """Return a file of one SLO, two lines of head and one a key: name 2, objective 3, target 4, window 5, action 6."""
    written = {
        "name": "auroc",
        "objective": "Rank.",
        "target": '">= 0.7"',
        "window": "rolling",
        "action_on_breach": "route_to_human_review",
    } | keys
    lines = [f"{'  - ' if at == 0 else '    '}{key}: {value}" for at, (key, value) in enumerate(written.items())]
    return "slos:\n" + "\n".join(lines) + "\n"


def only(text: str) -> Slo:
    policy, problems = read_slos(text, declared=DECLARED)
    assert policy is not None, problems
    return policy.slos[0]


def test_the_policy_of_the_mission_loads_unchanged_byte_for_byte() -> None:
    policy, problems = read_slos(MISSION_SLOS)
    assert not problems
    assert policy == Policy(
        slos=(
            Slo(
                name="ood_recall_7d",
                indicator="ood_recall",
                objective="Detect distribution shift before harm.",
                target=Target(op=">=", value=0.90),
                window="7d",
                action_on_breach=Action.DEGRADE_TO_SAFE_MODE,
                clause=Clause.MONITORING,
                min_samples=60,
                severity=Severity.SEV2,
            ),
            Slo(
                name="decision_ece_p95_24h",
                indicator="decision_ece",
                quantile=95,
                objective="Keep calibration error low on high-impact endpoints.",
                target=Target(op="<=", value=0.05),
                window="24h",
                action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
                clause=Clause.MONITORING,
                min_samples=300,
                severity=Severity.SEV3,
            ),
            Slo(
                name="never_event_violations",
                indicator="never_event_violations",
                objective="Zero violations of policy-defined 'never events'.",
                target=Target(op="==", value=0.0),
                window="rolling",
                action_on_breach=Action.KILL_SWITCH,
                clause=Clause.ALIGNMENT,
                min_samples=1,
                severity=Severity.SEV1,
            ),
        )
    )


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (slo(target='">= 0.7"\n    target: ">= 0.1"'), 5, "written twice"),
        (slo(name="aurok"), 2, "unknown indicator 'aurok'"),
        (slo(name="AUROC"), 2, "not an SLO name"),
        (slo(name="auroc_p0"), 2, "unknown indicator 'auroc_p0'"),
        (slo(name="error_rate_p95", target='"<= 0.3"'), 2, "it has no percentile"),
        (slo(name="latency_ms", target='"<= 100"'), 2, "needs a percentile"),
        (slo(indicator="latency"), 7, "unknown indicator 'latency'"),
        (slo(name='"case:x"', indicator="auroc"), 2, "not an SLO name"),
        (slo(target='"> 0.7"'), 4, "not a target"),
        (slo(target="0.7"), 4, "expected text"),
        (slo(target='">= high"'), 4, "not a target"),
        (slo(target='">= nan"'), 4, "not a target"),
        (slo(target='">= inf"'), 4, "not a target"),
        (slo(target='">= 1e999"'), 4, "not a finite number"),
        (slo(target='"== 0.7"'), 4, "== can never be proven"),
        (slo(target='"<= 0.7"'), 4, "auroc is better when larger"),
        (slo(name="error_rate", target='">= 0.3"'), 4, "error_rate is better when smaller"),
        (slo(name="error_rate", target='"<= 30"'), 4, "between 0 and 1"),
        (slo(name="error_rate", target='"<= 1"'), 4, "can never be breached"),
        (slo(name="auroc_7d"), 5, "the name says 7d, the window rolling"),
        (slo(name="auroc_7d", window="8d"), 5, "the name says 7d, the window 8d"),
        (slo(name="mine_7d", indicator="auroc", window="24h"), 5, "the name says 7d, the window 24h"),
        (slo(window="1w"), 5, "not a window"),
        (slo(window="0h"), 5, "not a window"),
        (slo(action_on_breach="kill"), 6, "'kill' is not allowed"),
        (slo(objective="' '"), 3, "objective is empty"),
        (slo(min_samples="0"), 7, "min_samples below 1"),
        (slo(min_samples="'9'"), 7, "expected a whole number"),
        (slo(level="1"), 7, "level 1 is not in"),
        (slo(level="0.2"), 7, "level 0.2 is not in"),
        (slo(max_regression="-1"), 7, "negative"),
        (slo(primary="true"), 7, "primary without max_regression"),
        (slo(name="review_rate", target='"<= 0.5"', primary="true", max_regression="0.1"), 7, "compared row by row"),
        (slo(metric="fpr"), 7, "takes no metric"),
        (slo(segments="[]"), 7, "no segment"),
        (slo(segments="[region=x]"), 7, "unknown segment key 'region'"),
        (slo(segments="[{office: 1.5}]"), 7, "text or whole numbers"),
        (slo(segments="['office=B,A']"), 7, "not in canonical form"),
        (slo(ownr="x"), 7, "unknown key slos[0].ownr"),
        (slo(clause="ethics"), 7, "'ethics' is not allowed"),
        (slo(on_no_data="ignore"), 7, "'ignore' is not allowed"),
        (slo(evidence="guess"), 7, "'guess' is not allowed"),
        (slo() + slo()[6:], 7, "used twice"),
        ("slos: []\n", 1, "no SLO"),
        ("never_events: []\n", 1, "missing key slos"),
        (slo() + "never_events:\n  - {name: n, never: 'decision =='}\n", 8, "not an expression"),
        (slo() + "never_events:\n  - {name: n, never: \"decison == 'x'\"}\n", 8, "unknown name 'decison'"),
        (slo() + "never_events:\n  - {name: n, never: 'uncertainty > 1', endpoint: pay}\n", 8, "unknown endpoint"),
        (slo() + "never_events:\n  - {name: n, never: 'uncertainty > 1', endpoint: quote}\n", 8, "which nobody checks"),
        (slo() + "never_events:\n  - {name: N n, never: 'uncertainty > 1'}\n", 8, "not a name"),
        (slo() + "never_events:\n  - {name: n, never: 'uncertainty > 1', scope: all}\n", 8, "'all' is not allowed"),
    ],
)
def test_a_policy_that_could_mislead_is_refused_at_its_line(text: str, line: int, told: str) -> None:
    policy, problems = read_slos(text, declared=DECLARED)
    assert policy is None
    assert [problem.line for problem in problems if told in problem.what] == [line], [str(one) for one in problems]
    assert all(problem.exit_code == 3 and problem.fix for problem in problems)


def test_an_unknown_indicator_lists_the_known_ones_and_the_nearest() -> None:
    _, problems = read_slos(slo(name="decision_ecee_24h", target='"<= 0.05"', window="24h"))
    assert problems[0].fix.startswith("did you mean 'decision_ece'?")
    assert all(name in problems[0].fix for name in INDICATORS)


def test_with_a_fault_of_shape_an_unknown_indicator_is_told_as_well() -> None:
    _, problems = read_slos(slo(name="aurok", extra="1"))
    assert {problem.line for problem in problems} == {2, 7}


def test_two_never_events_of_one_name_are_refused() -> None:
    text = slo() + "never_events:\n  - {name: n, never: 'uncertainty > 1'}\n  - {name: n, never: 'uncertainty > 2'}\n"
    _, problems = read_slos(text, declared=DECLARED)
    assert [(problem.line, problem.what) for problem in problems] == [(9, "the name 'n' is used twice")]


def test_more_than_three_primary_slos_are_refused() -> None:
    text = "slos:\n" + "".join(
        slo(name=f"a{n}", indicator="auroc", primary="true", max_regression="0.1")[6:] for n in range(4)
    )
    _, problems = read_slos(text)
    assert [problem.what for problem in problems] == ["more than three primary SLOs"]


def test_defaults_come_from_the_table_and_the_action() -> None:
    slo_read = only(slo(name="ood_recall_1h", target='">= 0.9"', window="60m", action_on_breach="kill_switch"))
    assert (slo_read.min_samples, slo_read.clause, slo_read.severity) == (60, Clause.MONITORING, Severity.SEV1)
    assert (slo_read.level, slo_read.evidence, slo_read.segments, slo_read.trial) == (0.95, "bound", ("*",), False)


def test_what_is_written_wins_over_the_defaults() -> None:
    read = only(slo(min_samples="7", level="0.99", clause="alignment", severity="SEV4", evidence="point", trial="true"))
    assert (read.min_samples, read.level, read.clause, read.severity) == (7, 0.99, Clause.ALIGNMENT, Severity.SEV4)
    assert (read.evidence, read.trial) == ("point", True)


def test_a_free_name_takes_its_percentile_from_the_indicator() -> None:
    read = only(slo(name="Calibration.mine", indicator="decision_ece_p95", target='"<= 0.05"'))
    assert (read.name, read.indicator, read.quantile) == ("Calibration.mine", "decision_ece", 95)


def test_a_segment_written_as_a_mapping_is_the_same_policy() -> None:
    text, mapping = only(slo(segments="['office=A,B', '*']")), only(slo(segments="['*', {office: [B, A]}]"))
    assert text == mapping
    assert digest(text) == digest(mapping)
    assert text.segments == ("*", "office=A,B")


@pytest.mark.parametrize("row", INDICATORS.values(), ids=INDICATORS)
def test_every_indicator_of_the_table_can_be_asked_for(row: object) -> None:
    indicator = INDICATORS[row.name]  # type: ignore[attr-defined]
    name = indicator.name + ("_p99" if indicator.kind == "quantile" else "")
    op = ">=" if indicator.good == "up" else "<="
    assert only(slo(name=name, target=f'"{op} 0.5"')).indicator == indicator.name


@given(st.text(max_size=120))
def test_arbitrary_text_gives_problems_and_never_raises(text: str) -> None:
    policy, problems = read_slos(text, declared=DECLARED)
    assert policy is None
    assert problems


@given(st.text(max_size=40))
def test_an_arbitrary_target_is_a_target_or_a_problem(target: str) -> None:
    policy, problems = read_slos(slo(target="'" + target.replace("'", "''") + "'"), declared=DECLARED)
    assert (policy is None) is bool(problems)
