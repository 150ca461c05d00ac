"""What check warns of: an SLO that run time cannot show, and an action that an estimate may not take."""

from __future__ import annotations

import pytest

from shipworthy.contract.live_limits import live_limits
from shipworthy.contract.slos import read_slos

ONE = """slos:
  - name: {name}
    objective: o
    target: "<= 0.5"
    window: 24h
    action_on_breach: {action}
    segments: {segments}
"""


def told(name: str, action: str = "route_to_human_review", segments: str = '["*"]') -> tuple[str, ...]:
    policy, problems = read_slos(ONE.format(name=name, action=action, segments=segments))
    assert problems == ()
    return live_limits(policy)


@pytest.mark.parametrize("name", ["drift_excess_24h", "latency_ms_p99_24h", "subgroup_gap_24h"])
def test_a_segment_that_windows_do_not_show_is_warned_of(name: str) -> None:
    (warning,) = told(name, segments='["*", "supplier=P42", "tenant=acme"]')
    assert warning.startswith(f"{name} on supplier=P42 is no_data at run time")
    assert told(name) == ()


def test_what_slim_windows_show_is_fine_in_every_segment() -> None:
    assert told("prediction_drift_24h", segments='["supplier=P42"]') == ()


def test_more_than_review_is_not_to_be_had_from_an_estimate() -> None:
    (warning,) = told("estimated_error_rate_24h", "kill_switch")
    assert "no kill_switch comes of it" in warning
    assert told("estimated_error_rate_24h") == ()
    assert told("error_rate_24h", "kill_switch") == ()


def test_no_policy_warns_of_nothing() -> None:
    assert live_limits(None) == ()
