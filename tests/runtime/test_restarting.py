"""A site that was stopped goes on judging where it was: nothing forgotten, no gap where it said that it stops."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.flows.tiny import Tiny
from tests.runtime.served import Served

pytestmark = pytest.mark.slow


def judged(served: Served, slo: str, version: str = "2") -> dict[str, Any]:
    """Return how one SLO stands, after a minute has passed."""
    served.keep_up(minutes=1)
    served.keep_up()
    (found,) = (one for one in served.status()["judgements"][version] if one["slo"] == slo)
    return dict(found)


def die(served: Served) -> None:
    """Let a site go as one that is killed: nothing more is written, and its lock falls open."""
    site = served.site
    site.telemetry.finish = lambda minute: None  # type: ignore[method-assign]
    site.run.end = lambda: os.close(site.run._held)  # type: ignore[method-assign]


def test_after_an_orderly_restart_the_same_sums_are_judged_without_a_gap(rolling: Tiny) -> None:
    with Served(rolling) as served:
        for n in range(5):
            served.decide(visit=f"v-{n}")
        before = judged(served, "never_event_violations")
        assert (before["outcome"], "n=5" in before["because"]) == ("met", True)
        receipt = served.decide()["receipt"]
        rolling.clock.advance(3600)
        served.keep_up()
        assert served.post("/labels", {"receipt": receipt, "label": 0})[1] == {"status": "accepted"}
        since = served.site.controller.since["2"]
    rolling.clock.advance(30 * 60)
    with Served(rolling) as served:
        served.until_served("2")
        after = judged(served, "never_event_violations")
        assert (after["outcome"], "n=6" in after["because"]) == ("met", True)
        assert served.site.controller.since["2"] == since
        assert served.status()["labels"] == 1
        assert served.status()["bounds_met"] == {"spilled": 0, "folded": 0, "skewed": 0, "unwritten": 0}
        served.decide()
        assert "n=7" in judged(served, "never_event_violations")["because"]


def test_after_a_crash_the_gap_is_told_and_nothing_is_green(rolling: Tiny) -> None:
    with Served(rolling) as served:
        served.decide()
        assert judged(served, "never_event_violations")["outcome"] == "met"
        served.decide()  # in memory only
        die(served)
    with Served(rolling) as served:
        served.until_served("2")
        found = judged(served, "never_event_violations")
        assert found["outcome"] == "no_data"
        served.decide()
        assert judged(served, "never_event_violations")["outcome"] == "no_data"


def test_an_alarm_that_nobody_answered_is_still_counted(rolling: Tiny) -> None:
    with Served(rolling, observe_only=True) as served:
        for n in range(8):
            served.decide(supplier=f"S{9 + n}", visit=f"u-{n}")
        assert judged(served, "ood_repeats")["outcome"] == "breached"
    with Served(rolling, observe_only=True) as served:
        served.until_served("2")
        assert judged(served, "ood_repeats")["outcome"] == "breached"
        assert [one["segment"] for one in served.status()["alarms"]] == ["supplier=__unseen__"]


def test_the_store_is_rolled_up_off_the_request_path(rolling: Tiny) -> None:
    with Served(rolling) as served:
        served.decide()
        served.keep_up(minutes=1)
        served.keep_up()
        for _ in range(4):
            served.keep_up(minutes=60)
            served.keep_up()
        since = served.site.controller.since["2"]
    with Served(rolling) as served:
        found = served.site.store.windows("2", since, since + 24 * 60)
        assert [one.n for one in found if one.arm == "candidate"] == [1]
        minutes = {one.minute for one in found}
        assert all(minute % 5 == 0 or minute == since for minute in minutes)
