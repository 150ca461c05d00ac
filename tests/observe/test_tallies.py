"""The tallies that localisation adds up are the numbers that measurements are made from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import LabelSummary
from shipworthy.observe.labels import label_summary
from shipworthy.observe.measure import from_windows
from shipworthy.observe.measure_labels import Matured, auto_error_rate, error_rate, labelled
from shipworthy.observe.tallies import OF_LABELS, OF_WINDOWS, of_labels, of_windows
from shipworthy.observe.windows import HELD, SHADOW
from tests.observe.made import SCOPE, T0, WORDS, collector, event, receipt

ARMS = ("candidate", "baseline", SHADOW, HELD)
asked = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(ARMS),
        st.booleans(),
        st.booleans(),
        st.sampled_from(("machine", "person")),
        st.sampled_from((None, "unit")),
    )
)


@given(asked)
def test_requests_are_tallied_as_they_are_measured(given_: list[tuple[int, str, bool, bool, str, str | None]]) -> None:
    one = collector()
    for minute, arm, flag, other, route, probe in given_:
        unknown = ("rule",) if other else ()
        more = {"ood_flag": flag, "failed": other, "unknown": unknown, "route": route, "probe": probe}
        one.add(event(T0 + minute, arm=arm, **more))
    windows = one.roll(T0 + 4)
    measured = {each.indicator: each for each in from_windows(windows, SCOPE, T0 + 1, T0 + 3)}
    mine = [window for window in windows if (window.tenant, window.segment) == ("*", "*")]
    for name in OF_WINDOWS:
        assert of_windows(name, mine, T0 + 1, T0 + 3) == (measured[name].hits, measured[name].n)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(ARMS),
            st.floats(0, 1),
            st.integers(0, 1),
            st.sampled_from(("machine", "person")),
        )
    ),
    st.booleans(),
)
def test_labels_are_tallied_as_they_are_measured(given_: list[tuple[int, str, float, int, str]], shadow: bool) -> None:
    labels: list[LabelSummary] = []
    for minute, arm, score, label, route in given_:
        labels += label_summary(receipt(score, T0 + minute, arm=arm, route=route), label, WORDS)
    matured = Matured(SCOPE, T0 + 1, T0 + 3, T0 + 3, shadow=shadow)
    mine = [one for one in labels if (one.tenant, one.segment) == ("*", "*")]
    measured = {"error_rate": error_rate, "auto_error_rate": auto_error_rate}
    for name in OF_LABELS:
        told = measured[name](labelled(labels, matured), matured)
        assert of_labels(name, mine, T0 + 1, T0 + 3, shadow) == (told.hits, told.n)


def test_what_is_no_rate_has_no_tally() -> None:
    with pytest.raises(KeyError):
        of_windows("drift_excess", [], 0, 1)
    with pytest.raises(KeyError):
        of_labels("decision_ece", [], 0, 1, False)
