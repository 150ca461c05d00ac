"""Compressed bodies: inflated as they come, never past the cap, and refused when they are not what they say."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.inflate import Inflated
from shipworthy.deploy.http.wire import Refusal, read_body
from tests.deploy.kit import Site, State, running, score_of_amount

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
ASK = json.dumps({"row": {"tenant": "acme", "supplier": "P01", "amount": 900}}).encode()
MIB = 1 << 20


def read(parts: list[bytes], encoding: str, most: int = MIB, drain: int = 8 * MIB) -> bytes:
    messages = [
        {"type": "http.request", "body": part, "more_body": at + 1 < len(parts)} for at, part in enumerate(parts)
    ]
    waiting = iter(messages)

    async def receive() -> dict[str, object]:
        return next(waiting)

    return asyncio.run(read_body({"headers": [(b"content-encoding", encoding.encode())]}, receive, most, drain))


@given(plain=st.binary(max_size=4000), cuts=st.lists(st.integers(0, 4000), max_size=4), name=st.sampled_from([*PACK]))
def test_a_body_comes_out_as_it_was_however_it_is_cut(plain: bytes, cuts: list[int], name: str) -> None:
    packed = PACK[name](plain)
    ends = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    parts = [packed[start:end] for start, end in itertools.pairwise(ends)]
    assert read(parts, name) == plain


@given(size=st.integers(0, 300), most=st.integers(1, 300), name=st.sampled_from([*PACK]))
def test_the_cap_is_of_what_the_body_inflates_to(size: int, most: int, name: str) -> None:
    inflated = Inflated(name, most)
    plain = inflated.add(PACK[name](bytes(size)))
    assert inflated.over == (size > most)
    assert len(plain) == min(size, most + 1)
    assert inflated.over or inflated.wrong == ""


@pytest.mark.parametrize("name", [*PACK])
def test_a_bomb_takes_no_more_memory_than_the_cap(name: str) -> None:
    bomb = PACK[name](bytes(64 * MIB))  # 64 KiB
    parts = [bomb[at : at + 8_192] for at in range(0, len(bomb), 8_192)]
    tracemalloc.start()
    with pytest.raises(Refusal, match="over 1048576 bytes") as raised:
        read(parts, name)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert raised.value.status == 413
    assert most < 4 * MIB


def test_what_is_sent_is_capped_too_however_little_it_inflates_to() -> None:
    nothing = zlib.compressobj()
    stored = b"".join(nothing.compress(b"") + nothing.flush(zlib.Z_FULL_FLUSH) for _ in range(40)) + nothing.flush()
    with pytest.raises(Refusal) as raised:
        read([stored], "deflate", most=100)
    assert raised.value.status == 413


@pytest.mark.parametrize(
    ("body", "encoding", "told"),
    [
        (b"xyz", "gzip", "not gzip: Error -3"),
        (gzip.compress(ASK, mtime=0)[:-1], "gzip", "ends too early"),
        (gzip.compress(ASK, mtime=0) + b"x", "gzip", "something follows"),
        (gzip.compress(ASK, mtime=0) * 2, "gzip", "something follows"),
        (gzip.compress(ASK, mtime=0), "deflate", "not deflate"),
        (zlib.compress(ASK), "gzip", "not gzip"),
        (zlib.compress(ASK)[2:-4], "deflate", "not deflate"),
        (b"", "gzip", "ends too early"),
        (ASK, "br", "gzip or deflate only"),
        (ASK, "gzip, gzip", "gzip or deflate only"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(body: bytes, encoding: str, told: str) -> None:
    with pytest.raises(Refusal, match=told) as raised:
        read([body], encoding)
    assert raised.value.status == 415


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running(State(), {"1": score_of_amount}) as one:
        yield one


@pytest.mark.parametrize("path", ["/decide", "/labels", "/invocations", "/v2/models/claims/infer"])
def test_every_path_takes_and_refuses_them_alike(site: Site, path: str) -> None:
    bodies = {
        "/decide": {"row": {"tenant": "acme", "amount": 900}},
        "/invocations": {"inputs": [{"tenant": "acme", "amount": 900}]},
        "/labels": [],
        "/v2/models/claims/infer": {
            "inputs": [
                {"name": name, "shape": [1], "datatype": "BYTES", "data": ["acme"]} for name in ("tenant", "supplier")
            ]
            + [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [900]}]
        },
    }
    plain = json.dumps(bodies[path]).encode()
    for name, pack in PACK.items():
        told = {"content_type": "application/json", "content_encoding": name.upper()}
        assert site.ask("POST", path, pack(plain), **told)[0] == 200
        assert site.ask("POST", path, pack(plain + b" " * MIB), **told)[0] == 413
    status, _, headers = site.ask("POST", "/decide", plain, content_encoding="zstd")
    assert (status, headers["accept-encoding"]) == (415, "gzip, deflate")
