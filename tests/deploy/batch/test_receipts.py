"""Receipts made together are those that are made alone: the same key opens them, and the same fields are in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.artifact.mac import tag
from shipworthy.deploy.batch.receipts import mac_of, sealed
from shipworthy.deploy.receipt import LABEL, BadReceipt, score_bin, score_q, unseal
from shipworthy.facts import Receipt
from shipworthy.runtime.batch.ids import spelled, texts, uuid7s

KEY = bytes(range(32))
WORD = st.text(max_size=40)


@settings(max_examples=80)
@given(
    version=WORD,
    tenant=WORD,
    segments=st.lists(WORD, max_size=20).map(tuple),
    groups=st.lists(WORD, max_size=3).map(tuple),
    minute=st.integers(0, 2**33),
    scores=st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=5),
)
def test_a_receipt_of_a_batch_opens_like_any_other(
    version: str,
    tenant: str,
    segments: tuple[str, ...],
    groups: tuple[str, ...],
    minute: int,
    scores: list[float | None],
) -> None:
    def receipt(request: str, score: float | None) -> Receipt:
        return Receipt(
            request=request,
            version=version,
            tenant=tenant,
            segments=segments,
            minute=minute,
            score_bin=score_bin(score),
            score_q=score_q(score),
            arm="candidate",
            route="machine",
            decision="approve",
            groups=groups,
        )

    ids = uuid7s(1.7e9, len(scores))
    column = np.array([math.nan if score is None else score for score in scores])
    tokens = sealed(mac_of(KEY), receipt("", None), spelled(ids), column)
    assert [unseal(KEY, token) for token in tokens] == list(map(receipt, texts(ids), scores))


def test_a_receipt_changed_by_one_letter_or_opened_with_another_key_is_refused() -> None:
    shared = Receipt(
        request="", version="1", tenant="t", segments=(), minute=1, score_bin=-1, score_q=-1, arm="baseline",
        route="machine", decision="approve",
    )  # fmt: skip
    (token,) = sealed(mac_of(KEY), shared, spelled(uuid7s(0.0, 1)), np.array([0.25]))
    for changed, key in ((token[:-1] + ("A" if token[-1] != "A" else "B"), KEY), (token, bytes(32))):
        with pytest.raises(BadReceipt):
            unseal(key, changed)


@given(st.binary(max_size=300))
def test_the_kept_hash_states_make_the_tag_of_the_site(body: bytes) -> None:
    assert mac_of(KEY)(body) == tag(KEY, LABEL, body)


def test_ids_are_uuids_of_version_seven_and_of_the_moment() -> None:
    from uuid import UUID

    made = [UUID(text) for text in texts(uuid7s(1_700_000_000.25, 50))]
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert {one.int >> 80 for one in made} == {1_700_000_000_250}
    assert len(set(made)) == 50
