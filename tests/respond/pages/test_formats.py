"""Each format says the same page in the words, limits and shapes that its documentation asks for."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import Severity
from shipworthy.respond.moments import later, moment
from shipworthy.respond.pages import alertmanager, apprise_text, cloudevents, pagerduty
from shipworthy.respond.pages.page import Phase
from tests.respond.pages.golden import FOLDER, KILLED, texts
from tests.respond.pages.made import AT, TOLD, page

WILD = st.text(max_size=3_000)


class Payload(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """PD-CEF as PagerDuty documents it."""

    summary: str
    source: str
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: str = ""
    component: str = ""
    group: str = ""
    class_: str = msgspec.field(name="class", default="")
    custom_details: dict[str, str] = {}


class Link(msgspec.Struct, forbid_unknown_fields=True):
    """A link of an event."""

    href: str
    text: str = ""


class PagerDutyEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An event of the Events API v2 as PagerDuty documents it."""

    routing_key: str
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str
    payload: Payload | None = None
    links: list[Link] = []
    images: list[dict[str, str]] = []
    client: str = ""
    client_url: str = ""


def valid_event(raw: bytes) -> PagerDutyEvent:
    """Return the event when it is inside every documented limit. Raises AssertionError or msgspec.ValidationError."""
    event = msgspec.json.decode(raw, type=PagerDutyEvent, strict=True)
    assert len(raw) <= 512 << 10
    assert re.fullmatch("[A-Za-z0-9]{32}", event.routing_key)
    assert 1 <= len(event.dedup_key) <= 255
    assert (event.payload is not None) == (event.event_action == "trigger")
    if event.payload is not None:
        assert 1 <= len(event.payload.summary) <= 1024
        assert event.payload.source
        datetime.fromisoformat(event.payload.timestamp)
    return event


@pytest.mark.parametrize("file", sorted(texts()))
def test_a_page_says_what_it_said_before(file: str) -> None:
    assert (FOLDER / file).read_text(encoding="utf-8") == texts()[file]


@given(WILD, WILD, WILD, st.sampled_from(Severity), st.sampled_from(Phase))
def test_an_event_for_pagerduty_fits_its_documented_shape_whatever_the_words(
    title: str, because: str, runbook: str, severity: Severity, phase: Phase
) -> None:
    one = page(title=f"x{title}", because=because, runbook=runbook, severity=severity, phase=phase)
    try:
        raw = msgspec.json.encode({"routing_key": "0" * 32, **pagerduty.event(one)})
    except UnicodeEncodeError:  # pages hold no lone surrogate: `line` takes them out
        return
    valid_event(raw)


@pytest.mark.parametrize(
    ("severity", "word", "priority"),
    [
        (Severity.SEV1, "critical", "P1"),
        (Severity.SEV2, "error", "P2"),
        (Severity.SEV3, "warning", "P3"),
        (Severity.SEV4, "info", "P4"),
    ],
)
def test_a_severity_is_one_word_and_one_priority_everywhere(severity: Severity, word: str, priority: str) -> None:
    one = page(severity=severity)
    (alert,) = alertmanager.alerts(one, None, AT)
    assert (alert["labels"]["severity"], alert["labels"]["sev"]) == (word, severity.value)
    assert alert["annotations"]["priority"] == priority
    assert pagerduty.event(one)["payload"]["severity"] == word
    assert pagerduty.event(one)["payload"]["custom_details"]["priority"] == priority
    assert cloudevents.event(one)["data"]["priority"] == priority
    assert apprise_text.text(one).title.startswith(severity.value)


def test_every_format_names_the_runbook_and_the_one_thing_to_confirm_with_its_command() -> None:
    one = page()
    for told in (
        alertmanager.alerts(one, None, AT),
        pagerduty.event(one),
        cloudevents.event(one),
        apprise_text.text(one),
    ):
        for each in (one.confirm, one.command, one.runbook):
            assert each in json.dumps(told)


def test_an_alert_has_exactly_the_labels_that_are_documented_and_names_that_alertmanager_takes() -> None:
    labels = alertmanager.labels(page())
    assert set(labels) == {"alertname", "severity", "sev", "model", "tenant", "segment", "slo", "epoch"}
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and text for name, text in labels.items())
    assert labels["alertname"] == "ShipworthySegmentDegraded"
    assert labels["epoch"] == "7"


