"""Ids and times as text, against the standard library's own."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.ids import rfc3339, uuid7, uuids


@given(st.floats(min_value=0, max_value=4e9, allow_nan=False))
def test_a_time_is_written_as_datetime_writes_it(now_s: float) -> None:
    told = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    assert rfc3339(now_s) == told


@given(st.floats(min_value=0, max_value=4e9, allow_nan=False))
def test_an_id_is_a_uuid_of_version_seven_that_carries_its_millisecond(now_s: float) -> None:
    for text in (uuid7(now_s), uuids()(now_s)):
        one = uuid.UUID(text)
        assert str(one) == text
        assert one.version == 7
        assert one.variant == uuid.RFC_4122
        assert one.int >> 80 == int(now_s * 1000)


def test_no_id_comes_twice_not_even_in_one_millisecond() -> None:
    one, other = uuids(), uuids()
    drawn = [new(0.0) for _ in range(5_000) for new in (one, other)]
    assert len(set(drawn)) == len(drawn)
