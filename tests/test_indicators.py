"""The table of indicators and the grammar of SLO names."""

from __future__ import annotations

import pytest

from shipworthy.indicators import INDICATORS, length_seconds, parse_name, window_seconds


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("ood_recall_7d", ("ood_recall", None, "7d")),
        ("decision_ece_p95_24h", ("decision_ece", 95, "24h")),
        ("never_event_violations", ("never_event_violations", None, None)),
        ("latency_ms_p99_5m", ("latency_ms", 99, "5m")),
        ("kill_time_ms", ("kill_time_ms", None, None)),
        ("drill_age_d", ("drill_age_d", None, None)),
    ],
)
def test_a_name_is_indicator_percentile_and_window(name: str, parsed: tuple[str, int | None, str | None]) -> None:
    assert parse_name(name) == parsed


@pytest.mark.parametrize("name", INDICATORS)
def test_every_indicator_is_its_own_name(name: str) -> None:
    assert parse_name(name) == (name, None, None)


@pytest.mark.parametrize("name", ["", "OOD", "a b", "1x", "ood-recall", "x__p95", "_x"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an SLO name"):
        parse_name(name)


@pytest.mark.parametrize(("window", "seconds"), [("5m", 300), ("24h", 86400), ("7d", 604800), ("rolling", None)])
def test_windows_have_a_length(window: str, seconds: int | None) -> None:
    assert window_seconds(window) == seconds


@pytest.mark.parametrize("window", ["", "0d", "1w", "d", "-1h", "24", "1.5h", "24h ", "24h\n"])
def test_other_windows_are_refused(window: str) -> None:
    with pytest.raises(ValueError, match="not a window"):
        window_seconds(window)


@pytest.mark.parametrize("text", ["", "0d", "1s", "24", "rolling"])
def test_a_length_of_time_ends_and_is_no_window(text: str) -> None:
    with pytest.raises(ValueError, match="not a length of time"):
        length_seconds(text)
    assert length_seconds("36h") == 129600


@pytest.mark.parametrize("window", ["36526d", "9999999999999d", "99999999999999999d", "1" + "0" * 5000 + "m"])
def test_a_length_that_fits_no_calendar_is_refused(window: str) -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        window_seconds(window)
    assert window_seconds("36525d") == 36_525 * 86_400


def test_every_indicator_has_a_place_to_be_measured() -> None:
    assert all(row.offline or row.online for row in INDICATORS.values())