def test_an_alert_ends_five_minutes_after_each_word_and_at_once_when_it_is_resolved() -> None:
    for minutes in range(3):
        now = later(AT, 60 * minutes)
        (alert,) = alertmanager.alerts(page(), None, now)
        assert moment(alert["endsAt"]) == later(now, 300)
    (over,) = alertmanager.alerts(page(phase=Phase.RESOLVED, ended=TOLD), page(), later(AT, 60))
    assert moment(over["endsAt"]) == later(AT, 60)
    assert over["labels"] == alertmanager.labels(page())


@given(st.integers(-(10**6), 10**6), st.sampled_from(Phase))
def test_an_alert_never_ends_before_it_begins_whatever_the_clocks_say(seconds: int, phase: Phase) -> None:
    for alert in alertmanager.alerts(page(phase=phase, ended=TOLD), page(epoch=1), later(AT, seconds)):
        assert moment(alert["startsAt"]) <= moment(alert["endsAt"])


def test_an_alert_that_gets_worse_ends_under_its_old_labels() -> None:
    ended, goes_on = alertmanager.alerts(page(severity=Severity.SEV1), page(), AT)
    assert (ended["labels"]["sev"], ended["endsAt"]) == ("SEV2", TOLD)
    assert (goes_on["labels"]["sev"], goes_on["endsAt"] > TOLD) == ("SEV1", True)
    assert len(alertmanager.alerts(page(because="other numbers"), page(), AT)) == 1
    assert len(alertmanager.alerts(page(severity=Severity.SEV1), page(phase=Phase.RESOLVED), AT)) == 1


@pytest.mark.parametrize(
    ("phase", "action"),
    [(Phase.FIRING, "trigger"), (Phase.ACKNOWLEDGED, "acknowledge"), (Phase.RESOLVED, "resolve")],
)
def test_pagerduty_hears_one_key_from_the_first_to_the_last_word(phase: Phase, action: str) -> None:
    told = pagerduty.event(page(phase=phase))
    assert (told["event_action"], told["dedup_key"]) == (action, "tiny-triage/supplier=S2/ood_repeats")
    assert "routing_key" not in told  # it is a secret, and added where it is sent


def test_who_is_called_next_stands_first() -> None:
    assert pagerduty.event(KILLED)["payload"]["summary"].startswith("not confirmed, call ben: ")
    assert "call ben" in apprise_text.text(KILLED).body
    assert alertmanager.alerts(KILLED, None, AT)[0]["annotations"]["escalation"] == "ben"


KINDS = (
    "rollout.advanced", "rollout.rolled_back", "segment.degraded", "review.routed", "killswitch.tripped",
    "drill.completed", "bypass.used",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_has_what_cloudevents_1_0_requires(kind: str) -> None:
    event = cloudevents.event(page(kind=kind))
    assert event["type"] == f"dev.shipworthy.{kind}.v1"
    for name in ("id", "source", "specversion", "type", "subject", "datacontenttype"):
        assert isinstance(event[name], str)
        assert event[name]
    assert event["specversion"] == "1.0"
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)
    assert datetime.fromisoformat(event["time"]).tzinfo is not None


def test_the_same_word_about_a_page_has_the_same_id_and_another_word_another() -> None:
    first = page()
    others = [
        replace(first, phase=Phase.ACKNOWLEDGED),
        replace(first, step=1),
        replace(first, at="2027-01-05T00:00:00.000000Z"),
    ]
    ids = [cloudevents.event(one)["id"] for one in (first, *others)]
    assert cloudevents.event(page())["id"] == ids[0]
    assert len(set(ids)) == len(ids)


def test_a_chat_hears_what_to_confirm_first_and_never_more_than_it_takes() -> None:
    said = apprise_text.text(page(because="b" * 9_000))
    assert said.body.startswith(page().confirm + "\n" + page().command)
    assert len(said.body) <= 2_000
    assert len(said.title) <= 200
    assert apprise_text.text(page(phase=Phase.RESOLVED, ended=TOLD)).kind == "success"
    assert apprise_text.text(page(phase=Phase.ACKNOWLEDGED)).title.startswith("acknowledged: ")


def test_the_same_page_is_the_same_bytes() -> None:
    one, other = texts(), texts()
    assert one == other


def test_a_resolved_page_says_when_it_ended() -> None:
    over = page(phase=Phase.RESOLVED, ended="2027-01-04T09:30:00.000000Z")
    assert cloudevents.event(over)["time"] == over.ended
    assert cloudevents.event(over)["data"]["state"] == "resolved"
    assert over.ended in apprise_text.text(over).body
