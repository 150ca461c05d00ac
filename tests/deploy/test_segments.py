"""Segments of a request, scope limits and receipts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature, ScopeLimit
from shipworthy.deploy.limits import UNLIMITED, compile_limits
from shipworthy.deploy.neverevents import compile_never
from shipworthy.deploy.receipt import BadReceipt, receipt_of, score_bin, score_q, seal, unseal
from shipworthy.deploy.segments import segments_of
from shipworthy.errors import ContractError
from shipworthy.facts import FIXED, Decider, Event, NeverEvent, holds, parse_segment
from shipworthy.profile.groups import group_of
from tests.deploy.kit import KEY

CELL = st.none() | st.text(max_size=6) | st.integers(-5, 5) | st.floats(allow_nan=True) | st.booleans()


@given(supplier=CELL, region=CELL, unseen=st.sampled_from([(), ("supplier",)]))
def test_every_text_is_canonical_and_holds_for_its_own_request(
    supplier: object, region: object, unseen: tuple[str, ...]
) -> None:
    row = {"supplier": supplier, "region": region}
    values, texts = segments_of(row, ("region", "supplier"), (("supplier", "region"),), unseen)  # type: ignore[arg-type]
    assert len(texts) == 3
    for text in texts:
        assert parse_segment(text)
        assert holds(text, values)


def test_what_a_version_has_not_seen_or_is_not_there_has_a_name_of_its_own() -> None:
    values, texts = segments_of(
        {"supplier": "P73", "age": None}, ("supplier", "age"), (("supplier", "age"),), ("supplier",)
    )
    assert values == {"supplier": "__unseen__", "age": "__missing__"}
    assert texts == ("supplier=__unseen__", "age=__missing__", "age=__missing__;supplier=__unseen__")


@given(
    cell=st.none() | st.text(max_size=4) | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False),
    bins=st.sampled_from([(), (18.0,), (0.5, 18.0, 65.0)]),
)
def test_a_row_has_the_same_segment_at_the_gate_and_at_run_time(cell: object, bins: tuple[float, ...]) -> None:
    feature = Feature(name="key", type="float" if bins else "category", bins=bins)
    online = segments_of({"key": cell}, ("key",), (), bins={"key": bins} if bins else None)[0]["key"]  # type: ignore[dict-item]
    assert online == group_of(feature, cell)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["__other__", "__missing__", "__unseen__"])
def test_a_reserved_word_that_a_sender_writes_is_a_value_nobody_has_seen(word: str) -> None:
    assert segments_of({"supplier": word}, ("supplier",), ())[0] == {"supplier": "__unseen__"}


def test_a_number_too_large_for_arithmetic_is_missing() -> None:
    assert segments_of({"age": 10**400}, ("age",), (), bins={"age": (18,)})[0] == {"age": "__missing__"}


def test_numbers_are_cut_into_bins_and_secret_values_are_hidden() -> None:
    values, texts = segments_of(
        {"age": 30, "supplier": "P01"},
        ("age", "supplier"),
        (),
        bins={"age": (18, 65)},
        hide=lambda key, value: "#" + key,
    )
    assert values == {"age": "#age", "supplier": "#supplier"}
    assert segments_of({"age": "x"}, ("age",), (), bins={"age": (18,)})[0] == {"age": "__missing__"}
    assert segments_of({"age": 18}, ("age",), (), bins={"age": (18, 65)})[1] == ("age=18_to_65",)
    assert texts == ("age=#age", "supplier=#supplier")


def test_a_scope_limit_holds_inside_its_segment_and_where_the_key_is_missing() -> None:
    limit = ScopeLimit(name="expert_only", segment="region=DE,FR", posture="human_review", decision="D-1")
    limits = compile_limits([limit], "refuse")
    assert limits({"region": "DE"}).names == ("expert_only",)
    assert limits({"region": "DE"}).posture.decider is Decider.PERSON
    assert limits({"region": "US"}) == UNLIMITED
    assert limits({"region": "__missing__"}).names == limits({}).names == ("expert_only",)


def test_a_never_event_that_does_not_compile_is_an_error_and_never_skipped() -> None:
    with pytest.raises(ContractError, match="no_denial"):
        compile_never([NeverEvent(name="no_denial", never="decision ==")])
    assert not compile_never([NeverEvent(name="other", never="decision == 'x'", endpoint="appeal")])


EVENT = Event(
    request="018c", at="2026-01-01T00:00:00.000000Z", minute=29_000_000, version="2", arm="candidate", tenant="acme",
    segments=("supplier=P01",), score=0.75, decision="approve", route="machine", ood_p=0.5, ood_view="marginal",
    ood_flag=False,
)  # fmt: skip


def test_a_receipt_comes_back_as_it_was() -> None:
    receipt = receipt_of(EVENT)
    assert unseal(KEY, seal(KEY, receipt)) == receipt
    assert (receipt.score_bin, receipt.score_q) == (45, 3 * FIXED // 4)
    assert (score_bin(None), score_q(None)) == (-1, -1)


@given(at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_changed_receipt_is_refused(at: int, flip: int) -> None:
    token = seal(KEY, receipt_of(EVENT))
    at %= len(token)
    changed = token[:at] + chr(ord(token[at]) ^ flip) + token[at + 1 :]
    with pytest.raises(BadReceipt):
        unseal(KEY, changed)


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 64])
def test_what_is_no_receipt_is_refused(token: str) -> None:
    with pytest.raises(BadReceipt):
        unseal(KEY, token)


def test_a_receipt_of_another_site_is_refused() -> None:
    with pytest.raises(BadReceipt):
        unseal(bytes(32), seal(KEY, receipt_of(EVENT)))
