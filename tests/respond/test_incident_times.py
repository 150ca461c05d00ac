"""Times and clocks follow from the record: by the calendar of Regulation (EU) 2024/1689, Article 73."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from shipworthy.errors import UsageError
from shipworthy.facts import Incident, Severity
from shipworthy.facts.incident import Harm, HarmType, Reopened
from shipworthy.respond import incidents
from shipworthy.respond.incident_times import clocks, relative, time_to_degrade_s, time_to_detect_s
from shipworthy.respond.recurrence import reopen
from tests.respond.made import at, held, when

DAY = 24 * 60
ONE = incidents.open_incident("INC-1", held("ORD-1"), "auroc", Severity.SEV2, "olu", when(0))
RULES: dict[HarmType, tuple[str, int]] = {
    "health": ("AIA-73.2", 15), "rights": ("AIA-73.2", 15), "property": ("AIA-73.2", 15),
    "environment": ("AIA-73.2", 15), "critical_infrastructure": ("AIA-73.3", 2), "widespread": ("AIA-73.3", 2),
    "death": ("AIA-73.5", 10),
}  # fmt: skip


def harmed(kind: HarmType) -> Incident:
    return incidents.update(ONE, harm=Harm(type=kind, severity="severe"))


@pytest.mark.parametrize("kind", get_args(HarmType))
def test_the_kind_of_harm_sets_its_clock_going_from_when_somebody_was_aware(kind: HarmType) -> None:
    due = [(rule, at(days * DAY)) for name, (rule, days) in RULES.items() if name == kind]
    assert [(one.rule, one.due) for one in clocks(harmed(kind), when(1))] == due


def test_nobody_said_what_harm_was_done_so_no_clock_is_known() -> None:
    assert clocks(ONE, when(99 * DAY)) == ()


def test_a_clock_is_met_by_a_report_in_time_and_late_after_it() -> None:
    death = harmed("death")
    assert [one.state for one in clocks(death, when(10 * DAY))] == ["running"]
    assert [one.state for one in clocks(death, when(10 * DAY + 1))] == ["overdue"]
    assert [one.state for one in clocks(incidents.report(death, "AIA-73.5", when(10 * DAY)), when(99 * DAY))] == ["met"]
    assert [one.state for one in clocks(incidents.report(death, "AIA-73.5", when(10 * DAY + 1)), when(0))] == ["late"]
    assert [one.state for one in clocks(incidents.report(death, "AIA-73.2", when(1)), when(2))] == ["running"]


def test_the_first_report_counts_and_one_from_before_it_came_back_does_not() -> None:
    reported = incidents.report(harmed("death"), "AIA-73.5", when(1))
    assert incidents.report(reported, "AIA-73.5", when(9)) is reported
    back = Reopened(at=at(2 * DAY), order="ORD-2", closed_at=at(DAY), version="2.0")
    again = replace(reported, reopened=(back,), aware_at=at(2 * DAY))
    assert [(one.due, one.state) for one in clocks(again, when(3 * DAY))] == [(at(12 * DAY), "running")]
    assert [one.state for one in clocks(incidents.report(again, "AIA-73.5", when(3 * DAY)), when(4 * DAY))] == ["met"]


def test_a_kind_of_harm_once_said_keeps_its_clock_when_it_is_corrected() -> None:
    milder = incidents.update(harmed("death"), harm=Harm(type="none", severity="none"))
    assert [(one.rule, one.due) for one in clocks(milder, when(1))] == [("AIA-73.5", at(10 * DAY))]
    both = incidents.update(milder, harm=Harm(type="widespread", severity="severe"))
    assert [one.rule for one in clocks(both, when(1))] == ["AIA-73.3", "AIA-73.5"]
    again = incidents.update(both, harm=Harm(type="death", severity="severe"))
    assert [one.rule for one in clocks(again, when(1))] == ["AIA-73.5", "AIA-73.3"]
    same = incidents.update(harmed("health"), harm=Harm(type="rights", severity="minor"))
    assert [one.rule for one in clocks(same, when(1))] == ["AIA-73.2"]
    assert incidents.update(harmed("other"), harm=Harm(type="none", severity="none")).former_harms == ()


def test_harm_of_an_earlier_time_sets_no_clock_going_when_it_comes_back() -> None:
    milder = incidents.update(harmed("death"), harm=Harm(type="none", severity="none"))
    back = reopen(replace(milder, status="closed", closed_at=at(5)), held("ORD-2"), Severity.SEV2, when(6))
    new = incidents.update(back, harm=Harm(type="rights", severity="minor"))
    assert [(one.rule, one.due) for one in clocks(new, when(7))] == [("AIA-73.2", at(15 * DAY + 6))]


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="no rule"):
        incidents.report(ONE, "AIA-99", when(0))


def test_times_count_from_the_first_decision_in_scope_and_are_unknown_without_one() -> None:
    known = replace(ONE, began_at=at(-90), degraded_at=at(2))
    assert (time_to_detect_s(known), time_to_degrade_s(known)) == (5400.0, 5520.0)
    assert (time_to_detect_s(ONE), time_to_degrade_s(ONE)) == (None, None)
    assert time_to_degrade_s(replace(known, degraded_at="")) is None


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0, "+0 s"),
        (0.5, "+30 s"),
        (1, "+1 min 00 s"),
        (61, "+1 h 01 min"),
        (DAY + 60, "+1 d 01 h"),
        (-2, "-2 min 00 s"),
    ],
)
def test_a_moment_is_told_by_how_far_it_lies_away(minutes: float, told: str) -> None:
    assert relative(at(minutes), at(0)) == told


def test_a_moment_that_cannot_be_read_lies_nowhere() -> None:
    assert relative("soon", at(0)) == ""
