"""The tree against the recursive definition of RFC 6962 and the vectors of the certificate-transparency project."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.ledger.merkle import (
    EMPTY,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# github.com/google/certificate-transparency, merkletree tests: eight inputs and the roots of their first n.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def defined_root(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(entries[:k]) + defined_root(entries[k:])).digest()


ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


@pytest.mark.parametrize("n", range(1, 9))
def test_roots_are_the_published_ones(n: int) -> None:
    assert root(LEAVES[:n]).hex() == ROOTS[n - 1]


def test_proofs_are_the_published_ones() -> None:
    path = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [step.hex() for step in inclusion_proof(0, LEAVES)] == path
    assert [step.hex() for step in consistency_proof(1, LEAVES)] == path
    assert [step.hex() for step in consistency_proof(6, LEAVES)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == root([]) == EMPTY == hashlib.sha256(b"").digest()


@given(ENTRIES)
def test_appending_one_by_one_gives_the_defined_root(entries: list[bytes]) -> None:
    frontier = Frontier()
    for count, entry in enumerate(entries, 1):
        frontier = frontier.append(leaf_hash(entry))
        assert frontier.size == count
        assert len(frontier.peaks) == count.bit_count()
        assert frontier.root() == defined_root(entries[:count])


@settings(max_examples=60)
@given(ENTRIES, st.data())
def test_a_leaf_is_proven_in_its_place_and_nowhere_else(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, top = inclusion_proof(index, leaves), root(leaves)
    assert verify_inclusion(leaves[index], index, len(leaves), proof, top)
    assert not verify_inclusion(leaf_hash(b"another entry"), index, len(leaves), proof, top)
    assert not verify_inclusion(leaves[index], index, len(leaves), (*proof, top), top)
    assert not verify_inclusion(leaves[index], len(leaves), len(leaves), proof, top)
    for other in range(len(leaves)):
        if leaves[other] != leaves[index]:
            assert not verify_inclusion(leaves[index], other, len(leaves), inclusion_proof(other, leaves), top)
    for at in range(len(proof)):
        bent = (*proof[:at], EMPTY, *proof[at + 1 :])
        assert not verify_inclusion(leaves[index], index, len(leaves), bent, top)


@settings(max_examples=60)
@given(ENTRIES, st.data())
def test_a_log_is_proven_to_continue_its_own_beginning_only(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    first = data.draw(st.integers(1, len(leaves)))
    proof, old, new = consistency_proof(first, leaves), root(leaves[:first]), root(leaves)
    assert verify_consistency(first, len(leaves), old, new, proof)
    assert not verify_consistency(first, len(leaves), EMPTY, new, proof)
    assert not verify_consistency(first, len(leaves), old, EMPTY, proof)
    assert not verify_consistency(first, len(leaves), old, new, (*proof, EMPTY))
    assert not verify_consistency(0, len(leaves), old, new, proof)
    for at in range(len(proof)):
        bent = (*proof[:at], EMPTY, *proof[at + 1 :])
        assert not verify_consistency(first, len(leaves), old, new, bent)


def test_a_proof_of_a_smaller_log_proves_nothing_of_a_larger_one() -> None:
    assert not verify_inclusion(LEAVES[0], 0, 8, inclusion_proof(0, LEAVES[:2]), root(LEAVES[:2]))
    assert not verify_consistency(1, 8, root(LEAVES[:1]), root(LEAVES[:2]), consistency_proof(1, LEAVES[:2]))


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("index", [-1, 8])
def test_there_is_no_proof_of_what_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(index, LEAVES)
    with pytest.raises(ValueError, match="no consistency proof"):
        consistency_proof(index + 1 if index < 0 else 9, LEAVES)
